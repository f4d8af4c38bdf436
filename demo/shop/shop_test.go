package shop_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/demo/shop"
	"tidemark/demo/shop/shoptest"
)

// steady is the default shop with the same number of customers at all hours.
func steady(rate float64) shop.Model {
	m := shop.Default
	m.Traffic = shop.Traffic{Mean: rate}
	return m
}

// between says whether a level, named for the failure, lies in a range.
func between(t *testing.T, name string, got, low, high float64) {
	t.Helper()
	if !(got >= low && got <= high) {
		t.Errorf("%s is %.4g, want %.4g to %.4g", name, got, low, high)
	}
}

func TestNormalLevels(t *testing.T) {
	for _, rate := range []float64{60, 85, 115} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := shoptest.Open(t, steady(rate), 1).Measure(3 * time.Minute)
				between(t, "requests", l.Requests, 0.97*rate, 1.03*rate)
				between(t, "errors", l.Errors, 0.0015, 0.008)
				between(t, "p50", l.P50, 0.036, 0.046)
				between(t, "p99", l.P99, 0.140, 0.200)
				between(t, "hit ratio", l.HitRatio, 0.89, 0.95)
				between(t, "lookups per request", l.LookupsPerRequest, 0.89, 0.91)
				between(t, "evictions", l.Evictions, 0, 0)
				between(t, "expirations", l.Expirations, 4, 8)
				between(t, "queries per request", l.QueriesPerRequest, 0.14, 0.20)
				between(t, "query time", l.QueryTime, 0.040, 0.052)
				between(t, "pool wait", l.PoolWait, 0, 0.0001)
				between(t, "query errors", l.QueryErrors, 0, 0.1)
			})
		})
	}
}

// TestFaults checks what each fault does to the shop: how many times normal a
// level becomes, or the level itself, and that the rest stays as it is.
func TestFaults(t *testing.T) {
	flat := func(t *testing.T, name string, got, normal float64) {
		t.Helper()
		between(t, name+" (unchanged)", got/normal, 0.9, 1.1)
	}
	hurts := func(t *testing.T, got, normal shoptest.Levels) {
		t.Helper()
		between(t, "p99 × normal", got.P99/normal.P99, 1.3, 5)
		between(t, "errors × normal", got.Errors/normal.Errors, 1.1, 10)
	}
	drowns := func(t *testing.T, got, normal shoptest.Levels) {
		t.Helper()
		hurts(t, got, normal)
		flat(t, "requests", got.Requests, normal.Requests)
		between(t, "queries per request × normal", got.QueriesPerRequest/normal.QueriesPerRequest, 3, 10)
		between(t, "query time × normal", got.QueryTime/normal.QueryTime, 1.1, 2)
	}
	tests := map[string]func(t *testing.T, got, normal shoptest.Levels){
		"cache_bypass": func(t *testing.T, got, normal shoptest.Levels) {
			drowns(t, got, normal)
			between(t, "lookups per request", got.LookupsPerRequest, 0, 0)
			if !math.IsNaN(got.HitRatio) {
				t.Errorf("hit ratio is %v although nobody asks the cache, want NaN", got.HitRatio)
			}
		},
		"ttl_zero": func(t *testing.T, got, normal shoptest.Levels) {
			drowns(t, got, normal)
			flat(t, "lookups per request", got.LookupsPerRequest, normal.LookupsPerRequest)
			between(t, "hit ratio", got.HitRatio, 0, 0.1)
			between(t, "expirations × normal", got.Expirations/normal.Expirations, 5, 20)
		},
		"small_cache": func(t *testing.T, got, normal shoptest.Levels) {
			drowns(t, got, normal)
			flat(t, "lookups per request", got.LookupsPerRequest, normal.LookupsPerRequest)
			between(t, "hit ratio", got.HitRatio, 0.4, 0.65)
			between(t, "evictions", got.Evictions, 20, 60)
		},
		"cache_down": func(t *testing.T, got, normal shoptest.Levels) {
			drowns(t, got, normal)
			flat(t, "lookups per request", got.LookupsPerRequest, normal.LookupsPerRequest)
			between(t, "hit ratio", got.HitRatio, 0, 0)
			between(t, "cache up", got.CacheUp, 0, 0)
			between(t, "cache errors per request", got.CacheErrors/got.Requests, 1, 2)
		},
		"slow_database": func(t *testing.T, got, normal shoptest.Levels) {
			hurts(t, got, normal)
			flat(t, "requests", got.Requests, normal.Requests)
			flat(t, "queries per request", got.QueriesPerRequest, normal.QueriesPerRequest)
			flat(t, "hit ratio", got.HitRatio, normal.HitRatio)
			between(t, "query time × normal", got.QueryTime/normal.QueryTime, 3, 4.5)
		},
		"traffic_x3": func(t *testing.T, got, normal shoptest.Levels) {
			between(t, "requests × normal", got.Requests/normal.Requests, 2.8, 3.2)
			between(t, "queries per request × normal", got.QueriesPerRequest/normal.QueriesPerRequest, 0.5, 1)
			between(t, "query time × normal", got.QueryTime/normal.QueryTime, 0.9, 1.2)
			between(t, "p99 × normal", got.P99/normal.P99, 1.3, 10)
			between(t, "errors × normal", got.Errors/normal.Errors, 1.1, 30)
		},
		"bad_deploy": func(t *testing.T, got, normal shoptest.Levels) {
			hurts(t, got, normal)
			between(t, "p50 × normal", got.P50/normal.P50, 1.4, 1.6)
			flat(t, "requests", got.Requests, normal.Requests)
			flat(t, "queries per request", got.QueriesPerRequest, normal.QueriesPerRequest)
			flat(t, "hit ratio", got.HitRatio, normal.HitRatio)
			flat(t, "query time", got.QueryTime, normal.QueryTime)
		},
		"n_plus_one": func(t *testing.T, got, normal shoptest.Levels) {
			hurts(t, got, normal)
			between(t, "queries per request × normal", got.QueriesPerRequest/normal.QueriesPerRequest, 2.5, 4)
			flat(t, "hit ratio", got.HitRatio, normal.HitRatio)
			flat(t, "lookups per request", got.LookupsPerRequest, normal.LookupsPerRequest)
		},
		"good_deploy": func(t *testing.T, got, normal shoptest.Levels) {
			flat(t, "p50", got.P50, normal.P50)
			flat(t, "p99", got.P99, normal.P99)
			flat(t, "queries per request", got.QueriesPerRequest, normal.QueriesPerRequest)
			between(t, "errors × normal", got.Errors/normal.Errors, 0.6, 1.4)
		},
	}
	rate := shop.Default.Traffic.Peak()
	for name, check := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := shoptest.Open(t, steady(rate), 1)
				normal := b.Measure(3 * time.Minute)
				b.Switch(name, true)
				time.Sleep(72 * time.Second) // until all keys have expired that were cached before
				check(t, b.Measure(3*time.Minute), normal)

				b.Switch(name, false)
				time.Sleep(time.Minute)
				repaired := b.Measure(time.Minute)
				flat(t, "p50 after the repair", repaired.P50, normal.P50)
				flat(t, "hit ratio after the repair", repaired.HitRatio, normal.HitRatio)
				between(t, "queries per request after the repair × normal", repaired.QueriesPerRequest/normal.QueriesPerRequest, 0.85, 1.2)
			})
		})
	}
	for _, f := range shoptest.Open(t, steady(0.01), 1).Faults().List() {
		if tests[f.Name] == nil {
			t.Errorf("fault %s is not tested", f.Name)
		}
	}
}

func TestTrafficRhythm(t *testing.T) {
	traffic := shop.Default.Traffic
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	low, high := math.Inf(1), 0.0
	for at := start; at.Before(start.AddDate(0, 0, 14)); at = at.Add(time.Minute) {
		rate, next := traffic.Rate(at), traffic.Rate(at.Add(time.Minute))
		low, high = min(low, rate), max(high, rate)
		if math.Abs(next/rate-1) > 0.02 {
			t.Fatalf("rate jumps from %v to %v at %v", rate, next, at)
		}
	}
	between(t, "lowest rate", low, 55, 65)
	between(t, "highest rate", high, 105, 120)
}
