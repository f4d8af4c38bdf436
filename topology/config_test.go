package topology

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v2"

	"tidemark/signal"
)

func TestConfig(t *testing.T) {
	var c Config
	if err := yaml.UnmarshalStrict([]byte(`
edges:
  - {caller: web, callee: cart}
  - {caller: cart, callee: [db, queue]}
queries:
  - query: sum by (client, server) (rate(traces_service_graph_request_total[15m]))
  - query: sum by (source_workload, destination_workload) (rate(istio_requests_total[15m]))
    caller: source_workload
    callee: destination_workload
`), &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Complete([]string{"namespace", "service"}, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	if c.Label != "service" || time.Duration(c.RefreshInterval) != 6*time.Minute {
		t.Errorf("label is %q and refresh_interval %s, want service and 6m, the multiple of 2m after 5m", c.Label, c.RefreshInterval)
	}
	want := []Edge{{"web", "cart"}, {"cart", "db"}, {"cart", "queue"}}
	if diff := cmp.Diff(want, c.Static()); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	var names []string
	for _, s := range c.Signals() {
		if s.Judged() || s.Kind != signal.Edges {
			t.Errorf("signal %s is of kind %s, want edges, which are not judged", s.Name, s.Kind)
		}
		names = append(names, s.Name+" "+strings.Join(s.Scope, " "))
	}
	if diff := cmp.Diff([]string{"service_graph client server", "service_graph_2 source_workload destination_workload"}, names); diff != "" {
		t.Errorf("signals (-want +got):\n%s", diff)
	}
}

func TestBadConfig(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "{}", "topology: it has neither edges nor queries: write who calls whom"},
		{"no caller", "edges: [{caller: a, callee: b}, {callee: cart}]", "topology: edges[1]: caller is missing: write {caller: web, callee: cart}"},
		{"no callee", "edges: [{caller: web}]", `topology: edges[0]: callee of "web" is missing`},
		{"to itself", "edges: [{caller: web, callee: [web]}]", `topology: edges[0]: "web" calls itself`},
		{"no query", "queries: [{caller: a}]", "topology: queries[0]: query is missing"},
		{"bad query", "queries: [{query: 'sum('}]", `topology: queries[0]: query "sum("`},
		{"one label for both", "queries: [{query: up, caller: server}]", `topology: queries[0]: caller and callee are the same label "server"`},
		{"a label outside the scope", "{edges: [{caller: a, callee: b}], label: app}", `topology: label "app" is not one of the global scope: write one of service`},
		{"short refresh", "{edges: [{caller: a, callee: b}], refresh_interval: 30s}", "topology: refresh_interval 30s is not a multiple of the evaluation interval 1m"},
		{"no scope", "edges: [{caller: a, callee: b}]", "topology: the global scope is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			scope := []string{"service"}
			if tc.name == "no scope" {
				scope = nil
			}
			var c Config
			err := yaml.UnmarshalStrict([]byte(tc.text), &c)
			if err == nil {
				err = c.Complete(scope, time.Minute)
			}
			got := ""
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tc.want) || (err == nil) != (tc.want == "") {
				t.Errorf("error %q, want %q in it", got, tc.want)
			}
		})
	}
}

// TestNoTopology checks that a configuration without the section needs nothing.
func TestNoTopology(t *testing.T) {
	var c Config
	if err := c.Complete(nil, time.Minute); err != nil || len(c.Signals()) > 0 || len(c.Static()) > 0 {
		t.Errorf("error %v, %d signals, %d edges: want none", err, len(c.Signals()), len(c.Static()))
	}
}
