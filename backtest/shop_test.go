package backtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/config"
	"tidemark/internal/promtest"
)

const step = time.Minute

// The range that the tests judge lies after four days of history.
var (
	opening = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	start   = opening.AddDate(0, 0, 4)
	end     = start.Add(8 * time.Hour)

	bypass   = [2]time.Time{start.Add(90 * time.Minute), start.Add(130 * time.Minute)}
	slow     = [2]time.Time{start.Add(5 * time.Hour), start.Add(6 * time.Hour)}
	released = start.Add(4 * time.Hour)    // another version of the shop
	founded  = start.Add(45 * time.Minute) // a second service
	joined   = start.Add(7 * time.Hour)    // a service that uses a database of its own cluster
	lost     = [2]time.Time{start.Add(200 * time.Minute), start.Add(215 * time.Minute)}
)

func within(ts time.Time, r [2]time.Time) bool { return !ts.Before(r[0]) && ts.Before(r[1]) }

// sample returns the metrics of a service at a time: a web stack with noise, a
// daily rhythm, and the faults above.
func sample(rng *rand.Rand, ts time.Time) map[string]float64 {
	noise := func(sd float64) float64 { return math.Exp(sd * rng.NormFloat64()) }
	requests := 100 * (1 + 0.5*math.Sin(2*math.Pi*float64(ts.Unix()%86400)/86400)) * noise(0.03)
	lookups, hits := noise(0.01), 0.93+0.004*rng.NormFloat64()
	if within(ts, bypass) {
		lookups = 0.02
		if rng.IntN(3) == 0 {
			hits = math.NaN() // nobody asked
		}
	}
	perRequest := (0.07*lookups + math.Max(0, 1-lookups)) * noise(0.03)
	query := 0.004 / (1 - math.Min(0.9, requests*perRequest/160)) * noise(0.03)
	if within(ts, slow) {
		query *= 4
	}
	return map[string]float64{
		"t_requests": requests, "t_hit_ratio": hits, "t_lookups": lookups, "t_per_request": perRequest,
		"t_queries": requests * perRequest, "t_query_seconds": query, "t_seconds": (0.03 + 5*query) * noise(0.04),
	}
}

// openMetrics is the whole past as Prometheus scraped it.
func openMetrics() string {
	rng := rand.New(rand.NewPCG(1, 2))
	lines := map[string]*strings.Builder{}
	add := func(name, labels string, ts time.Time, v float64) {
		b := lines[name]
		if b == nil {
			b = &strings.Builder{}
			lines[name] = b
			fmt.Fprintf(b, "# TYPE %s gauge\n", name)
		}
		fmt.Fprintf(b, "%s{%s} %g %d\n", name, labels, v, ts.Unix())
	}
	for ts := opening; !ts.After(end); ts = ts.Add(step) {
		if within(ts, lost) {
			continue // longer than the lookback of 5 min
		}
		for _, name := range sorted(sample(rng, ts)) {
			add(name.key, `cluster="a",service="shop"`, ts, name.value)
		}
		version := "1"
		if !ts.Before(released) {
			version = "2"
		}
		add("t_version", `cluster="a",service="shop",version="`+version+`"`, ts, 1)
		for _, name := range []string{"t_query_seconds", "t_queries"} {
			add(name, `cluster="b"`, ts, sample(rng, ts)[name])
		}
		if !ts.Before(joined) {
			add("t_requests", `cluster="b",service="news"`, ts, 20*math.Exp(0.1*rng.NormFloat64()))
		}
		if !ts.Before(founded) {
			add("t_requests", `cluster="a",service="blog"`, ts, 5*math.Exp(0.1*rng.NormFloat64()))
			add("t_hit_ratio", `cluster="a",service="blog"`, ts, math.NaN())
		}
	}
	var all strings.Builder
	for _, l := range sorted(lines) {
		all.WriteString(l.value.String())
	}
	return all.String()
}

type entry[V any] struct {
	key   string
	value V
}

func sorted[V any](m map[string]V) []entry[V] {
	var out []entry[V]
	for k, v := range m {
		out = append(out, entry[V]{k, v})
	}
	for i := range out {
		for j := i; j > 0 && out[j].key < out[j-1].key; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

const signals = `
  - {name: request_rate, query: t_requests}
  - {name: latency_p99, query: t_seconds, support: t_requests}
  - {name: cache_hit_ratio, query: t_hit_ratio, support: t_requests * t_lookups}
  - {name: cache_lookups_per_request, query: t_lookups}
  - {name: db_queries_per_request, query: t_per_request}
  - {name: db_qps, query: t_queries}
  - {name: db_latency, query: t_query_seconds}
  - {name: db_connections_used_ratio, query: 'avg_over_time(t_query_seconds[10m]) * 20', step: 5m}
  - {name: deploys, query: t_version}
  - {name: db_errors, query: no_such_metric}
`

// configuration writes a configuration file for the server and returns its path.
func configuration(t testing.TB, url, prometheus, signals string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tidemark.yml")
	text := fmt.Sprintf("global: {scope: [cluster, service]}\nprometheus: {url: %q, history: 4d%s}\nsignals:%s", url, prometheus, signals)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, file string) *config.Config {
	t.Helper()
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func startShop(t testing.TB) *promtest.Server {
	t.Helper()
	dir := t.TempDir()
	promtest.LoadOpenMetrics(t, dir, openMetrics())
	return promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir})
}
