package rules

import (
	"cmp"
	"math"
	"slices"
	"time"

	"tidemark/signal"
)

// Result is what the rules make of a view.
type Result struct {
	// Best is the verdict of the rule that explains the view best, or nil if
	// no rule matches.
	Best *Verdict

	// Open says how the rule of the scope's open incident fares: Met with its
	// newest verdict in OpenVerdict, NotMet if its evidence is back to normal,
	// Unseen if that cannot be told.
	Open        Outcome
	OpenVerdict *Verdict
}

// Eval weighs all rules against the view. Open names the rule of the incident
// that is open in this scope, or is empty: that rule is judged with hysteresis,
// so that an incident does not flap. The result depends on nothing but the
// arguments.
func (s *Set) Eval(v *View, open string) Result {
	var matches []*match
	var res Result
	for _, r := range s.rules {
		m := r.match(v, false)
		matches = append(matches, m)
	}
	best := winner(matches)
	if best != nil {
		res.Best = best.verdict(v, matches)
	}
	if open == "" {
		return res
	}
	r := s.Rule(open)
	if r == nil {
		res.Open = NotMet // the rule was removed: nothing speaks for the incident any more
		return res
	}
	m := r.match(v, true)
	res.Open = m.outcome
	if m.outcome == Met {
		res.OpenVerdict = m.verdict(v, matches)
	}
	return res
}

// winner returns the match of the highest priority among those that are met,
// the one with the most evidence within a priority.
func winner(matches []*match) *match {
	var best *match
	for _, m := range matches {
		if m.outcome != Met {
			continue
		}
		if best == nil || cmp.Or(
			cmp.Compare(m.rule.Priority, best.rule.Priority),
			cmp.Compare(m.weight, best.weight),
		) > 0 {
			best = m
		}
	}
	return best
}

// match is how one rule fares on a view.
type match struct {
	rule    *Rule
	outcome Outcome
	open    bool    // it was asked whether open trouble goes on
	weight  float64 // evidence for it, in decades of surprise
	around  Place   // the trouble around it, if the rule is about that
	onsets  []time.Time
	all     []finding
	any     []finding
	none    []finding
	support []finding
}

const (
	// witnessCap bounds what one witness can add: beyond eight decades the tail
	// of a distribution is not known.
	witnessCap = 8
	// supportCap and supportShare keep symptoms, which follow from every cause
	// alike, from deciding between causes.
	supportCap   = 4
	supportShare = 0.5
)

// match checks the rule's conditions. With open set, it answers whether trouble
// that is open goes on: conditions are checked with hysteresis, and
// contradictions, which decide about a diagnosis, are ignored.
func (r *Rule) match(v *View, open bool) *match {
	m := &match{rule: r, outcome: NotMet, open: open}
	if r.Topology {
		if v.Place == nil {
			return m
		}
		m.around = *v.Place
	}
	m.all = check(r.placed(v, r.All), v, open)
	m.any = check(r.placed(v, r.Any), v, open)
	m.none = check(r.None, v, false)
	m.support = check(r.Support, v, open)
	m.onsets = v.onsets(slices.Concat(m.all, m.any), open)
	m.checkChanges(v)
	m.dismissOld()
	if open {
		m.outcome = m.lasts(v)
	} else {
		m.outcome = m.decide(v)
	}
	for _, f := range slices.Concat(m.all, m.any) {
		m.count(f, witnessCap, 1)
	}
	for _, f := range m.support {
		m.count(f, supportCap, supportShare)
	}
	m.weight += math.Min(m.around.Witness, witnessCap)
	return m
}

// decide reports whether the rule matches.
func (m *match) decide(v *View) Outcome {
	out := Met
	for _, f := range m.all {
		out = lesser(out, f.Outcome)
	}
	metAny, unseenAny := 0, 0
	for _, f := range m.any {
		switch {
		case f.Outcome == Met:
			metAny++
		case f.Outcome == Unseen && f.cond.expected(v):
			unseenAny++
		}
	}
	switch {
	case metAny >= m.rule.AnyMin:
	case metAny+unseenAny >= m.rule.AnyMin:
		out = lesser(out, Unseen)
	default:
		return NotMet
	}
	if out == Met && !m.stands() || slices.ContainsFunc(m.none, func(f finding) bool { return f.Outcome == Met }) {
		return NotMet
	}
	return out
}

// lasts reports whether the trouble that the rule named goes on: while one value
// that it needs is off, whichever that is, and unseen while none is but one is
// hidden. A change is over when it has happened, and a series that went away may
// never come back: neither keeps an incident open.
func (m *match) lasts(v *View) Outcome {
	needs := slices.DeleteFunc(slices.Concat(m.all, m.any), func(f finding) bool {
		return f.cond.Is == IsChanged || f.cond.Is == IsAbsent
	})
	if slices.ContainsFunc(needs, func(f finding) bool { return f.Outcome == Met }) {
		return Met
	}
	// What can be told of a rule's own deviations counts for more than symptoms.
	if own := slices.DeleteFunc(slices.Clone(m.all), func(f finding) bool { return !f.cond.deviation() }); len(own) > 0 {
		needs = own
	}
	if slices.ContainsFunc(needs, func(f finding) bool { return f.Outcome == Unseen && f.cond.expected(v) }) {
		return Unseen
	}
	return NotMet
}

// check evaluates the conditions that are not about changes.
func check(cs []Condition, v *View, open bool) []finding {
	out := make([]finding, len(cs))
	for i := range cs {
		if cs[i].Is != IsChanged {
			out[i] = cs[i].check(v, open)
		}
	}
	return out
}

// dismissOld ignores contradictions that are much older than what the rule rests
// on: a cache that has been a bit worse since the morning did not fail now.
func (m *match) dismissOld() {
	earliest := slices.MinFunc(m.onsets, time.Time.Compare)
	for i, f := range m.none {
		if f.Outcome != Met || !f.cond.deviation() {
			continue
		}
		if since := f.by.since(); !since.IsZero() && earliest.Sub(since) > onsetSpread {
			m.none[i].Outcome = NotMet
		}
	}
}

// checkChanges evaluates the conditions about changes, which look back from the
// onsets of what else the rule needs.
func (m *match) checkChanges(v *View) {
	for _, list := range []struct {
		of  []Condition
		out []finding
	}{{m.rule.All, m.all}, {m.rule.Any, m.any}, {m.rule.None, m.none}, {m.rule.Support, m.support}} {
		for i := range list.of {
			if list.of[i].Is == IsChanged {
				list.out[i] = list.of[i].checkChange(v, m.onsets)
			}
		}
	}
}

func (m *match) count(f finding, limit, share float64) {
	if f.Outcome == Met {
		m.weight += share * math.Min(f.surprise, limit)
	}
}

// stands reports whether something that the rule needs is a fact, or an anomaly by
// itself. Witnesses are seldom quite independent: at a few requests a second, a
// run of misses by chance is a run of queries, too. That a series is absent is no
// fact of what it tells about: scrapes fail more often than caches.
func (m *match) stands() bool {
	return m.around.Anomalous || slices.ContainsFunc(slices.Concat(m.all, m.any), func(f finding) bool {
		return f.Outcome == Met && (f.cond.fact() || f.cond.deviation() && f.surprise >= f.by.Signal.Sensitivity)
	})
}

// plain reports whether all deviations that the rule needs, and at least two, are
// as clear as a deviation can be. Trouble around the scope is one of them, and one
// that was seen twice, some minutes apart, counts for two.
func (m *match) plain(v *View) bool {
	n := 0
	if m.around.Witness >= witnessCap {
		n++
	}
	for _, f := range slices.Concat(m.all, m.any) {
		if f.Outcome != Met || !f.cond.deviation() {
			continue
		}
		if f.surprise < witnessCap {
			return false
		}
		n++
		if f.twice && v.Step >= aloneFor {
			n++
		}
	}
	return n >= 2
}

// lesser combines two conditions that are both needed: one that is not met
// decides, whether or not the other can be seen.
func lesser(a, b Outcome) Outcome {
	if a == NotMet || b == NotMet {
		return NotMet
	}
	return min(a, b)
}

// confidence turns the evidence into a share: half of the doubt goes with each
// confidenceHalf decades of surprise; what cannot be seen and what fits nearly
// as well leave doubt.
func (m *match) confidence(rivals []*match) float64 {
	doubt := math.Exp2(-m.weight / confidenceHalf)
	for _, f := range m.none {
		if f.Outcome == Unseen {
			doubt += unseenDoubt
		}
	}
	for _, o := range rivals {
		if o.outcome == Met && o.rule.Suspect != m.rule.Suspect && o.rule.Priority >= m.rule.Priority {
			doubt += rivalDoubt
		}
	}
	return math.Round(100*min(max(1-doubt, 0.05), 0.99)) / 100
}

const (
	confidenceHalf = 3.5
	unseenDoubt    = 0.02
	rivalDoubt     = 0.15
)

func (m *match) verdict(v *View, all []*match) *Verdict {
	r := m.rule
	out := &Verdict{
		Rule: r.Name, Alert: r.Alert, Suspect: r.Suspect, Severity: r.Severity,
		Scope:         v.Scope,
		Confidence:    m.confidence(all),
		Runbook:       r.Runbook,
		Evidence:      m.evidence(),
		RuledOut:      ruledOut(m, all),
		Blind:         v.blind(),
		Plain:         m.plain(v),
		Settle:        m.settle(v),
		For:           time.Duration(r.For),
		KeepFiringFor: max(time.Duration(r.KeepFiringFor), keepFiringCycles*v.Step),
	}
	if slices.ContainsFunc(r.AtOnce, func(c Condition) bool { return c.check(v, m.open).Outcome == Met }) {
		out.For = 0
	}
	summary := r.summary
	if f, rank := m.refinement(v); f != nil {
		out.Refinement, out.Rank, out.Runbook, summary = f.Name, rank, f.Runbook, f.summary
	}
	out.Summary = r.render(summary, v)
	onsets := make([]time.Time, 0, len(out.Evidence))
	for i, e := range out.Evidence {
		if i < m.required() && !e.Since.IsZero() {
			onsets = append(onsets, e.Since)
		}
		if e.Component != r.Suspect && e.Component != signal.Traffic && !slices.Contains(out.Victims, e.Component) {
			out.Victims = append(out.Victims, e.Component)
		}
	}
	out.Onset, out.NewestOnset = v.story(onsets)
	for i := range out.Evidence {
		if out.Evidence[i].Since.IsZero() { // too weak to be an anomaly by itself
			out.Evidence[i].Since = out.Onset
		}
	}
	out.Changes = v.changesNear(out.Onset)
	out.Description = out.describe(v)
	return out
}
