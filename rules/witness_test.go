package rules

import (
	"testing"
	"time"

	"tidemark/signal"
)

// TestExplains checks that keys which a cache loses contradict a cold cache only if
// they are about as many as those that it misses more than usual.
func TestExplains(t *testing.T) {
	for _, tc := range []struct {
		name    string
		evicted float64 // per second, usually 2.8
		lookups float64 // per second behind the hit ratio; 0 is not known
		want    string
	}{
		{"a few keys more than usual", 5, 100, "cache_cold"},
		{"as many as are missed", 40, 100, "cache_misses"},
		{"nobody counts the lookups", 5, 0, "cache_misses"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := view(t, with(map[string]reading{
				"cache_hit_ratio": {value: 0.5, expected: 0.93, down: 8, support: tc.lookups},
				"cache_evictions": {value: tc.evicted, expected: 2.8, up: 5}, "db_queries_per_request": manyQ,
			}), Change{At: noon.Add(-4 * time.Minute), Kind: "cache_restarts", Component: signal.Cache})
			v.Signals["cache_restarts"] = Sight{}
			if got := v.best(t); got != tc.want {
				t.Errorf("verdict %q, want %q", got, tc.want)
			}
		})
	}
}

// TestMaterial checks that a few more queries per request are nothing while there
// are few requests.
func TestMaterial(t *testing.T) {
	for _, tc := range []struct {
		name       string
		daily, now float64 // requests per second
		queries    float64 // per request, usually 0.2
		want       string
	}{
		{"at noon", 100, 130, 0.23, "cache_misses"},
		{"in a quiet night", 100, 30, 0.23, ""},
		{"many, in a quiet night", 100, 30, 0.30, "cache_misses"},
		{"nothing is known of the day", 0, 30, 0.23, "cache_misses"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := view(t, with(map[string]reading{
				"request_rate":    {value: tc.now, expected: tc.now},
				"cache_hit_ratio": {value: 0.8, expected: 0.93, down: 8, band: 0.05},
				// A narrow band, as of a series that is quiet.
				"db_queries_per_request": {value: tc.queries, expected: 0.2, up: 6, band: 0.05},
			}))
			v.Signals["request_rate"].Series[0].Course.Daily = tc.daily
			if got := v.best(t); got != tc.want {
				t.Errorf("verdict %q, want %q", got, tc.want)
			}
		})
	}
}

// TestSurpriseBeforeAChange checks that what spoke for a deviation before a deploy is
// not held against the deploy.
func TestSurpriseBeforeAChange(t *testing.T) {
	for before, want := range map[float64]string{0: "bad_deploy", 1: "bad_deploy", 3.5: ""} {
		v := view(t, with(map[string]reading{"latency_p99": {value: 0.2, expected: 0.1, up: 5.6}}), deployed(4*time.Minute))
		o := &v.Signals["latency_p99"].Series[0]
		for m := 16; m >= 0; m-- {
			j := o.Judgement
			if j.Time = noon.Add(-time.Duration(m) * time.Minute); m > 4 {
				j.Up = before
			}
			o.Course.trail.add(minuteOf(j.Time), 0, j)
		}
		if got := v.best(t); got != want {
			t.Errorf("surprise %g before the deploy: verdict %q, want %q", before, got, want)
		}
	}
}

// TestSlowlyClearAfterAChange checks that what adds up over more than a quarter of an
// hour after a deploy is compared with what it was before the deploy.
func TestSlowlyClearAfterAChange(t *testing.T) {
	for before, want := range map[float64]string{0.5: "bad_deploy", 3: ""} {
		v := view(t, with(map[string]reading{"error_ratio": {value: 0.008, expected: 0.005, up: 5.6, since: 29 * time.Minute}}), deployed(30*time.Minute))
		o := &v.Signals["error_ratio"].Series[0]
		for m := 45; m >= 0; m-- {
			j := o.Judgement
			j.Time, j.Up = noon.Add(-time.Duration(m)*time.Minute), before
			if m < 30 {
				j.Up += (o.Judgement.Up - before) * (1 - float64(m)/30)
			}
			o.Course.trail.add(minuteOf(j.Time), 0, j)
		}
		if got := v.best(t); got != want {
			t.Errorf("surprise %g before the deploy: verdict %q, want %q", before, got, want)
		}
	}
}

// TestLeapAtAChange checks that a deviation that was there before a deploy is blamed
// on it only if it is several times as bad since then, and all the clearer.
func TestLeapAtAChange(t *testing.T) {
	for _, tc := range []struct {
		name      string
		ago       int     // minutes since the deploy
		before    float64 // the value, where 0.005 is expected and it is 0.03 since the deploy
		surprised float64 // before the deploy; it is 11 now
		open      bool
		want      Outcome
	}{
		{name: "it was off a little", ago: 4, before: 0.0065, surprised: 2, want: Met},
		{name: "it was nearly as bad", ago: 4, before: 0.015, surprised: 2, want: NotMet},
		{name: "it is no clearer", ago: 4, before: 0.0065, surprised: 8, want: NotMet},
		{name: "it was off to the other side", ago: 4, before: 0.004, want: Met},
		{name: "it leapt half an hour ago, what is open goes on", ago: 30, before: 0.0065, surprised: 2, open: true, want: Met},
		{name: "it did not, what is open does not go on", ago: 30, before: 0.03, surprised: 11, open: true, want: NotMet},
	} {
		t.Run(tc.name, func(t *testing.T) {
			since := time.Duration(tc.ago+8) * time.Minute
			v := view(t, with(map[string]reading{"error_ratio": {value: 0.03, expected: 0.005, up: 11, since: since}}),
				deployed(time.Duration(tc.ago)*time.Minute))
			o := &v.Signals["error_ratio"].Series[0]
			for m := tc.ago + 12; m >= 0; m-- {
				j := o.Judgement
				if j.Time = noon.Add(-time.Duration(m) * time.Minute); m >= tc.ago {
					j.Value, j.Up = tc.before, tc.surprised
				}
				o.Course.Follow(j, time.Minute)
			}
			got := met(v.best(t) == "bad_deploy")
			if tc.open {
				got = builtinSet(t).Eval(v, "bad_deploy").Open
			}
			if got != tc.want {
				t.Errorf("outcome %d, want %d", got, tc.want)
			}
		})
	}
}

// best returns the rule that explains a view best by the built-in ones, or "".
func (v *View) best(t *testing.T) string {
	t.Helper()
	if best := builtinSet(t).Eval(v, "").Best; best != nil {
		return best.Rule
	}
	return ""
}
