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
	weight  float64 // evidence for it, in decades of surprise
	witness float64 // surprise of the trouble around it, if the rule is about that
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
// that is open goes on: conditions are checked with hysteresis, one deviation
// that the rule needs is enough, it cannot be told while one is not seen, and
// contradictions, which decide about a diagnosis, are ignored.
func (r *Rule) match(v *View, open bool) *match {
	m := &match{rule: r, outcome: Met}
	if r.Topology && v.Place == nil {
		m.outcome = NotMet
		return m
	}
	m.all = check(r.placed(v, r.All), v, open)
	m.any = check(r.placed(v, r.Any), v, open)
	m.none = check(r.None, v, false)
	m.support = check(r.Support, v, open)
	onsets := v.onsets(slices.Concat(m.all, m.any))
	m.checkChanges(v, onsets)
	m.dismissOld(onsets)

	lasts, hidden := false, false
	for _, f := range m.all {
		m.outcome = lesser(m.outcome, f.Outcome)
		m.count(f, witnessCap, 1)
		if f.cond.deviation() {
			lasts = lasts || f.Outcome == Met
			hidden = hidden || f.Outcome == Unseen
		}
	}
	switch {
	case open && lasts:
		m.outcome = Met
	case open && hidden:
		m.outcome = Unseen
	}
	metAny, unseenAny := 0, 0
	for _, f := range m.any {
		switch f.Outcome {
		case Met:
			metAny++
			m.count(f, witnessCap, 1)
		case Unseen:
			if f.cond.expected(v) {
				unseenAny++
			}
		case NotMet:
		}
	}
	if metAny < r.AnyMin {
		if metAny+unseenAny >= r.AnyMin {
			m.outcome = lesser(m.outcome, Unseen)
		} else {
			m.outcome = NotMet
		}
	}
	for _, f := range m.none {
		if f.Outcome == Met && !open {
			m.outcome = NotMet
		}
	}
	for _, f := range m.support {
		m.count(f, supportCap, supportShare)
	}
	if r.Topology {
		m.witness = v.Place.Witness
		m.weight += math.Min(m.witness, witnessCap)
	}
	return m
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
func (m *match) dismissOld(onsets []time.Time) {
	earliest := slices.MinFunc(onsets, time.Time.Compare)
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
func (m *match) checkChanges(v *View, onsets []time.Time) {
	for _, list := range []struct {
		of  []Condition
		out []finding
	}{{m.rule.All, m.all}, {m.rule.Any, m.any}, {m.rule.None, m.none}, {m.rule.Support, m.support}} {
		for i := range list.of {
			if list.of[i].Is == IsChanged {
				list.out[i] = list.of[i].checkChange(v, onsets)
			}
		}
	}
}

func (m *match) count(f finding, limit, share float64) {
	if f.Outcome == Met {
		m.weight += share * math.Min(f.surprise, limit)
	}
}

// plain reports whether all deviations that the rule needs, and at least two, are
// as clear as a deviation can be. Trouble around the scope is one of them.
func (m *match) plain() bool {
	n := 0
	if m.witness >= witnessCap {
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
		Summary:       r.render(v),
		Evidence:      m.evidence(),
		RuledOut:      ruledOut(m, all),
		Blind:         v.blind(),
		Plain:         m.plain(),
		Settle:        r.Settle,
		For:           time.Duration(r.For),
		KeepFiringFor: time.Duration(r.KeepFiringFor),
	}
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
