package engine

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// scopes arranges the series by what they belong to. Series of one scope are
// judged together, joined by those of lesser scopes that agree with it: a
// database of a whole cluster takes part in the verdict on each service there.
type scopes struct {
	groups map[string]*group
	roots  []*group // the scopes on which verdicts are reached, sorted
	shared []*group // lesser scopes that are joined to several of them, the narrowest first
}

// group is one scope and the series that have exactly this scope.
type group struct {
	key    string
	labels model.LabelSet
	tracks [][]*track // by signal, in the order of the configuration
	joined []*group   // lesser scopes that agree, itself included; for roots
}

// arrange groups the series of all signals.
func arrange(signals []*watched) *scopes {
	s := &scopes{groups: map[string]*group{}}
	shapes := map[string][]string{} // label names that scopes have
	for n, w := range signals {
		if !w.signal.Judged() {
			continue
		}
		for _, t := range w.tracks {
			key := t.scope.String()
			g := s.groups[key]
			if g == nil {
				g = &group{key: key, labels: t.scope, tracks: make([][]*track, len(signals))}
				s.groups[key] = g
				names := namesOf(t.scope)
				shapes[strings.Join(names, "\xff")] = names
			}
			g.tracks[n] = append(g.tracks[n], t)
		}
	}
	taken := map[*group]bool{}
	for _, g := range s.groups {
		if !maximal(namesOf(g.labels), shapes) {
			continue
		}
		s.root(g, shapes, taken)
	}
	// A lesser scope that no other one contains is judged by itself.
	for _, g := range s.groups {
		if !taken[g] {
			s.root(g, shapes, taken)
		}
	}
	slices.SortFunc(s.roots, func(a, b *group) int { return strings.Compare(a.key, b.key) })
	s.shared = sharedBy(s.roots)
	return s
}

// root makes g a scope of verdicts and joins the lesser scopes to it.
func (s *scopes) root(g *group, shapes map[string][]string, taken map[*group]bool) {
	names := namesOf(g.labels)
	for _, shape := range shapes {
		if !subset(shape, names) {
			continue
		}
		part := make(model.LabelSet, len(shape))
		for _, name := range shape {
			part[model.LabelName(name)] = g.labels[model.LabelName(name)]
		}
		if o := s.groups[part.String()]; o != nil {
			g.joined = append(g.joined, o)
			taken[o] = true
		}
	}
	slices.SortFunc(g.joined, func(a, b *group) int { return strings.Compare(a.key, b.key) })
	s.roots = append(s.roots, g)
}

func namesOf(ls model.LabelSet) []string {
	names := make([]string, 0, len(ls))
	for name := range ls {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return names
}

// maximal reports whether no shape has all of the names and more.
func maximal(names []string, shapes map[string][]string) bool {
	for _, shape := range shapes {
		if len(shape) > len(names) && subset(names, shape) {
			return false
		}
	}
	return true
}

// subset reports whether all of a are in b.
func subset(a, b []string) bool {
	for _, name := range a {
		if !slices.Contains(b, name) {
			return false
		}
	}
	return true
}
