package rules

import (
	"fmt"
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
		c.Follow(j, time.Minute)
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

// TestSteady checks since when a series gets neither better nor much worse, however
// long the window is that its values are averages over.
func TestSteady(t *testing.T) {
	for _, tc := range []struct {
		name string
		off  []float64     // of each minute by itself
		want time.Duration // the longest for which it is steady, in the last minute; -1 for not at all
	}{
		{"stays", []float64{0, 8, 8, 8, 8}, 3 * time.Minute},
		{"stays, for longer than the window", []float64{0, 8, 8, 8, 8, 8, 8, 8, 8, 8}, 8 * time.Minute},
		{"began in the middle of a minute", []float64{0, 4, 8, 8, 8}, 3 * time.Minute},
		{"rises, and stays", []float64{0, 5, 8, 8, 7.5, 8}, 4 * time.Minute},
		{"one bad minute", []float64{0, 30, 0, 0, 0}, -1},
		{"a warm-up of four minutes", []float64{0, 40, 30, 20, 10}, -1},
		{"a warm-up of four minutes that is nearly over", []float64{0, 40, 30, 20, 10, 0, 0}, -1},
		{"a warm-up of ten minutes", []float64{0, 40, 36, 32, 28}, -1},
		{"lingers", []float64{0, 30, 30, 10, 10, 10, 10, 10}, 6 * time.Minute},
		{"is nearly warm", []float64{0, 40, 30, 20, 10, 8, 8, 8}, -1},
		{"a warm-up of ten minutes, after six", []float64{0, 40, 36, 32, 28, 24, 20}, 5 * time.Minute},
		{"was a bit off, and is cold", []float64{0, 4, 4, 4, 4, 4, 40, 30, 20}, -1},
		{"was a bit off, and fails", []float64{0, 4, 4, 4, 4, 4, 40, 40, 40, 40}, 3 * time.Minute},
		{"is back", []float64{20, 20, 20, 20, 0, 0, 0, 0, 0, 0, 0}, -1},
	} {
		for _, window := range []int{1, 2, 5} {
			t.Run(fmt.Sprintf("%s, window %dm", tc.name, window), func(t *testing.T) {
				c, now := smeared(tc.off, window)
				got := time.Duration(-1)
				for long := range 10 {
					if d := time.Duration(long) * time.Minute; c.steadyFor(now, d, time.Time{}) && d > 0 {
						got = d
					}
				}
				if got != tc.want {
					t.Errorf("steady for %v, want %v", got, tc.want)
				}
			})
		}
	}
}

// smeared follows averages over a window of minutes, given how far each minute is off
// by itself, and returns when the last one was.
func smeared(minutes []float64, window int) (Course, time.Time) {
	var c Course
	now := noon
	for i := range minutes {
		off := 0.0
		for _, x := range minutes[max(0, i-window+1) : i+1] {
			off += x / float64(window)
		}
		now = noon.Add(time.Duration(i) * time.Minute)
		c.Follow(detector.Judgement{Time: now, State: detector.Normal, Value: 100 + off, Expected: 100, Lower: 99, Upper: 101},
			time.Duration(window)*time.Minute)
	}
	return c, now
}

// TestSteadySince checks that a restart begins a warm-up anew, and is not blamed for
// what the series was off before.
func TestSteadySince(t *testing.T) {
	const restart = 5 // the last minute before it
	for _, tc := range []struct {
		name string
		off  []float64 // of each minute by itself
		want bool      // it is steady for three minutes
	}{
		{"a warm-up", []float64{0, 0, 0, 0, 0, 0, 40, 30, 20, 10}, false},
		{"one that is over, of a cache that was a bit worse", []float64{12, 12, 12, 12, 12, 12, 45, 35, 25, 15, 12, 12}, false},
		{"cold, and a bit worse before", []float64{7, 7, 7, 7, 7, 7, 40, 40, 40, 40, 40}, true},
		{"lingers, and a bit worse before", []float64{7, 7, 7, 7, 7, 7, 40, 40, 25, 20, 20, 20, 20}, true},
		{"a second warm-up", []float64{0, 0, 40, 20, 10, 0, 40, 30, 20}, false},
		{"the second does not end", []float64{0, 0, 40, 20, 10, 0, 40, 40, 40, 40, 40}, true},
		{"two minutes after the second", []float64{0, 0, 40, 40, 40, 40, 40, 40}, false},
		{"it failed before, and still does", []float64{0, 40, 40, 40, 40, 40, 40, 40, 40, 40}, true},
	} {
		for _, window := range []int{1, 2, 5} {
			t.Run(fmt.Sprintf("%s, window %dm", tc.name, window), func(t *testing.T) {
				c, now := smeared(tc.off, window)
				if got := c.steadyFor(now, 3*time.Minute, noon.Add(restart*time.Minute)); got != tc.want {
					t.Errorf("steady: %t, want %t", got, tc.want)
				}
			})
		}
	}
}

// TestWorsened checks that what is twice as bad as it was just after a change is told
// from what is at its worst there.
func TestWorsened(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values []float64 // by themselves, of which 1 is expected; the change is in minute 1
		want   bool
	}{
		{"a warm-up", []float64{1, 5, 4, 3, 2, 1.5}, false},
		{"one whose users come late", []float64{1, 1, 2, 5, 4, 3}, false},
		{"a fault that came with the change", []float64{1, 5, 5, 5, 5, 5}, false},
		{"a fault after a warm-up", []float64{1, 2, 1.5, 1.3, 1.2, 4, 4}, true},
		{"a fault some minutes after a change that did nothing", []float64{1, 1, 1, 1, 1, 1, 3, 3}, true},
		{"a fault that is over", []float64{1, 1, 1, 1, 1, 3, 3, 1, 1}, false},
		{"too early to tell", []float64{1, 1, 1, 3, 4}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := course(tc.values...)
			if got := c.worsened(noon.Add(time.Minute)); got != tc.want {
				t.Errorf("worsened: %t, want %t", got, tc.want)
			}
		})
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
