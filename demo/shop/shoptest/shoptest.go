// Package shoptest runs the demo shop in the virtual time of a synctest bubble,
// where a quarter of an hour takes a second, and measures its signals.
package shoptest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tidemark/demo/shop"
)

// Bench is a shop with customers. It lives in one synctest bubble.
type Bench struct {
	*shop.Shop
	t        *testing.T
	registry *prometheus.Registry
}

// Open opens an embedded shop, warm and with customers, until the test is over.
// The seed decides all random numbers.
func Open(t *testing.T, m shop.Model, seed uint64) *Bench {
	t.Helper()
	registry := prometheus.NewRegistry()
	s := shop.New(shop.Options{
		Model:      m,
		Cache:      shop.NewMemoryCache(m, seed),
		Database:   shop.NewMemoryDatabase(m, seed+1),
		Seed:       seed + 2,
		Logger:     slog.New(slog.DiscardHandler),
		Registerer: registry,
	})
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Warm(ctx, m.Traffic.Rate(time.Now())); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	customers := shop.Customers{
		Model: m, URL: "http://shop", Client: direct{s.Handler()}, Load: s.Load, Seed: seed + 3,
		Logger: slog.New(slog.DiscardHandler),
	}
	go func() {
		defer close(done)
		customers.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return &Bench{Shop: s, t: t, registry: registry}
}

// direct is a network without a network.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// Switch switches a fault.
func (b *Bench) Switch(name string, on bool) {
	b.t.Helper()
	if _, err := b.Faults().Set(b.t.Context(), name, on); err != nil {
		b.t.Fatal(err)
	}
}

// Levels are the signals of a shop over a time.
type Levels struct {
	Requests          float64 // per second
	Errors            float64 // share of the requests
	P50, P99          float64 // seconds
	HitRatio          float64 // NaN if the cache was not asked
	LookupsPerRequest float64
	Evictions         float64 // per second
	Expirations       float64 // per second
	CacheErrors       float64 // per second
	CacheLatency      float64 // seconds
	CacheUp           float64 // at the end
	Queries           float64 // per second
	QueriesPerRequest float64
	QueryTime         float64 // seconds
	PoolWait          float64 // seconds
	QueryErrors       float64 // per second
}

// Measure lets the shop go on for so long, and returns the levels in that time.
func (b *Bench) Measure(d time.Duration) Levels {
	b.t.Helper()
	before := b.gather()
	time.Sleep(d)
	after := b.gather()
	delta := func(name string, match ...string) float64 {
		return after.sum(name, match...) - before.sum(name, match...)
	}
	seconds := d.Seconds()
	requests := delta("http_requests_total")
	lookups := delta("shop_cache_lookups_total")
	queries := delta("shop_db_queries_total")
	commands := "shop_cache_command_duration_seconds"
	buckets := after.buckets()
	for i, n := range before.buckets() {
		buckets[i] -= n
	}
	return Levels{
		Requests:          requests / seconds,
		Errors:            (delta("http_requests_total", shop.CodeInternal) + delta("http_requests_total", shop.CodeUnavailable)) / requests,
		P50:               Quantile(0.5, buckets),
		P99:               Quantile(0.99, buckets),
		HitRatio:          delta("shop_cache_hits_total") / lookups,
		LookupsPerRequest: lookups / requests,
		Evictions:         delta("shop_cache_evictions_total") / seconds,
		Expirations:       delta("shop_cache_expirations_total") / seconds,
		CacheErrors:       delta("shop_cache_errors_total") / seconds,
		CacheLatency:      delta(commands+"_sum") / delta(commands+"_count"),
		CacheUp:           after.sum("shop_cache_up"),
		Queries:           queries / seconds,
		QueriesPerRequest: queries / requests,
		QueryTime:         delta("shop_db_query_duration_seconds_sum") / queries,
		PoolWait:          delta("shop_db_pool_wait_seconds_sum") / delta("shop_db_pool_wait_seconds_count"),
		QueryErrors:       delta("shop_db_errors_total") / seconds,
	}
}

// Quantile returns the quantile that PromQL's histogram_quantile would, from
// cumulative counts by shop.Buckets with the total at the end.
func Quantile(q float64, cumulative []float64) float64 {
	rank := q * cumulative[len(cumulative)-1]
	lower, below := 0.0, 0.0
	for i, upper := range shop.Buckets {
		if cumulative[i] >= rank {
			return lower + (upper-lower)*(rank-below)/(cumulative[i]-below)
		}
		lower, below = upper, cumulative[i]
	}
	return lower
}

type families map[string]*dto.MetricFamily

func (b *Bench) gather() families {
	b.t.Helper()
	all, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	f := families{}
	for _, family := range all {
		f[family.GetName()] = family
	}
	return f
}

// sum adds up the series of a name, _sum and _count of summaries included,
// that have each of the label values.
func (f families) sum(name string, match ...string) float64 {
	family, of := f[name], func(m *dto.Metric) float64 { return m.GetCounter().GetValue() + m.GetGauge().GetValue() }
	if base, ok := strings.CutSuffix(name, "_sum"); ok {
		family, of = f[base], func(m *dto.Metric) float64 { return m.GetSummary().GetSampleSum() }
	} else if base, ok := strings.CutSuffix(name, "_count"); ok {
		family, of = f[base], func(m *dto.Metric) float64 { return float64(m.GetSummary().GetSampleCount()) }
	}
	total := 0.0
	for _, m := range family.GetMetric() {
		matched := 0
		for _, l := range m.GetLabel() {
			for _, v := range match {
				if l.GetValue() == v {
					matched++
				}
			}
		}
		if matched == len(match) {
			total += of(m)
		}
	}
	return total
}

func (f families) buckets() []float64 {
	h := f["http_request_duration_seconds"].GetMetric()[0].GetHistogram()
	cumulative := make([]float64, 0, len(shop.Buckets)+1)
	for _, b := range h.GetBucket() {
		cumulative = append(cumulative, float64(b.GetCumulativeCount()))
	}
	return append(cumulative, float64(h.GetSampleCount()))
}
