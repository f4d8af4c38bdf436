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

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/promtest"
)

// TestServiceGraphOnPrometheus checks that the edges which a real Prometheus tells
// make one incident of a slow service and its callers.
func TestServiceGraphOnPrometheus(t *testing.T) {
	const history = 26 * time.Hour
	fault := start.Add(20 * time.Minute)
	var b strings.Builder
	series := func(name, kind string, value func(ts time.Time, i int) float64) {
		family, _, _ := strings.Cut(name, "{")
		if !strings.Contains(b.String(), "# TYPE "+strings.TrimSuffix(family, "_total")+" ") {
			fmt.Fprintf(&b, "# TYPE %s %s\n", strings.TrimSuffix(family, "_total"), kind)
		}
		i := 0
		for ts := start.Add(-history); !ts.After(start.Add(time.Hour)); ts = ts.Add(time.Minute) {
			fmt.Fprintf(&b, "%s %g %d\n", name, value(ts, i), ts.Unix())
			i++
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, service := range []string{"web", "cart", "stock"} {
		series(fmt.Sprintf("latency_seconds{service=%q}", service), "gauge", func(ts time.Time, _ int) float64 {
			v := 0.1 * math.Exp(0.04*rng.NormFloat64())
			if !ts.Before(fault) {
				v += 0.4
			}
			return v
		})
	}
	for _, edge := range [][2]string{{"web", "cart"}, {"cart", "stock"}} {
		series(fmt.Sprintf("traces_service_graph_request_total{client=%q,server=%q}", edge[0], edge[1]), "counter", func(_ time.Time, i int) float64 {
			return float64(600 * i)
		})
	}
	dir := t.TempDir()
	promtest.LoadOpenMetrics(t, dir, b.String())
	p := promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir})
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	text := fmt.Sprintf(`prometheus: {url: %q, history: 1d}
signals:
  - {name: latency_mean, query: max by (service) (latency_seconds)}
topology:
  queries:
    - query: sum by (client, server) (rate(traces_service_graph_request_total[5m]))
`, p.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), Options{Config: load(t, file), Start: start, End: start.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range report.Incidents {
		got = append(got, fmt.Sprintf("%s %s %v %d", in.Verdict.Alert, in.Verdict.Scope, in.Verdict.Suspects[:min(1, len(in.Verdict.Suspects))], len(in.Verdict.Callers)))
	}
	if diff := cmp.Diff([]string{`ServiceDegraded {service="stock"} [stock] 2`}, got); diff != "" {
		t.Errorf("incidents, with the first suspect and the number of callers (-want +got):\n%s", diff)
	}
}
