package rules

import (
	"math"
	"testing"
	"time"

	"tidemark/detector"
	"tidemark/signal"
)

// TestCoincidence checks how clear a deviation must be to be blamed on a change,
// by how often there are such changes and how long ago the last one is.
func TestCoincidence(t *testing.T) {
	deploys := func(ago time.Duration, aWeek int) []Change {
		out := []Change{deployed(ago)}
		for i := 1; i < aWeek; i++ {
			out = append(out, deployed(ago+time.Duration(i)*7*24*time.Hour/time.Duration(aWeek)))
		}
		return out
	}
	for _, tc := range []struct {
		name    string
		changes []Change
		latency reading
		want    string
	}{
		{"weak, and right after the only deploy of the week", deploys(4*time.Minute, 1), reading{value: 0.2, expected: 0.1, up: 3.6}, "bad_deploy"},
		{"weak, where something is deployed five times a day", deploys(4*time.Minute, 35), reading{value: 0.2, expected: 0.1, up: 3.6}, ""},
		{"clear, there", deploys(4*time.Minute, 35), reading{value: 0.2, expected: 0.1, up: 4.6}, "bad_deploy"},
		{"less weak, long after a deploy of every day", deploys(14*time.Minute, 7), reading{value: 0.2, expected: 0.1, up: 4.2}, ""},
		{"less weak, right after it", deploys(2*time.Minute, 7), reading{value: 0.2, expected: 0.1, up: 4.2}, "bad_deploy"},
		{"begun before the deploy", deploys(4*time.Minute, 1), reading{value: 0.2, expected: 0.1, up: 8, since: 10 * time.Minute}, ""},
		{"replicas that follow each other are one deploy", append(deploys(4*time.Minute, 1), deployed(5*time.Minute), deployed(6*time.Minute)),
			reading{value: 0.2, expected: 0.1, up: 3.8}, "bad_deploy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if best := builtinSet(t).Eval(view(t, with(map[string]reading{"latency_p99": tc.latency}), tc.changes...), "").Best; best != nil {
				got = best.Rule
			}
			if got != tc.want {
				t.Errorf("verdict %q, want %q", got, tc.want)
			}
		})
	}
}

// TestFollowsDeviation checks that what traffic is blamed for began with it and is
// an anomaly by itself.
func TestFollowsDeviation(t *testing.T) {
	surge := reading{value: 300, expected: 100, up: 8, since: 5 * time.Minute}
	for _, tc := range []struct {
		name    string
		latency reading
		want    string
	}{
		{"with the surge", reading{value: 0.2, expected: 0.1, up: 5, since: 4 * time.Minute}, "traffic_surge"},
		{"long before it", reading{value: 0.2, expected: 0.1, up: 8, since: 20 * time.Minute}, ""},
		{"weak", reading{value: 0.2, expected: 0.1, up: 4.2}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if best := builtinSet(t).Eval(view(t, with(map[string]reading{"request_rate": surge, "latency_p99": tc.latency})), "").Best; best != nil {
				got = best.Rule
			}
			if got != tc.want {
				t.Errorf("verdict %q, want %q", got, tc.want)
			}
		})
	}
}

// TestLastingAfterRestarts checks that several restarts do not add up to something
// that lasts.
func TestLastingAfterRestarts(t *testing.T) {
	readings := with(map[string]reading{"db_queries_per_request": {value: 0.28, expected: 0.2, up: 6, since: 9 * time.Minute}})
	if got := builtinSet(t).Eval(view(t, readings, deployed(10*time.Minute)), "").Best; got == nil || got.Rule != "bad_deploy" || got.Refinement != "n_plus_one" {
		t.Errorf("nine minutes after a deploy: verdict %+v, want bad_deploy, n_plus_one", got)
	}
	if got := builtinSet(t).Eval(view(t, readings, deployed(3*time.Minute), deployed(10*time.Minute)), "").Best; got != nil {
		t.Errorf("with another deploy three minutes ago: verdict %s, want none", got.Rule)
	}
}

// TestNewDeviation checks when an anomaly that goes on is a new deviation.
func TestNewDeviation(t *testing.T) {
	earlier, back, again := noon.Add(-30*time.Minute), noon.Add(-6*time.Minute), noon.Add(-3*time.Minute)
	for _, tc := range []struct {
		name   string
		since  time.Time
		course Course
		want   time.Time
	}{
		{"it never was back", earlier, Course{Began: earlier, beyond: 20}, earlier},
		{"it is clear again", earlier, Course{Began: again, returned: back, beyond: 2}, again},
		{"it wavers about the edge", earlier, Course{Began: again, returned: back, beyond: 1}, earlier},
		{"it is no anomaly", time.Time{}, Course{Began: again, returned: back, beyond: 1}, again},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := Observation{Judgement: detector.Judgement{Time: noon, Since: tc.since}, Course: tc.course}
			if got := o.since(); !got.Equal(tc.want) {
				t.Errorf("since %v, want %v", got, tc.want)
			}
			if got := o.first(noon); got.After(tc.want) {
				t.Errorf("first %v, later than since", got)
			}
		})
	}
}

// TestWarmUpThatEnds checks that a cache that is nearly warm again does not page.
func TestWarmUpThatEnds(t *testing.T) {
	v := view(t, with(map[string]reading{
		"cache_hit_ratio":        {value: 0.85, expected: 0.93, down: 6, band: 0.03},
		"db_queries_per_request": {value: 0.3, expected: 0.2, up: 6},
	}))
	o := &v.Signals["db_queries_per_request"].Series[0]
	o.Course = Course{Began: noon.Add(-4 * time.Minute), furthest: 0.2}
	if got := builtinSet(t).Eval(v, "").Best; got == nil || got.Rule != "cache_misses" || got.Suspect != signal.Cache {
		t.Errorf("halfway back: verdict %+v, want cache_misses", got)
	}
	o.Course.furthest = 0.4
	if got := builtinSet(t).Eval(v, "").Best; got != nil {
		t.Errorf("three quarters of the way back: verdict %s, want none", got.Rule)
	}
}

// TestQueriesWithoutMisses checks that after a deploy only those additional queries
// count that a cache which misses a bit more often does not explain.
func TestQueriesWithoutMisses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		queries reading
		hits    reading
		want    bool
	}{
		{"half of them are misses, and the rest is too little", reading{value: 0.23, support: 100}, reading{value: 0.915, support: 100}, false},
		{"half of them are misses, and the rest matters", reading{value: 0.25, support: 100}, reading{value: 0.905, support: 100}, true},
		{"all of them are", reading{value: 0.25, support: 100}, reading{value: 0.88, support: 100}, false},
		{"none is, the cache hits more often", reading{value: 0.23, support: 100}, reading{value: 0.94, support: 100}, true},
		{"nobody knows how many there are", reading{value: 0.23, support: math.NaN()}, reading{value: 0.915, support: 100}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.queries.expected, tc.queries.up, tc.queries.since = 0.2, 6, 9*time.Minute
			tc.hits.expected = 0.93
			v := view(t, with(map[string]reading{"db_queries_per_request": tc.queries, "cache_hit_ratio": tc.hits}), deployed(10*time.Minute))
			v.Signals["db_queries_per_request"].Series[0].Judgement.Upper = 0.21
			got := builtinSet(t).Eval(v, "").Best
			if (got != nil && got.Rule == "bad_deploy") != tc.want {
				t.Errorf("verdict %+v, want bad_deploy: %t", got, tc.want)
			}
		})
	}
}
