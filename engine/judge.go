package engine

import (
	"time"

	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
)

// opinion is what is thought of one scope in one cycle.
type opinion struct {
	scope  model.LabelSet
	result rules.Result
	joined []*group // the lesser scopes that take part in it
	shared bool     // it is that of a scope which others share
	speaks bool     // it speaks for all that suffer from what they share

	// Of the services of the graph.
	service  string
	view     *rules.View
	symptoms []rules.Symptom
}

// judge weighs the rules in each scope at ts and moves the incidents on. Trouble
// that several scopes share is one incident.
func (e *Engine) judge(ts time.Time) {
	if e.scopes == nil {
		e.scopes = arrange(e.signals)
		e.graph = nil
	}
	if e.graph == nil && e.graphed() {
		e.graph = e.drawGraph(ts)
	}
	var opinions []*opinion
	judged := map[string]bool{}
	for _, g := range e.scopes.shared {
		judged[g.key] = true // with those who share it
	}
	for _, g := range e.scopes.roots {
		judged[g.key] = true
		opinions = append(opinions, e.look(ts, g.labels, g.joined))
	}
	// An incident whose series are gone is still somebody's trouble.
	for _, scope := range e.book.Scopes() {
		if !judged[scope.String()] {
			opinions = append(opinions, e.look(ts, scope, nil))
		}
	}
	for _, story := range e.share(ts, e.stories(opinions)) {
		if len(story) > 1 && e.unite(ts, story) {
			continue
		}
		for _, o := range story {
			e.book.Update(ts, o.scope, o.result)
		}
	}
	e.suppress(ts)
	e.book.Expire(ts)
}

// suppress decides which incidents do not page as of ts.
func (e *Engine) suppress(ts time.Time) {
	e.book.Suppress(func(in incident.Incident) string { return e.opts.Suppressions.Covering(in, ts) })
}

// look forms an opinion of a scope. That of a service of the graph is not
// complete before those of the services around it are known.
func (e *Engine) look(ts time.Time, scope model.LabelSet, groups []*group) *opinion {
	v := e.view(ts, scope, groups)
	o := &opinion{scope: scope, joined: groups}
	if name := e.service(scope); e.graph.Knows(name) {
		v.Place = &rules.Place{Service: name}
		o.service, o.view = name, v
	} else {
		o.result = e.opts.Rules.Eval(v, e.book.OpenRule(scope))
	}
	return o
}

// view gathers what the rules may look at in a scope.
func (e *Engine) view(ts time.Time, scope model.LabelSet, groups []*group) *rules.View {
	v := &rules.View{
		Scope: scope, Time: ts, Step: e.step, After: e.book.LastOver(scope),
		Signals: make(map[string]rules.Sight, len(e.signals)),
	}
	for n, w := range e.signals {
		sight := rules.Sight{Err: w.err}
		for _, g := range groups {
			for _, t := range g.tracks[n] {
				sight.Series = append(sight.Series, rules.Observation{
					Signal: w.signal, Labels: t.labels, Judgement: t.judgement, Course: t.course,
					Absent: w.err == nil && t.absent(ts, w.options.Step),
				})
			}
		}
		v.Signals[w.signal.Name] = sight
	}
	for _, c := range e.changes {
		if agree(c.Labels, scope) {
			v.Changes = append(v.Changes, c)
		}
	}
	return v
}
