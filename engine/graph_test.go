package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"go.yaml.in/yaml/v2"

	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
	"tidemark/topology"
)

// mesh is a source of services that call each other: web calls cart, cart calls
// stock, until calls says otherwise.
type mesh struct {
	signals []signal.Signal
	calls   func(ts time.Time) []topology.Edge
	slow    func(ts time.Time, service string) bool
	asked   []time.Time // slots for which the edges were read
}

var services = []string{"cart", "mail", "stock", "web"}

func (m *mesh) Read(_ context.Context, g series.Grid) ([]series.Frame, error) {
	frames := make([]series.Frame, len(m.signals))
	for n, sig := range m.signals {
		frames[n].Signal = sig.Name
		if sig.Kind == signal.Edges {
			frames[n].Series = m.edges(g, time.Duration(sig.Step))
			continue
		}
		for k, name := range services {
			one := series.Series{Labels: model.LabelSet{"service": model.LabelValue(name)}, Values: series.Gaps(g.N)}
			for i := range g.N {
				rng := rand.New(rand.NewPCG(uint64(k), uint64(g.At(i).Unix())))
				one.Values[i] = 0.1 * math.Exp(0.04*rng.NormFloat64())
				if name == "stock" {
					one.Values[i] *= 2
				}
				if m.slow(g.At(i), name) {
					one.Values[i] *= 4
				}
			}
			frames[n].Series = append(frames[n].Series, one)
		}
	}
	return frames, nil
}

func (m *mesh) edges(g series.Grid, step time.Duration) []series.Series {
	index := map[topology.Edge]int{}
	var out []series.Series
	for i := range g.N {
		if g.At(i).UnixNano()%int64(step) != 0 {
			continue
		}
		m.asked = append(m.asked, g.At(i))
		for _, e := range m.calls(g.At(i)) {
			k, known := index[e]
			if !known {
				k = len(out)
				index[e] = k
				out = append(out, series.Series{
					Labels: model.LabelSet{"client": model.LabelValue(e.Caller), "server": model.LabelValue(e.Callee)},
					Values: series.Gaps(g.N),
				})
			}
			out[k].Values[i] = 1
		}
	}
	return out
}

// engine returns an engine that has learned two days of the mesh.
func (m *mesh) engine(t *testing.T) *Engine {
	t.Helper()
	o := Options{Config: DefaultConfig, Source: m, Logger: promslog.NewNopLogger(), Registerer: prometheus.NewRegistry()}
	if err := yaml.UnmarshalStrict([]byte("queries: [{query: calls}]"), &o.Topology); err != nil {
		t.Fatal(err)
	}
	if err := o.Topology.Complete(o.Config.Scope, time.Minute); err != nil {
		t.Fatal(err)
	}
	latency := signal.Signal{Name: "latency_mean", Query: "x"}
	if err := latency.Complete(signal.Defaults{Scope: o.Config.Scope, Step: time.Minute}); err != nil {
		t.Fatal(err)
	}
	o.Signals = append([]signal.Signal{latency}, o.Topology.Signals()...)
	m.signals = o.Signals
	var err error
	if o.Rules, err = rules.Builtin(); err != nil {
		t.Fatal(err)
	}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	g := series.Span(start.Add(-48*time.Hour), start, time.Minute)
	frames, err := m.Read(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	e.Learn(g, frames, 1)
	m.asked = nil
	return e
}

// TestGraphFromCalls checks that the graph follows what the metrics tell: calls
// that stopped are kept for a day, those that begin count at once.
func TestGraphFromCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(start))
		rerouted := start.Add(2 * time.Hour)
		m := &mesh{
			calls: func(ts time.Time) []topology.Edge {
				edges := []topology.Edge{{Caller: "web", Callee: "cart"}, {Caller: "cart", Callee: "stock"}, {Caller: "stock", Callee: "web"}}
				if !ts.Before(rerouted) {
					edges[1] = topology.Edge{Caller: "cart", Callee: "mail"}
				}
				return edges
			},
			slow: func(time.Time, string) bool { return false },
		}
		e := m.engine(t)
		callees := func(after time.Duration) []string {
			for until := start.Add(after); time.Now().Before(until); {
				time.Sleep(time.Minute)
				if err := e.Eval(t.Context(), time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			return e.graph.Callees("cart")
		}
		for _, tc := range []struct {
			name  string
			after time.Duration
			want  []string
		}{
			{"as it was learned", time.Minute, []string{"stock"}},
			{"what begins counts at once, what stopped is kept", 2*time.Hour + time.Minute, []string{"mail", "stock"}},
			{"for a day", 27 * time.Hour, []string{"mail"}},
		} {
			if diff := cmp.Diff(tc.want, callees(tc.after)); diff != "" {
				t.Errorf("%s: callees of cart (-want +got):\n%s", tc.name, diff)
			}
		}
		for i, ts := range m.asked[1:] {
			if d := ts.Sub(m.asked[i]); d != 5*time.Minute {
				t.Fatalf("the edges were read %s after the time before, want every 5m", d)
			}
		}
	})
}

// TestTroubleOfSeveralServices checks that services that call each other and are
// slow together are one incident at its origin, and others another one.
func TestTroubleOfSeveralServices(t *testing.T) {
	fault := [2]time.Time{start.Add(time.Hour), start.Add(100 * time.Minute)}
	for _, tc := range []struct {
		name  string
		edges []topology.Edge
		slow  []string
		want  map[string][]string // suspect's service: callers
	}{
		{"a chain", []topology.Edge{{Caller: "web", Callee: "cart"}, {Caller: "cart", Callee: "stock"}}, []string{"web", "cart", "stock"},
			map[string][]string{"stock": {"web", "cart"}}},
		{"two that are called by the same one", []topology.Edge{{Caller: "web", Callee: "cart"}, {Caller: "web", Callee: "stock"}}, []string{"cart", "stock"},
			map[string][]string{"stock": nil}},
		{"two that have nothing to do with each other", []topology.Edge{{Caller: "web", Callee: "cart"}, {Caller: "mail", Callee: "stock"}}, []string{"cart", "stock"},
			map[string][]string{"cart": nil, "stock": nil}},
		{"a cycle", []topology.Edge{{Caller: "web", Callee: "cart"}, {Caller: "cart", Callee: "web"}}, []string{"web", "cart"},
			map[string][]string{"web": {"cart"}}},
		{"no graph", nil, []string{"web", "cart"}, map[string][]string{}},
		{"services that nobody watches", []topology.Edge{{Caller: "web", Callee: "balancer"}, {Caller: "balancer", Callee: "cart"}, {Caller: "x", Callee: "y"}}, []string{"web", "cart"},
			map[string][]string{"cart": {"web"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := &mesh{
				calls: func(time.Time) []topology.Edge { return tc.edges },
				slow: func(ts time.Time, service string) bool {
					for _, s := range tc.slow {
						if s == service {
							return !ts.Before(fault[0]) && ts.Before(fault[1])
						}
					}
					return false
				},
			}
			e := m.engine(t)
			got := map[string][]string{}
			for ts := start.Add(time.Minute); ts.Before(start.Add(3 * time.Hour)); ts = ts.Add(time.Minute) {
				if err := e.Eval(t.Context(), ts); err != nil {
					t.Fatal(err)
				}
				for _, in := range e.Snapshot().Incidents {
					if !in.FiredAt.IsZero() {
						got[string(in.Verdict.Scope["service"])] = in.Verdict.Callers
					}
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("incidents (-want +got):\n%s", diff)
			}
		})
	}
}
