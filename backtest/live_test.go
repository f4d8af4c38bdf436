package backtest

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"tidemark/config"
	"tidemark/engine"
	"tidemark/incident"
	"tidemark/ingest"
	"tidemark/series"
)

// live does what the service does from start to end: it learns the history, then
// asks Prometheus for the newest slot in each cycle.
func live(t *testing.T, c *config.Config) ([]incident.Incident, []incident.Anomaly) {
	t.Helper()
	source, err := ingest.New(c.Prometheus, c.Signals, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Options{
		Config: c.Global, Signals: c.Signals, Rules: c.Rules, Suppressions: c.Suppressions, Topology: c.Topology, Source: source,
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	last := start.Add(-step)
	err = source.Backfill(t.Context(), last.Add(-time.Duration(c.Prometheus.History)), last, step, func(g series.Grid, frames []series.Frame) error {
		e.Learn(g, frames, 0.5)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l := newLedger()
	for ts := start; !ts.After(end); ts = ts.Add(step) {
		if err := e.Eval(t.Context(), ts); err != nil {
			t.Fatal(err)
		}
		l.note(e.Snapshot())
	}
	return l.fired(), l.seen()
}

// TestOnPrometheus runs what needs the shop's past, which takes a while to load.
func TestOnPrometheus(t *testing.T) {
	p := startShop(t)
	for name, test := range map[string]func(*testing.T, string){
		"same as live": testSameAsLive, "partial data": testPartialDataIsReported,
		"context": testRunStopsWithItsContext, "json": testJSONHasTheFieldsOfTheAPI,
		"skipped chunk": testSkippedChunk, "full report": testFullReport, "cache": testCacheSparesPrometheus, "comparison": testComparison, "tune": testTune,
	} {
		t.Run(name, func(t *testing.T) { test(t, p.URL) })
	}
}

func testSameAsLive(t *testing.T, url string) {
	c := load(t, configuration(t, url, ", points_per_query: 300", signals+`
suppressions: [{name: new-cluster, scope: {cluster: b}, max_severity: critical, until: 2030-01-01, reason: it is being built}]
`))
	report, err := Run(t.Context(), Options{Config: c, Start: start, End: end})
	if err != nil {
		t.Fatal(err)
	}
	incidents, anomalies := live(t, c)
	opts := []cmp.Option{cmpopts.EquateNaNs(), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(incidents, report.Incidents, opts...); diff != "" {
		t.Errorf("incidents (-live +backtest):\n%s", diff)
	}
	if diff := cmp.Diff(anomalies, report.Anomalies, opts...); diff != "" {
		t.Errorf("anomalies (-live +backtest):\n%s", diff)
	}
	var alerts []string
	for _, in := range report.Incidents {
		alerts = append(alerts, strings.TrimSpace(in.Verdict.Alert+in.Verdict.Scope.String()+" "+string(in.State)+" "+in.SuppressedBy))
	}
	want := []string{
		`CacheBypass{cluster="a", service="shop"} resolved`,
		`DatabaseSlow{cluster="b"} resolved new-cluster`, // its service came later
		`DatabaseSlow{cluster="a", service="shop"} resolved`,
	}
	if diff := cmp.Diff(want, alerts); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
	if len(report.Anomalies) < 4 {
		t.Errorf("got %d anomalies, want several of each incident", len(report.Anomalies))
	}
	if s := report.Stats; s.Partial || s.Slots != 481 || s.Chunks < 20 {
		t.Errorf("stats: got partial %t, %d slots, %d chunks, want false, 481, 20 or more", s.Partial, s.Slots, s.Chunks)
	}
}
