// Package topology knows which services call which, and which of several
// services in trouble the others suffer from.
//
// Vocabulary: an edge is a caller and its callee; a symptom is what a service
// shows of its trouble (latency, errors), and its rise is by how much it is above
// what is expected; a rise is explained as far as a callee shows it, too; a
// suspect is a service whose rise no callee explains; its victims are those that
// call it, directly or through others.
//
// The package is pure: it is told the edges and the rises. It does not look for
// anomalies, and it gives no verdicts.
package topology

import (
	"maps"
	"slices"
)

// Edge says that one service calls another.
type Edge struct{ Caller, Callee string }

// Graph holds who calls whom. It may have cycles. It is immutable; the zero value
// and nil are the graph without services.
type Graph struct {
	callees map[string][]string // sorted
	callers map[string][]string
}

// New returns the graph of the edges. An edge from a service to itself says
// nothing and is left out, as are edges that stand twice.
func New(edges []Edge) *Graph {
	g := &Graph{callees: map[string][]string{}, callers: map[string][]string{}}
	for _, e := range edges {
		if e.Caller == e.Callee || slices.Contains(g.callees[e.Caller], e.Callee) {
			continue
		}
		g.callees[e.Caller] = append(g.callees[e.Caller], e.Callee)
		g.callers[e.Callee] = append(g.callers[e.Callee], e.Caller)
	}
	for _, of := range []map[string][]string{g.callees, g.callers} {
		for _, names := range of {
			slices.Sort(names)
		}
	}
	return g
}

// Knows reports whether the service calls or is called.
func (g *Graph) Knows(service string) bool {
	return g != nil && (len(g.callees[service]) > 0 || len(g.callers[service]) > 0)
}

// Edges returns the edges, sorted.
func (g *Graph) Edges() []Edge {
	var out []Edge
	if g == nil {
		return out
	}
	for _, caller := range slices.Sorted(maps.Keys(g.callees)) {
		for _, callee := range g.callees[caller] {
			out = append(out, Edge{caller, callee})
		}
	}
	return out
}

// Callees returns the services that a service calls itself, sorted. The caller
// must not change the slice.
func (g *Graph) Callees(service string) []string {
	if g == nil {
		return nil
	}
	return g.callees[service]
}

// Callers returns the services that call a service themselves, sorted. The caller
// must not change the slice.
func (g *Graph) Callers(service string) []string {
	if g == nil {
		return nil
	}
	return g.callers[service]
}

// Calls reports whether a service calls another one itself.
func (g *Graph) Calls(caller, callee string) bool {
	_, found := slices.BinarySearch(g.Callees(caller), callee)
	return found
}

// Among returns the graph of those services alone for which watched is true. A
// call that reaches one of them through services that nobody watches (a load
// balancer, a queue) is one edge.
func (g *Graph) Among(watched func(service string) bool) *Graph {
	if g == nil {
		return nil
	}
	var edges []Edge
	for caller := range g.callees {
		if !watched(caller) {
			continue
		}
		seen := map[string]bool{caller: true}
		next := slices.Clone(g.callees[caller])
		for len(next) > 0 {
			s := next[len(next)-1]
			next = next[:len(next)-1]
			if seen[s] {
				continue
			}
			seen[s] = true
			if watched(s) {
				edges = append(edges, Edge{caller, s})
			} else {
				next = append(next, g.callees[s]...)
			}
		}
	}
	return New(edges)
}

// Reaches returns the services among those given that call the service, directly
// or through others of them, in the order in which they are given. They are its
// victims if all of them are in trouble.
func (g *Graph) Reaches(service string, among []string) []string {
	reached := map[string]bool{service: true}
	for grown := true; grown; {
		grown = false
		for _, s := range among {
			if !reached[s] && slices.ContainsFunc(g.Callees(s), func(c string) bool { return reached[c] }) {
				reached[s], grown = true, true
			}
		}
	}
	var out []string
	for _, s := range among {
		if s != service && reached[s] {
			out = append(out, s)
		}
	}
	return out
}
