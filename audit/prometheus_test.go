package audit_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"tidemark/audit"
	"tidemark/ingest"
	"tidemark/internal/promtest"
	"tidemark/rules"
	"tidemark/signal"
)

var update = flag.Bool("update", false, "write what is found to testdata/findings.txt")

// now is a time of the fixture's samples, and of the audits.
var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// samples writes the fixture as OpenMetrics.
func samples(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/exporters.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		for i, before := range []time.Duration{24 * time.Hour, 30 * time.Minute, 0} {
			if value := fields[i+1]; value != "-" {
				fmt.Fprintf(&b, "%s %s %d\n", fields[0], value, now.Add(-before).Unix())
			}
		}
	}
	return b.String()
}

func source(t *testing.T, address string) *ingest.Source {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c := ingest.DefaultConfig
	c.URL = config.URL{URL: u}
	s, err := ingest.New(c, nil, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checks(t *testing.T) []audit.Check {
	t.Helper()
	all, err := audit.Load(audit.DefaultConfig, nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func run(t *testing.T, source audit.Source, changes ...rules.Change) *audit.Report {
	t.Helper()
	a := audit.New(audit.Options{Checks: checks(t), Source: source, Registerer: prometheus.NewRegistry()})
	r, err := a.Run(t.Context(), now, changes)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPacks asks a real Prometheus every check of every pack: each must find
// what is wrong in the fixture, and none of them anything that is healthy.
func TestPacks(t *testing.T) {
	dir := t.TempDir()
	promtest.LoadOpenMetrics(t, dir, samples(t))
	p := promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir})
	var got strings.Builder
	for _, r := range run(t, source(t, p.URL)).Results {
		if r.State != audit.Found {
			t.Errorf("%s: got %s (%v), want that it finds something", r.Check.ID, r.State, r.Err)
		}
		for _, f := range r.Findings {
			fmt.Fprintf(&got, "%s %s: %s\n", r.Check.ID, f.Labels, f.Evidence)
			if f.Labels["job"] == "healthy" {
				t.Errorf("%s: found %s, which is as it should be", r.Check.ID, f.Labels)
			}
		}
	}
	if *update {
		if err := os.WriteFile("testdata/findings.txt", []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/findings.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}

	// What was announced is no finding; what was announced of another instance,
	// of another component, or long ago, still is.
	event := func(kind string, c signal.Component, instance model.LabelValue, ago time.Duration) rules.Change {
		return rules.Change{At: now.Add(-ago), Kind: kind, Component: c, Labels: model.LabelSet{"instance": instance}}
	}
	for _, tc := range []struct {
		name   string
		change rules.Change
		want   audit.State
	}{
		{"announced", event("cache_settings", signal.Cache, "lowered", time.Hour), audit.OK},
		{"some configuration", event("config_changes", signal.Application, "lowered", time.Hour), audit.OK},
		{"another instance", event("cache_settings", signal.Cache, "other", time.Hour), audit.Found},
		{"another component", event("db_settings", signal.Database, "lowered", time.Hour), audit.Found},
		{"a deploy", event("deploys", signal.Deploy, "lowered", time.Hour), audit.Found},
		{"long ago", event("cache_settings", signal.Cache, "lowered", 25*time.Hour), audit.Found},
	} {
		r := run(t, source(t, p.URL), tc.change)
		if got := result(t, r, "redis_memory_limit_changed").State; got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}

	// Without the exporters nothing is known, and nothing is fine.
	a := audit.New(audit.Options{Checks: checks(t), Source: source(t, p.URL), Registerer: prometheus.NewRegistry()})
	later, err := a.Run(t.Context(), now.AddDate(0, 1, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range later.Results {
		if r.State != audit.NotApplicable {
			t.Errorf("without metrics, %s: got %s, want not_applicable", r.Check.ID, r.State)
		}
	}
}

func result(t *testing.T, r *audit.Report, id string) audit.Result {
	t.Helper()
	for _, res := range r.Results {
		if res.Check.ID == id {
			return res
		}
	}
	t.Fatalf("there is no result of %s", id)
	return audit.Result{}
}
