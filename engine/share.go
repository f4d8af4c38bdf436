package engine

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// sharedBy returns the lesser scopes that are joined to several of the roots, such
// as that of a cache which services share, the narrowest first.
func sharedBy(roots []*group) []*group {
	users := map[*group]int{}
	for _, r := range roots {
		for _, g := range r.joined {
			if g != r {
				users[g]++
			}
		}
	}
	var out []*group
	for g, n := range users {
		if n > 1 {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *group) int {
		return cmp.Or(cmp.Compare(len(b.labels), len(a.labels)), strings.Compare(a.key, b.key))
	})
	return out
}

// share makes one story of the scopes that suffer from something that they share.
// The shared scope leads it if evidence of it decides against the suspect, or
// supports that on several scopes at once, and for as long as it has an incident.
// If one of the scopes has told somebody already, it goes on to speak.
func (e *Engine) share(ts time.Time, stories [][]*opinion) [][]*opinion {
	var troubled []*opinion
	for o := range each(stories) {
		if o.result.Best != nil {
			troubled = append(troubled, o)
		}
	}
	for _, g := range e.scopes.shared {
		in, open := e.book.Open(g.labels)
		hurt, decided := e.sufferers(ts, g, in.Verdict.Suspect, troubled)
		told := e.told(hurt)
		switch {
		case open || told == nil && (decided || len(hurt) > 1):
			stories = merge(stories, hurt, e.speaker(ts, g, in, hurt, stories))
		case len(hurt) > 1:
			told.speaks = true
			stories = merge(stories, hurt, nil)
		case len(hurt) == 1 && told == nil:
			hurt[0].result.Best.Plain = false // others may suffer as well: a second look tells
		}
	}
	return stories
}

// told returns the opinion of the scope whose incident was the first to fire, nil if
// there is none.
func (e *Engine) told(opinions []*opinion) *opinion {
	var first *opinion
	var at time.Time
	for _, o := range opinions {
		if in, open := e.book.Open(o.scope); open && !in.FiredAt.IsZero() && (first == nil || in.FiredAt.Before(at)) {
			first, at = o, in.FiredAt
		}
	}
	return first
}

// sufferers returns the scopes whose verdict has evidence of a shared scope
// against the suspect, and whether it decides for any of them. The suspect, if it
// is not given, is that of the surest verdict. A scope that has had an incident of
// its own for a while, which has to do with something else, is none of them.
func (e *Engine) sufferers(ts time.Time, g *group, suspect signal.Component, troubled []*opinion) (hurt []*opinion, decided bool) {
	var surest *rules.Verdict
	for _, o := range troubled {
		v := o.result.Best
		if !slices.Contains(o.joined, g) || !e.implicated(g, v).any || e.busy(ts, g, o) {
			continue
		}
		hurt = append(hurt, o)
		if surest == nil || v.Surer(surest) {
			surest = v
		}
	}
	if suspect == "" && surest != nil {
		suspect = surest.Suspect
	}
	hurt = slices.DeleteFunc(hurt, func(o *opinion) bool { return o.result.Best.Suspect != suspect })
	return hurt, slices.ContainsFunc(hurt, func(o *opinion) bool { return e.implicated(g, o.result.Best).needed })
}

// busy reports whether a scope has had an incident of its own for a while that
// rests on nothing of the shared scope.
func (e *Engine) busy(ts time.Time, g *group, o *opinion) bool {
	in, open := e.book.Open(o.scope)
	if !open || in.FiredAt.IsZero() || ts.Sub(in.FiredAt) <= together {
		return false
	}
	return o.result.OpenVerdict == nil || !e.implicated(g, o.result.OpenVerdict).any
}

// evidence says whether a verdict has some, and whether its rule needs it.
type evidence struct{ any, needed bool }

// implicated returns what evidence of a shared scope a verdict has against its
// suspect. What a rule compares services of the graph by is none.
func (e *Engine) implicated(g *group, v *rules.Verdict) evidence {
	var out evidence
	if r := e.opts.Rules.Rule(v.Rule); r == nil || r.Topology {
		return out
	}
	for _, ev := range v.Evidence {
		if ev.Component == v.Suspect && e.scopeOf(ev).Equal(g.labels) {
			out.any = true
			out.needed = out.needed || ev.Needed
		}
	}
	return out
}

// scopeOf returns the scope of the series that is evidence.
func (e *Engine) scopeOf(ev rules.Evidence) model.LabelSet {
	if w := e.byName[ev.Signal]; w != nil {
		return w.signal.ScopeOf(ev.Labels)
	}
	return ev.Labels
}

// speaker returns the opinion of a shared scope: what is thought of the scopes that
// suffer and, if it has an incident, whether that goes on in any of those that are
// part of it.
func (e *Engine) speaker(ts time.Time, g *group, in incident.Incident, hurt []*opinion, stories [][]*opinion) *opinion {
	s := &opinion{scope: g.labels, shared: true, speaks: true}
	var best, met []rules.Sharer
	for _, o := range hurt {
		best = append(best, e.sharer(g, o.scope, o.result.Best))
	}
	s.result.Best = rules.Pool(g.labels, best)
	if in.ID == "" {
		return s
	}
	seen, unseen := false, false
	for o := range each(stories) {
		if !slices.Contains(hurt, o) && !slices.ContainsFunc(in.Verdict.Joined, o.scope.Equal) {
			continue
		}
		r := e.opts.Rules.Eval(e.view(ts, o.scope, o.joined), in.Verdict.Rule)
		switch {
		case r.Open == rules.Met:
			met = append(met, e.sharer(g, o.scope, r.OpenVerdict))
		case r.Open == rules.NotMet:
			seen = true
		case len(in.Verdict.Callers) == 0 || slices.Contains(in.Verdict.Callers, beside(o.scope, g.labels)):
			unseen = true
		}
	}
	switch {
	case len(met) > 0:
		s.result.Open, s.result.OpenVerdict = rules.Met, rules.Pool(g.labels, met)
	case unseen || !seen:
		s.result.Open = rules.Unseen
	default:
		s.result.Open = rules.NotMet
	}
	return s
}

// sharer tells what a verdict on a scope adds to that on what it shares.
func (e *Engine) sharer(g *group, scope model.LabelSet, v *rules.Verdict) rules.Sharer {
	s := rules.Sharer{Name: beside(scope, g.labels), Verdict: v}
	for i, ev := range v.Evidence {
		if !contains(g.labels, e.scopeOf(ev)) {
			s.Own = &v.Evidence[i]
			break
		}
	}
	return s
}

// beside names a scope by the values that another one does not have.
func beside(scope, other model.LabelSet) string {
	var parts []string
	for _, name := range sortedNames(scope) {
		if v, ok := other[name]; !ok || v != scope[name] {
			parts = append(parts, string(scope[name]))
		}
	}
	return strings.Join(parts, "/")
}

// contains reports whether a label set has all labels of another.
func contains(ls, part model.LabelSet) bool {
	for k, v := range part {
		if w, ok := ls[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// each yields all opinions.
func each(stories [][]*opinion) func(yield func(*opinion) bool) {
	return func(yield func(*opinion) bool) {
		for _, story := range stories {
			for _, o := range story {
				if !yield(o) {
					return
				}
			}
		}
	}
}

// merge makes one story of those that some of the opinions are in, and of the
// speaker's, if there is one.
func merge(stories [][]*opinion, some []*opinion, speaker *opinion) [][]*opinion {
	var out [][]*opinion
	var one []*opinion
	if speaker != nil {
		one = append(one, speaker)
	}
	for _, story := range stories {
		if slices.ContainsFunc(story, func(o *opinion) bool { return slices.Contains(some, o) }) {
			one = append(one, story...)
		} else {
			out = append(out, story)
		}
	}
	return append(out, one)
}
