package engine

import (
	"time"

	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
)

// judge weighs the rules in each scope at ts and moves the incidents on.
func (e *Engine) judge(ts time.Time) {
	if e.scopes == nil {
		e.scopes = arrange(e.signals)
	}
	judged := map[string]bool{}
	for _, g := range e.scopes.roots {
		judged[g.key] = true
		e.judgeScope(ts, g.labels, g.joined)
	}
	// An incident whose series are gone is still somebody's trouble.
	for _, scope := range e.book.Scopes() {
		if !judged[scope.String()] {
			e.judgeScope(ts, scope, nil)
		}
	}
	e.suppress(ts)
	e.book.Expire(ts)
}

// suppress decides which incidents do not page as of ts.
func (e *Engine) suppress(ts time.Time) {
	e.book.Suppress(func(in incident.Incident) string { return e.opts.Suppressions.Covering(in, ts) })
}

func (e *Engine) judgeScope(ts time.Time, scope model.LabelSet, groups []*group) {
	v := e.view(ts, scope, groups)
	e.book.Update(ts, scope, e.opts.Rules.Eval(v, e.book.OpenRule(scope)))
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
