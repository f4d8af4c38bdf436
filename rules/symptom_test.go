package rules

import (
	"testing"
	"time"

	"tidemark/detector"
)

// TestServicesOfTheGraph checks how surprising a service must be, by what is
// around it.
func TestServicesOfTheGraph(t *testing.T) {
	slow := func(surprise float64) map[string]reading {
		return map[string]reading{
			"request_rate": {value: 10, expected: 10},
			"latency_mean": {value: 0.3, expected: 0.1, up: surprise, since: 10 * time.Minute},
		}
	}
	rare := slow(9)
	rare["request_rate"] = reading{value: 0.1, expected: 0.1}
	short := slow(9)
	short["latency_mean"] = reading{value: 3e-5, expected: 1e-5, up: 9, since: 10 * time.Minute}
	for _, tc := range []struct {
		name     string
		readings map[string]reading
		place    *Place
		want     bool
	}{
		{"no service of the graph", slow(9), nil, false},
		{"alone", slow(7), &Place{}, true},
		{"alone, an anomaly and no more", slow(5), &Place{}, false},
		{"next to a witness", slow(4.6), &Place{Witness: 4}, true},
		{"next to a witness, neither an anomaly", slow(3.6), &Place{Witness: 4}, false},
		{"next to an anomaly", slow(2.6), &Place{Witness: 5, Anomalous: true}, true},
		{"next to an anomaly, as usual", slow(1), &Place{Witness: 5, Anomalous: true}, false},
		{"of few requests", rare, &Place{}, false},
		{"for a time that nobody notices", short, &Place{}, false},
		{"less than its callers notice", slow(9), &Place{Least: 0.25}, false},
		{"as much as its callers notice", slow(9), &Place{Least: 0.15}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := view(t, tc.readings)
			v.Place = tc.place
			best := builtinSet(t).Eval(v, "").Best
			if got := best != nil && best.Rule == "service_degraded"; got != tc.want {
				t.Errorf("degraded is %v, want %v: %+v", got, tc.want, best)
			}
		})
	}
}

// TestForeseen checks what values beyond the band count for before they are
// surprising. The band ends at twice what is expected.
func TestForeseen(t *testing.T) {
	for _, tc := range []struct {
		name               string
		value              float64
		outside            time.Duration // since when
		rate               float64
		early, clear, best bool
	}{
		{"inside", 0.15, 0, 10, false, false, false},
		{"outside", 0.6, 0, 10, true, false, false},
		{"outside for two slots", 0.6, time.Minute, 10, true, true, true},
		{"not far outside", 0.25, time.Minute, 10, true, false, false},
		{"for long, and not surprising", 0.6, 10 * time.Minute, 10, false, false, false},
		{"of few requests", 0.6, time.Minute, 0.2, false, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := view(t, map[string]reading{
				"request_rate": {value: tc.rate, expected: tc.rate},
				"latency_mean": {value: tc.value, expected: 0.1, band: 1, state: detector.Normal},
			})
			v.Place = &Place{}
			if tc.value > 0.2 {
				v.Signals["latency_mean"].Series[0].Course.Began = noon.Add(-tc.outside)
			}
			set := builtinSet(t)
			symptoms := set.Symptoms(v)
			if len(symptoms) != 1 {
				t.Fatalf("%d symptoms, want 1: %+v", len(symptoms), symptoms)
			}
			if s := symptoms[0]; s.Early != tc.early || s.Clear != tc.clear {
				t.Errorf("early %v and clear %v, want %v and %v", s.Early, s.Clear, tc.early, tc.clear)
			}
			if best := set.Eval(v, "").Best; (best != nil) != tc.best {
				t.Errorf("the verdict is %+v, want one: %v", best, tc.best)
			}
		})
	}
}
