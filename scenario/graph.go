package scenario

import (
	"slices"

	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/signal"
	"tidemark/topology"
)

// graph returns the service graph of all that was recorded: what is written down,
// and what was called at any time, among the services of which there are series.
func (r *Recorder) graph() *topology.Graph {
	edges := r.config.Topology.Static()
	services := map[string]bool{}
	for name, lines := range r.lines {
		s := r.signals[name]
		for _, l := range lines {
			if s.Kind != signal.Edges {
				services[r.service(s.ScopeOf(l.labels))] = true
				continue
			}
			if slices.ContainsFunc(l.values, func(v float64) bool { return v > 0 }) {
				caller, callee := model.LabelName(s.Scope[0]), model.LabelName(s.Scope[1])
				edges = append(edges, topology.Edge{Caller: string(l.labels[caller]), Callee: string(l.labels[callee])})
			}
		}
	}
	delete(services, "")
	return topology.New(edges).Among(func(s string) bool { return services[s] })
}

// service returns the name of a scope in the service graph, "" if it has none.
func (r *Recorder) service(scope model.LabelSet) string {
	return string(scope[model.LabelName(r.config.Topology.Label)])
}

// around returns the services of incidents and those that call them or are called
// by them, which have a say in who is suspected.
func (r *Recorder) around(g *topology.Graph, fired []incident.Incident) map[string]bool {
	out := map[string]bool{}
	for _, in := range fired {
		for _, scope := range append(slices.Clip(in.Verdict.Joined), in.Verdict.Scope) {
			name := r.service(scope)
			for _, s := range slices.Concat([]string{name}, g.Callers(name), g.Callees(name)) {
				out[s] = true
			}
		}
	}
	delete(out, "")
	return out
}

// topology returns the section that tells the calls between the services of which
// series are kept, written down; nil if there are none.
func (t *telling) topology() *topology.Config {
	kept := map[string]bool{}
	for name, lines := range t.kept {
		for _, l := range lines {
			kept[t.service(t.signals[name].ScopeOf(l.labels))] = true
		}
	}
	c := &topology.Config{Label: t.config.Topology.Label}
	alias := func(service string) string {
		return string(t.alias(model.LabelName(c.Label), model.LabelValue(service)))
	}
	for _, e := range t.graph().Edges() {
		if kept[e.Caller] && kept[e.Callee] {
			c.Edges = append(c.Edges, topology.Calls{Caller: alias(e.Caller), Callee: signal.Names{alias(e.Callee)}})
		}
	}
	if c.Edges == nil {
		return nil
	}
	return c
}
