package engine

import (
	"time"

	"github.com/prometheus/common/model"

	"tidemark/signal"
	"tidemark/topology"
)

// edgeKept is how long after its last call an edge stays in the service graph: a
// callee that is down is not called, and is still what its callers need.
const edgeKept = 24 * time.Hour

// watchEdges notes which of the calls that a signal of kind edges tells of were
// made lately.
func (e *Engine) watchEdges(w *watched, ts time.Time) {
	for _, t := range w.tracks {
		if t.value > 0 {
			t.change.at = ts
		}
	}
	e.graph = nil
}

// graphed reports whether there is a service graph at all.
func (e *Engine) graphed() bool {
	if len(e.opts.Topology.Edges) > 0 {
		return true
	}
	for _, w := range e.signals {
		if w.signal.Kind == signal.Edges {
			return true
		}
	}
	return false
}

// drawGraph returns the service graph as of ts, among the services on which
// verdicts are reached.
func (e *Engine) drawGraph(ts time.Time) *topology.Graph {
	edges := e.opts.Topology.Static()
	for _, w := range e.signals {
		if w.signal.Kind != signal.Edges {
			continue
		}
		caller, callee := model.LabelName(w.signal.Scope[0]), model.LabelName(w.signal.Scope[1])
		for _, t := range w.tracks {
			edge := topology.Edge{Caller: string(t.labels[caller]), Callee: string(t.labels[callee])}
			if !t.change.at.IsZero() && ts.Sub(t.change.at) <= edgeKept && edge.Caller != "" && edge.Callee != "" {
				edges = append(edges, edge)
			}
		}
	}
	judged := map[string]bool{}
	for _, g := range e.scopes.roots {
		judged[e.service(g.labels)] = true
	}
	return topology.New(edges).Among(func(s string) bool { return judged[s] })
}

// service returns the name of a scope in the service graph, "" if it has none.
func (e *Engine) service(scope model.LabelSet) string {
	return string(scope[model.LabelName(e.opts.Topology.Label)])
}
