package history

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tidemark/demo/shop"
	"tidemark/demo/shop/shoptest"
)

// levels measures the past as shoptest measures the present.
func levels(p *shopPast, start time.Time, d time.Duration) shoptest.Levels {
	for at := start.Add(p.o.Step); !at.After(start.Add(d)); at = at.Add(p.o.Step) {
		p.advance(at)
	}
	requests, bad := 0.0, 0.0
	for key, n := range p.requests {
		requests += n
		if key.code != shop.CodeOK {
			bad += n
		}
	}
	cumulative, sum := make([]float64, len(p.buckets)), 0.0
	for i, n := range p.buckets {
		sum += n
		cumulative[i] = sum
	}
	return shoptest.Levels{
		Requests:          requests / d.Seconds(),
		Errors:            bad / requests,
		P50:               shoptest.Quantile(0.5, cumulative),
		P99:               shoptest.Quantile(0.99, cumulative),
		HitRatio:          p.hits / p.lookups,
		LookupsPerRequest: p.lookups / requests,
		Expirations:       p.sets.count / d.Seconds(),
		CacheLatency:      (p.gets.sum + p.sets.sum) / (p.gets.count + p.sets.count),
		CacheUp:           1,
		Queries:           p.queries.count / d.Seconds(),
		QueriesPerRequest: p.queries.count / requests,
		QueryTime:         p.queries.sum / p.queries.count,
		PoolWait:          p.poolWaits.sum / p.poolWaits.count,
		QueryErrors:       p.timeouts / d.Seconds(),
	}
}

// TestPastIsLikePresent compares the past with the live shop, at the rates of
// the night, the day and the evening, and with its faults. A tolerance is what
// some minutes of customers leave to chance, which with a fault is more.
func TestPastIsLikePresent(t *testing.T) {
	for _, tc := range []struct {
		name   string
		rate   float64
		live   time.Duration
		fault  Fault
		looser float64 // factor of the tolerances
	}{
		{"night", 60, 10 * time.Minute, Fault{}, 1},
		{"day", 85, 10 * time.Minute, Fault{}, 1},
		{"evening", 115, 10 * time.Minute, Fault{}, 1},
		{"cache_bypass", 40, 5 * time.Minute, Fault{Bypass: 1}, 2},
		{"slow_database", 40, 5 * time.Minute, Fault{Slow: 4}, 2},
		{"bad_deploy", 40, 5 * time.Minute, Fault{Release: shop.Bad}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := shop.Default
				m.Traffic = shop.Traffic{Mean: tc.rate}
				const hour = time.Hour
				bench := shoptest.Open(t, m, 1)
				if tc.fault != (Fault{}) {
					bench.Switch(tc.name, true)
				}
				live := bench.Measure(tc.live)
				start := time.Now()
				tc.fault.From, tc.fault.To = start, start.Add(hour)
				past := levels(newShopPast(Options{
					Model: m, Start: start, End: start.Add(hour), Step: 10 * time.Second, Seed: 1, Faults: []Fault{tc.fault},
				}), start, hour)

				for _, level := range []struct {
					name                      string
					past, live                float64
					relative, absoluteAllowed float64
				}{
					{"requests", past.Requests, live.Requests, 0.03, 0},
					{"errors", past.Errors, live.Errors, 0, 0.001},
					{"p50", past.P50, live.P50, 0.02, 0},
					{"p99", past.P99, live.P99, 0.06, 0},
					{"hit ratio", past.HitRatio, live.HitRatio, 0, 0.006},
					{"lookups per request", past.LookupsPerRequest, live.LookupsPerRequest, 0.01, 0},
					{"evictions", past.Evictions, live.Evictions, 0, 0},
					{"expirations", past.Expirations, live.Expirations, 0.06, 0},
					{"cache errors", past.CacheErrors, live.CacheErrors, 0, 0},
					{"cache latency", past.CacheLatency, live.CacheLatency, 0.02, 0},
					{"cache up", past.CacheUp, live.CacheUp, 0, 0},
					{"queries", past.Queries, live.Queries, 0.05, 0},
					{"queries per request", past.QueriesPerRequest, live.QueriesPerRequest, 0.05, 0},
					{"query time", past.QueryTime, live.QueryTime, 0.05, 0},
					{"pool wait", past.PoolWait, live.PoolWait, 0, 0.0001},
					{"query errors", past.QueryErrors, live.QueryErrors, 0.06, 0.05},
				} {
					if math.IsNaN(level.past) && math.IsNaN(level.live) {
						continue // both of no lookups at all
					}
					if !(math.Abs(level.past-level.live) <= tc.looser*(level.relative*level.live+level.absoluteAllowed)) {
						t.Errorf("%s: %.4g in the past, %.4g now", level.name, level.past, level.live)
					}
				}
			})
		})
	}
}

// series returns the labels of all series of a text in the exposition format.
func series(t *testing.T, text string) []string {
	t.Helper()
	var samples strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			samples.WriteString(line)
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(samples.String()))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for name, family := range families {
		for _, m := range family.GetMetric() {
			labels := model.Metric{model.MetricNameLabel: model.LabelValue(name)}
			for _, l := range m.GetLabel() {
				labels[model.LabelName(l.GetName())] = model.LabelValue(l.GetValue())
			}
			all = append(all, labels.String())
		}
	}
	slices.Sort(all)
	return all
}

// TestSeriesAreTheScrapedOnes makes sure that past and present are the same
// series. Only the number of entries in the cache has no past.
func TestSeriesAreTheScrapedOnes(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := shop.Default
	shop.New(shop.Options{
		Model: m, Cache: shop.NewMemoryCache(m, 1), Database: shop.NewMemoryDatabase(m, 1),
		Logger:     slog.New(slog.DiscardHandler),
		Registerer: prometheus.WrapRegistererWith(prometheus.Labels{"service": "shop"}, registry),
	})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var live bytes.Buffer
	for _, family := range families {
		if family.GetName() == "shop_cache_entries" {
			continue
		}
		if _, err := expfmt.MetricFamilyToText(&live, family); err != nil {
			t.Fatal(err)
		}
	}

	var past bytes.Buffer
	w := newWriter(&past, map[string]string{"service": "shop"})
	start := time.Unix(0, 0)
	newShopPast(Options{Model: m, Start: start, End: start.Add(time.Hour)}).write(w, start)
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(series(t, live.String()), series(t, past.String())); diff != "" {
		t.Errorf("series (-live +past):\n%s", diff)
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	start := time.Date(2026, 11, 2, 1, 0, 0, 0, time.UTC)
	o := Options{
		Model: shop.Default, Start: start, End: start.Add(4 * time.Hour), Step: 10 * time.Second,
		Labels: map[string]string{"job": "shop", "instance": "shop-1", "service": "shop"},
	}
	var shares []float64
	if err := Create(t.Context(), o, "promtool", dir, func(done float64) { shares = append(shares, done) }); err != nil {
		t.Fatal(err)
	}
	if len(shares) != 3 || shares[2] != 1 {
		t.Errorf("progress %v, want three blocks and 1 in the end", shares)
	}
	if err := os.Mkdir(filepath.Join(dir, "wal"), 0o755); err != nil { // which promtool wants to see
		t.Fatal(err)
	}
	out, err := exec.Command("promtool", "tsdb", "dump", `--match={__name__="http_requests_total",code="200",handler="product"}`, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool tsdb dump: %v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if want := 4*360 - 1; len(lines) != want {
		t.Errorf("%d samples, want %d (one each 10 s, ends excluded)", len(lines), want)
	}
	const prefix = `{__name__="http_requests_total", code="200", handler="product", instance="shop-1", job="shop", service="shop"} `
	if !strings.HasPrefix(lines[0], prefix) || !strings.HasSuffix(lines[0], fmt.Sprint(start.Add(10*time.Second).UnixMilli())) {
		t.Errorf("first sample is %s, want %s… at %v", lines[0], prefix, start.Add(10*time.Second))
	}
}

func TestCreateReportsPromtool(t *testing.T) {
	start := time.Date(2026, 11, 2, 1, 0, 0, 0, time.UTC)
	o := Options{Model: shop.Default, Start: start, End: start.Add(time.Minute), Step: 10 * time.Second}
	err := Create(t.Context(), o, "false", t.TempDir(), func(float64) {})
	if err == nil || !strings.Contains(err.Error(), "load history by false: exit status 1") {
		t.Errorf("error %v, want that of the program", err)
	}
}
