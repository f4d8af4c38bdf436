package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/rules"
	"tidemark/signal"
	"tidemark/topology"
)

// together is how far apart trouble of services that call each other may begin
// and still be one story, or so many cycles if they are longer.
const (
	together       = 15 * time.Minute
	togetherCycles = 2
)

// stories arranges the opinions by trouble that is the same: services of the
// graph that call each other, or are called by the same one, and are in trouble
// since about the same time. What stands alone is a story of one. It completes the
// opinions of the services.
func (e *Engine) stories(opinions []*opinion) [][]*opinion {
	e.survey(opinions)
	t := newTies(opinions)
	e.tieCalls(opinions, t.tie)
	stories := t.stories()
	for _, story := range stories {
		for _, o := range story {
			if o.view == nil {
				continue
			}
			for _, other := range story {
				if other != o {
					other.witness(o.view.Place)
				}
			}
			o.result = e.opts.Rules.Eval(o.view, e.book.OpenRule(o.scope))
		}
	}
	return stories
}

// survey finds the symptoms of the services: what those that call one of them
// would not notice is none.
func (e *Engine) survey(opinions []*opinion) {
	named := map[string][]*opinion{}
	for _, o := range opinions {
		if o.view != nil {
			named[o.service] = append(named[o.service], o)
		}
	}
	for _, o := range opinions {
		if o.view == nil {
			continue
		}
		first := true
		for _, name := range e.graph.Callers(o.service) {
			for _, caller := range named[name] {
				least := e.opts.Rules.Notices(caller.view, o.view)
				if first || least < o.view.Place.Least {
					o.view.Place.Least, first = least, false
				}
			}
		}
		o.symptoms = e.opts.Rules.Symptoms(o.view)
	}
}

// tieCalls calls tie with each two services that are in one trouble: a caller and
// its callee, or two callees of one caller.
func (e *Engine) tieCalls(opinions []*opinion, tie func(a, b int)) {
	troubled := map[string][]int{}
	for i, o := range opinions {
		if o.strongest().Surprise > 0 {
			troubled[o.service] = append(troubled[o.service], i)
		}
	}
	callers := map[string][]int{} // of which one suffices: what they have in common
	for i, o := range opinions {
		if o.strongest().Surprise == 0 {
			continue
		}
		for _, name := range e.graph.Callees(o.service) {
			for _, k := range troubled[name] {
				if e.neighbours(o.scope, opinions[k].scope) && e.coincide(o, opinions[k]) {
					tie(i, k)
				}
			}
		}
		for _, name := range e.graph.Callers(o.service) {
			for _, k := range callers[name] {
				if e.neighbours(o.scope, opinions[k].scope) && e.abreast(o, opinions[k]) {
					tie(i, k)
				}
			}
			callers[name] = append(callers[name], i)
		}
	}
}

// neighbours reports whether two scopes agree but for the service.
func (e *Engine) neighbours(a, b model.LabelSet) bool {
	for k, v := range a {
		if w, ok := b[k]; ok && w != v && string(k) != e.opts.Topology.Label {
			return false
		}
	}
	return true
}

// coincide reports whether the trouble of a caller and of its callee begin
// together. A caller may also suffer later from what goes on for long.
func (e *Engine) coincide(caller, callee *opinion) bool {
	return e.abreast(caller, callee) ||
		caller.since().After(callee.since()) && e.book.OpenRule(callee.scope) != ""
}

// abreast reports whether the trouble of two services begins together.
func (e *Engine) abreast(a, b *opinion) bool {
	return a.since().Sub(b.since()).Abs() <= max(together, togetherCycles*e.step)
}

// clear reports whether the scope has a symptom that counts as a witness.
func (o *opinion) clear() bool {
	return slices.ContainsFunc(o.symptoms, func(s rules.Symptom) bool { return s.Clear })
}

// witness lets a place know of the clearest symptom here.
func (o *opinion) witness(p *rules.Place) {
	for _, s := range o.symptoms {
		if s.Clear && s.Witness > p.Witness {
			p.Witness, p.Anomalous = s.Witness, s.Anomalous
		}
	}
}

// since returns when the newest of the symptoms began: of those that count as a
// witness, if there are any.
func (o *opinion) since() time.Time {
	clear := o.clear()
	var newest time.Time
	for _, s := range o.symptoms {
		if s.Clear == clear && s.Since.After(newest) {
			newest = s.Since
		}
	}
	return newest
}

// unite makes one incident of a story: the most suspect scope that has a verdict
// leads, the trouble of the others is part of it. It returns false, and does
// nothing, if there is no verdict at all.
func (e *Engine) unite(ts time.Time, story []*opinion) bool {
	ranked := e.rank(story)
	if e.undecided(ranked) {
		return true
	}
	var scopes []model.LabelSet
	var best *rules.Verdict
	for _, o := range ranked {
		if o.result.Best == nil && e.book.OpenRule(o.scope) == "" {
			continue
		}
		if scopes == nil {
			best = o.result.Best
		}
		scopes = append(scopes, o.scope)
	}
	if scopes == nil {
		return false
	}
	around := func(lead *opinion) {
		a := e.around(lead, ranked)
		for _, v := range []*rules.Verdict{lead.result.Best, lead.result.OpenVerdict} {
			switch {
			case v == nil:
			case lead.shared:
				v.Joined = a.Scopes // the rest is known from those who share it
			default:
				v.Join(a)
			}
		}
	}
	first := scopes[0]
	for _, o := range ranked {
		if o.scope.Equal(first) {
			around(o)
		}
	}
	leads := e.book.Lead(ts, scopes, best)
	for _, o := range ranked {
		if o.scope.Equal(leads) {
			if !leads.Equal(first) {
				around(o)
			}
			e.book.Update(ts, leads, o.result)
		}
	}
	for _, o := range ranked {
		if !o.scope.Equal(leads) && !e.book.Join(ts, o.scope, leads) {
			e.book.Update(ts, o.scope, o.result)
		}
	}
	return true
}

// undecided reports whether the most suspect scope is about to have a verdict, and
// nobody has been told of the trouble yet. Its callers would be blamed, whose
// symptoms are stronger or show sooner.
func (e *Engine) undecided(ranked []*opinion) bool {
	first := ranked[0]
	if first.result.Best != nil || !slices.ContainsFunc(first.symptoms, func(s rules.Symptom) bool { return s.Early }) {
		return false
	}
	return !slices.ContainsFunc(ranked, func(o *opinion) bool { return e.book.Fires(o.scope) })
}

// rank returns a story with the most suspect scope first: one whose own signals
// name a cause, then by what the graph does not explain.
func (e *Engine) rank(story []*opinion) []*opinion {
	services := make([]topology.Service, 0, len(story))
	given := map[string]bool{}
	add := func(o *opinion) {
		if o.view == nil || given[o.service] {
			return
		}
		given[o.service] = true
		s := topology.Service{Name: o.service, Rate: o.view.Rate()}
		for _, p := range o.symptoms {
			s.Symptoms = append(s.Symptoms, p.Symptom)
		}
		services = append(services, s)
	}
	for _, o := range story {
		add(o)
	}
	names := e.graph.Rank(services)
	place := func(o *opinion) int {
		if i := slices.Index(names, o.service); i >= 0 {
			return i
		}
		return len(names)
	}
	ranked := slices.Clone(story)
	slices.SortStableFunc(ranked, func(a, b *opinion) int {
		return cmp.Or(
			cmp.Compare(b.named(), a.named()),
			cmp.Compare(place(a), place(b)),
			cmp.Compare(a.scope.String(), b.scope.String()),
		)
	})
	return ranked
}

// named is 2 if the scope speaks for those who suffer from what they share, 1 if
// its own signals tell the cause, else 0. A deploy or a dependency is suspected by
// what follows from it.
func (o *opinion) named() int {
	if o.speaks {
		return 2
	}
	if v := o.result.Best; v != nil && (v.Suspect == signal.Cache || v.Suspect == signal.Database) {
		return 1
	}
	return 0
}

// around gathers what the other scopes of a story show.
func (e *Engine) around(lead *opinion, ranked []*opinion) rules.Around {
	var a rules.Around
	if lead.service != "" {
		a.Suspects = append(a.Suspects, lead.service)
	}
	names := make([]string, 0, len(ranked))
	for _, o := range ranked {
		names = append(names, o.service)
		if o == lead {
			continue
		}
		a.Scopes = append(a.Scopes, o.scope)
		if o.service == "" {
			a.Sharers = append(a.Sharers, beside(o.scope, lead.scope))
			continue
		}
		a.Suspects = append(a.Suspects, o.service)
		if s := o.strongest(); s.Surprise > 0 {
			a.Evidence = append(a.Evidence, s.Evidence)
		}
	}
	a.Callers = e.graph.Reaches(lead.service, names)
	return a
}

// strongest returns the symptom of the largest surprise.
func (o *opinion) strongest() rules.Symptom {
	var best rules.Symptom
	for _, s := range o.symptoms {
		if s.Surprise > best.Surprise {
			best = s
		}
	}
	return best
}
