package alerting

import (
	"testing"
	"time"
)

func TestBeats(t *testing.T) {
	at := func(minute int) time.Time { return exampleNow.Add(time.Duration(minute) * time.Minute) }
	fires := func(id string, since int) offer { return offer{id: id, since: at(since)} }
	ended := func(id string, since int) offer {
		return offer{id: id, since: at(since), alert: Alert{EndsAt: at(since)}}
	}
	for _, tc := range []struct {
		name        string
		first, last offer // first goes before last
	}{
		{"firing before resolved", fires("a", 1), ended("b", 0)},
		{"firing before resolved later", fires("a", 1), ended("b", 2)},
		{"fired later", fires("a", 2), fires("b", 1)},
		{"resolved later", ended("a", 2), ended("b", 1)},
		{"at the same time, by ID", fires("b", 1), fires("a", 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !tc.first.beats(tc.last) {
				t.Error("the first one does not beat the last one")
			}
			if tc.last.beats(tc.first) {
				t.Error("the last one beats the first one")
			}
			for _, order := range [][]offer{{tc.first, tc.last}, {tc.last, tc.first}} {
				os := offers{}
				for _, o := range order {
					os.add(o)
				}
				if got := os[0].id; got != tc.first.id {
					t.Errorf("got %s, want %s", got, tc.first.id)
				}
			}
		})
	}
}
