package rules

import (
	"strings"
	"testing"
	"time"

	"tidemark/signal"
)

func TestRefinements(t *testing.T) {
	misses := map[string]reading{
		"cache_hit_ratio":        {value: 0.6, expected: 0.93, down: 8, band: 0.03},
		"db_queries_per_request": {value: 0.5, expected: 0.2, up: 8},
	}
	and := func(name string, r reading) map[string]reading {
		all := with(misses)
		all[name] = r
		return all
	}
	flush := Change{At: noon.Add(-4 * time.Minute), Kind: "cache_flushes", Component: signal.Cache, What: "cache flushes 3/s → 4/s"}
	for _, tc := range []struct {
		name     string
		readings map[string]reading
		changes  []Change
		furthest float64 // of the hit ratio
		want     string
		says     string
	}{
		{name: "nothing tells", readings: with(misses), says: "The cache misses: "},
		{name: "evictions", readings: and("cache_evictions", reading{value: 40, expected: 1, up: 3}), want: "eviction_storm", says: "too small"},
		{name: "expirations", readings: and("cache_expirations", reading{value: 40, expected: 1, up: 3}), want: "early_expiry", says: "expire too early"},
		{name: "flush command", readings: and("cache_flushes", reading{}), changes: []Change{flush}, want: "cache_flush", says: "was flushed"},
		{name: "new version", readings: with(misses), changes: []Change{deployed(4 * time.Minute)}, want: "key_change", says: "new version"},
		{name: "version of a while ago", readings: with(misses), changes: []Change{deployed(9 * time.Minute)}},
		{name: "fills again", readings: with(misses), furthest: 1.2, want: "stampede", says: "fills again"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := view(t, tc.readings, tc.changes...)
			if tc.furthest > 0 {
				v.Signals["cache_hit_ratio"].Series[0].Course = Course{Began: noon.Add(-3 * time.Minute), furthest: tc.furthest}
			}
			got := builtinSet(t).Eval(v, "").Best
			if got == nil || got.Rule != "cache_misses" || got.Alert != "CacheMisses" || got.Suspect != signal.Cache {
				t.Fatalf("verdict %+v, want cache_misses", got)
			}
			if got.Refinement != tc.want || !strings.Contains(got.Summary, tc.says) || !strings.HasPrefix(got.Description, got.Summary) {
				t.Errorf("refinement %q of %q, want %q", got.Refinement, got.Summary, tc.want)
			}
			want := "cache_misses"
			if tc.want != "" {
				want = tc.want
			}
			if got.Runbook != "/runbooks/"+want {
				t.Errorf("runbook %s, want that of %s", got.Runbook, want)
			}
		})
	}
}

func TestKeep(t *testing.T) {
	old := Verdict{Rule: "cache_misses", Refinement: "eviction_storm", Rank: 1, Summary: "Too small.", Runbook: "/runbooks/eviction_storm"}
	plain := Verdict{Rule: "cache_misses", Summary: "Misses.", Description: "Misses.\nLook at: cache.", Runbook: "/runbooks/cache_misses"}
	stampede := plain
	stampede.Refinement, stampede.Rank = "stampede", 4
	for _, kept := range []Verdict{plain, stampede} {
		kept.Keep(old)
		if kept.Refinement != "eviction_storm" || kept.Summary != "Too small." || kept.Description != "Too small.\nLook at: cache." || kept.Runbook != old.Runbook {
			t.Errorf("kept %+v, want the words of %+v", kept, old)
		}
	}
	for name, v := range map[string]Verdict{
		"another rule":             {Rule: "cache_bypass", Summary: "Bypass."},
		"refined by what is first": {Rule: "cache_misses", Refinement: "cache_flush", Summary: "Flushed."},
	} {
		got := v
		got.Keep(old)
		if got.Summary != v.Summary || got.Refinement != v.Refinement {
			t.Errorf("%s: %+v, want its own words", name, got)
		}
	}
}
