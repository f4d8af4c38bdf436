package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/config"
	"tidemark/incident"
	"tidemark/rules"
)

func fired(service string, at int64, suspects ...string) incident.Incident {
	return incident.Incident{
		ID: service, FiredAt: time.Unix(at, 0),
		Verdict: rules.Verdict{Scope: model.LabelSet{"service": model.LabelValue(service)}, Suspects: suspects},
	}
}

func TestCount(t *testing.T) {
	c := &kase{Interval: 60, First: 0, Last: 6000, Incidents: []fault{
		{ID: "0", Start: 1000, End: 1180, Grace: 120, RootCause: "cart"},
		{ID: "1", Start: 3000, End: 3180, Grace: 120, RootCause: "mail"},
	}}
	for _, tc := range []struct {
		name      string
		incidents []incident.Incident
		want      outcome
	}{
		{"nothing", nil, outcome{}},
		{"right", []incident.Incident{fired("cart", 1060)}, outcome{found: 1, first: 1, third: 1, delays: []int64{60}}},
		{"in its grace", []incident.Incident{fired("cart", 1300)}, outcome{found: 1, first: 1, third: 1, delays: []int64{300}}},
		{"the first one counts", []incident.Incident{fired("web", 1060), fired("cart", 1120)}, outcome{found: 1, delays: []int64{60}}},
		{"second suspect", []incident.Incident{fired("web", 1060, "web", "cart")}, outcome{found: 1, third: 1, delays: []int64{60}}},
		{"fourth suspect", []incident.Incident{fired("web", 1060, "web", "a", "b", "cart")}, outcome{found: 1, delays: []int64{60}}},
		{"too early", []incident.Incident{fired("cart", 999)}, outcome{falseAlarms: 1}},
		{"while it recovers", []incident.Incident{fired("cart", 1480)}, outcome{}},
		{"after that", []incident.Incident{fired("cart", 1481)}, outcome{falseAlarms: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.want.faults = 2
			tc.want.days = (100 - 17) * 60 / 86400.0 // 17 of 100 samples are in faults or follow them
			if diff := cmp.Diff(tc.want, c.count(tc.incidents), cmp.AllowUnexported(outcome{})); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCase checks that a case's history is moved before it, and that its metrics
// make a configuration that is valid.
func TestCase(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"history.om": "# TYPE request_error_ratio gauge\nrequest_error_ratio{service=\"a\"} 1 90\nrequest_error_ratio{service=\"a\"} 0 100\n# EOF\n",
		"metrics.om": "# TYPE request_error_ratio gauge\nrequest_error_ratio{service=\"a\"} 0.5 1400\n" +
			"# TYPE request_latency_avg_seconds gauge\nrequest_latency_avg_seconds{service=\"a\"} 1 1400\n# EOF\n",
		"truth.json": `{"case": "one", "scrape_interval_s": 300, "t_first": 1400, "t_last": 2000, "history": "history.om", "history_first": 100, "history_shift_s": 1000,
			"graph_edges_caller_callee": [["web", "a"]]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := readCase(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, series, err := c.compose()
	if err != nil {
		t.Fatal(err)
	}
	want := `# TYPE request_error_ratio gauge
request_error_ratio{service="a"} 0 1100
request_error_ratio{service="a"} 0.5 1400
# TYPE request_latency_avg_seconds gauge
request_latency_avg_seconds{service="a"} 1 1400
# EOF
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	file := filepath.Join(dir, "tidemark.yml")
	if err := os.WriteFile(file, c.configuration("http://127.0.0.1:9090", series), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range cfg.Signals {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"error_ratio", "latency_mean"}, names); diff != "" {
		t.Errorf("signals (-want +got):\n%s", diff)
	}
	if cfg.Global.Settle != 1 || len(cfg.Topology.Static()) != 1 {
		t.Errorf("settle is %d with %d edges, want 1 with 1", cfg.Global.Settle, len(cfg.Topology.Static()))
	}
}
