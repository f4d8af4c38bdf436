package api

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestWhatIsNotKnownIsNull(t *testing.T) {
	at := time.Date(2026, 3, 4, 11, 0, 0, 5e8, time.FixedZone("CET", 3600))
	for _, tc := range []struct {
		name string
		form any
		want string
	}{
		{"number", Number(0.25), "0.25"},
		{"NaN", Number(math.NaN()), "null"},
		{"infinity", Number(math.Inf(-1)), "null"},
		{"time", Instant(at), `"2026-03-04T10:00:00.5Z"`},
		{"no time", Instant{}, "null"},
		{"reference", Reference("4f2a"), `"4f2a"`},
		{"no reference", Reference(""), "null"},
		{"empty list", Forms(nil, changeOf), "[]"},
		{"change without labels", Change{At: Instant(at), Kind: "deploys", What: "1 → 2", Labels: labelsOf(nil)},
			`{"at":"2026-03-04T10:00:00.5Z","kind":"deploys","what":"1 → 2","labels":{}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := json.Marshal(tc.form)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
