package rules

import (
	"math"
	"testing"
	"time"

	"tidemark/detector"
	"tidemark/signal"
)

// course follows values of which 1 is expected, with a band of ±0.2; NaN is a gap.
func course(values ...float64) Course {
	var c Course
	for i, v := range values {
		j := detector.Judgement{
			Time: noon.Add(time.Duration(i) * time.Minute), State: detector.Normal,
			Value: v, Expected: 1, Lower: 0.8, Upper: 1.2,
		}
		if math.IsNaN(v) {
			j.State = detector.Unknown
		}
		c.Follow(j)
	}
	return c
}

func TestCourseBegan(t *testing.T) {
	gap := math.NaN()
	for _, tc := range []struct {
		name   string
		values []float64
		want   int // the minute in which it began, -1 for inside
	}{
		{"never outside", []float64{1, 1, 1.05}, -1},
		{"outside", []float64{1, 1, 1.3, 1.3}, 2},
		{"below", []float64{1, 0.7, 0.7}, 1},
		{"one value inside is chance", []float64{1, 1.3, 1, 1.3}, 1},
		{"two are the end", []float64{1, 1.3, 1, 1}, -1},
		{"what comes after is another one", []float64{1, 1.3, 1.3, 1, 1, 1, 1.3}, 6},
		{"a gap changes nothing", []float64{1, 1.3, gap, gap, gap, 1.3}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var want time.Time
			if tc.want >= 0 {
				want = noon.Add(time.Duration(tc.want) * time.Minute)
			}
			if got := course(tc.values...).Began; !got.Equal(want) {
				t.Errorf("began %v, want %v", got, want)
			}
		})
	}
}

func TestCourseLately(t *testing.T) {
	if got := course(1.2).Lately; got != 1.2 {
		t.Errorf("after one value: lately %v, want 1.2", got)
	}
	values := make([]float64, 31)
	for i := range values {
		values[i] = 2
	}
	values[0] = 1
	if got, want := course(values...).Lately, 2-1/math.E; math.Abs(got-want) > 1e-9 {
		t.Errorf("half an hour at 2 after 1: lately %v, want %v", got, want)
	}
}

// TestDeviationsOfAnotherTime checks that an old deviation neither contradicts a
// rule nor gives one that it comes back its old onset.
func TestDeviationsOfAnotherTime(t *testing.T) {
	old := func(v *View, name string, ago time.Duration) *Observation {
		o := &v.Signals[name].Series[0]
		o.Judgement.State, o.Judgement.Since = detector.Anomalous, noon.Add(-ago)
		return o
	}
	readings := with(map[string]reading{
		"latency_p99": slowPages, "error_ratio": failing,
		"cache_hit_ratio": {value: 0.85, expected: 0.93, down: 5, band: 0.03},
	})
	for _, tc := range []struct {
		name string
		ago  time.Duration // how long the cache has been worse
		want string
	}{
		{"a cache that is worse since the morning", 4 * time.Hour, "bad_deploy"},
		{"a cache that is worse since the deploy", 4 * time.Minute, "correlated_degradation"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := view(t, readings, deployed(5*time.Minute))
			old(v, "cache_hit_ratio", tc.ago)
			got := builtinSet(t).Eval(v, "").Best
			if got == nil || got.Rule != tc.want {
				t.Errorf("verdict %+v, want %s", got, tc.want)
			}
		})
	}

	v := view(t, with(map[string]reading{
		"cache_hit_ratio": {value: 0.6, expected: 0.93, down: 8}, "db_queries_per_request": manyQ,
	}), Change{At: noon.Add(-12 * time.Minute), Kind: "process_restarts", Component: signal.Application})
	v.Signals["process_restarts"] = Sight{}
	for _, name := range []string{"cache_hit_ratio", "db_queries_per_request"} {
		o := old(v, name, 11*time.Minute)
		o.Course = Course{Began: noon.Add(-2 * time.Minute), returned: noon.Add(-5 * time.Minute), beyond: 2}
	}
	got := builtinSet(t).Eval(v, "").Best
	if got == nil || got.Rule != "cache_misses" {
		t.Errorf("after a warm-up that was over: verdict %+v, want cache_misses", got)
	}
}

// TestSteady checks since when a series is about as far off as it ever was, and that
// an excursion to the other side is a new one.
func TestSteady(t *testing.T) {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	follow := func(values ...float64) *Course {
		c := &Course{}
		for i, v := range values {
			c.Follow(detector.Judgement{Time: at(i), State: detector.Normal, Value: v, Expected: 10, Lower: 9, Upper: 11})
		}
		return c
	}
	for _, tc := range []struct {
		name   string
		values []float64
		want   time.Duration // the longest for which it is steady, at the last value
	}{
		{"rises, and stays", []float64{10, 14, 18, 20, 20, 19.5, 20}, 3 * time.Minute},
		{"gets better", []float64{10, 20, 20, 20, 18, 17, 16}, 0},
		{"got better, and is slow now", []float64{10, 20, 20, 15, 14.9, 14.8, 14.8}, 0},
		{"gets worse", []float64{10, 14, 16, 18, 20, 23, 26}, 0},
		{"was off the other way", []float64{5, 5, 5, 5, 20, 20, 20}, 2 * time.Minute},
		{"is back", []float64{20, 20, 20, 20, 10, 10, 10}, -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, now := follow(tc.values...), at(len(tc.values)-1)
			if tc.want >= 0 && !c.steadyFor(now, tc.want) || c.steadyFor(now, tc.want+time.Minute) {
				t.Errorf("it is steady since %v, want for %v", c.steady, tc.want)
			}
		})
	}
	if got, want := follow(5, 5, 5, 20, 20).Began, at(3); !got.Equal(want) {
		t.Errorf("it began at %v, want %v, when it went to the other side", got, want)
	}
}

// TestWarmUpOfAWorseCache checks that a cache that was a bit worse before a restart,
// and then left its band, is cold by the restart.
func TestWarmUpOfAWorseCache(t *testing.T) {
	v := view(t, with(map[string]reading{
		"cache_hit_ratio": {value: 0.6, expected: 0.93, down: 8, since: 20 * time.Minute}, "db_queries_per_request": {value: 1.6, expected: 0.2, up: 8, since: 20 * time.Minute},
	}), Change{At: noon.Add(-3 * time.Minute), Kind: "process_restarts", Component: signal.Application})
	v.Signals["process_restarts"] = Sight{}
	o := &v.Signals["cache_hit_ratio"].Series[0]
	for edge, want := range map[time.Duration]string{2 * time.Minute: "cache_cold", 15 * time.Minute: "cache_misses"} {
		o.Course = Course{Began: noon.Add(-20 * time.Minute), beyond: 2, edge: noon.Add(-edge)}
		if got := builtinSet(t).Eval(v, "").Best; got == nil || got.Rule != want {
			t.Errorf("left its band %v ago: verdict %+v, want %s", edge, got, want)
		}
	}
}
