package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/rules"
	"tidemark/signal"
)

func TestEvents(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	deploy := func(id string, when time.Time) Event {
		return Event{id, rules.Change{At: when, Kind: "deploys", Component: signal.Deploy, What: "release 2", Labels: model.LabelSet{"service": "shop"}}}
	}
	record := func(e, want Event, created bool) {
		t.Helper()
		got, isNew, err := s.RecordEvent(e)
		if diff := cmp.Diff(want, got); diff != "" || isNew != created || err != nil {
			t.Errorf("%s: created %t, err %v, want created %t (-want +got):\n%s", e.ID, isNew, err, created, diff)
		}
	}
	one, two, old := deploy("one", at(1)), deploy("two", at(2)), deploy("old", at(0).Add(-DefaultRetention))
	record(two, two, true)
	record(one, one, true)
	record(old, old, true)
	s = reopen(t, s, dir)
	record(deploy("one", at(5)), one, false)

	check := func(q Query, want ...Event) {
		t.Helper()
		got, _, err := s.Events(q)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("err %v (-want +got):\n%s", err, diff)
		}
	}
	check(Query{}, two, one, old)
	check(Query{Start: at(2)}, two)
	s.pruned = time.Time{}
	save(t, s, nil, nil, nil)
	check(Query{}, two, one)
}
