package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidemark/detector"
	"tidemark/signal"
)

// required returns how many of the evidence entries come from conditions that
// the rule needs; they stand first.
func (m *match) required() int {
	n := 0
	for _, f := range slices.Concat(m.all, m.any) {
		if f.Outcome == Met && f.by != nil {
			n++
		}
	}
	return n
}

// evidence lists the observations that meet the rule's conditions, each series
// once: first those that it needs, then those that support it.
func (m *match) evidence() []Evidence {
	var out []Evidence
	seen := map[*Observation]bool{}
	for i, f := range slices.Concat(m.all, m.any, m.support) {
		if f.Outcome != Met || f.by == nil || seen[f.by] {
			continue
		}
		seen[f.by] = true
		e := evidenceOf(f)
		e.Needed = i < len(m.all)+len(m.any)
		out = append(out, e)
	}
	return out
}

func evidenceOf(f finding) Evidence {
	o, j := f.by, f.by.Judgement
	e := Evidence{
		Signal: o.Signal.Name, Title: o.Signal.Title, Component: o.Signal.Component,
		Direction: detector.Direction(f.cond.Is), Since: o.since(),
		Value: j.Value, Expected: j.Expected, Lower: j.Lower, Upper: j.Upper,
		Score: j.Score, Surprise: f.surprise, Labels: o.Labels,
	}
	if !f.cond.deviation() {
		e.Direction = o.Signal.Direction
	}
	return e
}

// ruledOut gives, for each other component that some rule suspects, the fact
// that speaks against it. A component about which nothing is seen is not ruled
// out.
func ruledOut(won *match, all []*match) []RuledOut {
	var out []RuledOut
	for _, c := range []signal.Component{signal.Traffic, signal.Database, signal.Deploy, signal.Cache, signal.Dependency} {
		if c == won.rule.Suspect {
			continue
		}
		var best *match
		for _, m := range all {
			if m.rule.Suspect == c && m.outcome == NotMet && m.seen() && (best == nil || m.metShare() > best.metShare()) {
				best = m
			}
		}
		if best == nil {
			continue
		}
		if because := best.against(); because != "" {
			out = append(out, RuledOut{c, because})
		}
	}
	return out
}

// seen reports whether anything is seen of what the rule needs.
func (m *match) seen() bool {
	needs := m.all
	if len(needs) == 0 {
		needs = m.any
	}
	return slices.ContainsFunc(needs, func(f finding) bool { return f.Outcome != Unseen })
}

// metShare tells how near a rule came: the share of what it needs that is met.
func (m *match) metShare() float64 {
	n, met := 0, 0
	for _, f := range slices.Concat(m.all, m.any) {
		n++
		if f.Outcome == Met {
			met++
		}
	}
	return float64(met) / float64(n)
}

// against returns the fact that decides against a rule that is not met: first
// of all one that the rule itself has words for, then what it needs and is not
// there, then what contradicts it.
func (m *match) against() string {
	for _, f := range slices.Concat(m.none, m.all) {
		if f.cond.reason != nil && f.Outcome == met(f.cond.contradicts) {
			return f.because()
		}
	}
	for _, f := range m.all {
		if f.Outcome == NotMet {
			return f.because()
		}
	}
	for _, f := range m.none {
		if f.Outcome == Met {
			return f.because()
		}
	}
	for _, f := range m.any {
		if f.Outcome == NotMet {
			return f.because()
		}
	}
	return ""
}

// changesShown is how long before the onset a change is worth mentioning.
const changesShown = 30 * time.Minute

// changesNear returns the changes before an onset, the nearest to it first.
func (v *View) changesNear(onset time.Time) []Change {
	var out []Change
	for _, c := range v.Changes {
		if before := onset.Sub(c.At); before <= changesShown && before >= -changeSlack*v.Step {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Compare(onset.Sub(a.At).Abs(), onset.Sub(b.At).Abs())
	})
	return out
}

// blind names the signals that could not be read, sorted.
func (v *View) blind() []string {
	var out []string
	for name, s := range v.Signals {
		if s.Err != nil {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// describe writes the page's text: what, where to look, who suffers, what it is
// not, what changed, what could not be seen.
func (vd *Verdict) describe(v *View) string {
	var b strings.Builder
	b.WriteString(vd.Summary + "\n")
	if vd.Suspect != signal.Unknown {
		fmt.Fprintf(&b, "Look at: %s.", vd.Suspect)
	} else {
		b.WriteString("The cause is not known.")
	}
	if len(vd.Victims) > 0 {
		fmt.Fprintf(&b, " Victims: %s.", vd.victims(v))
	}
	for i, r := range vd.RuledOut {
		sep := " "
		if i == 0 {
			sep = "\n"
		}
		fmt.Fprintf(&b, "%sNot %s: %s.", sep, article(r.Component), r.Because)
	}
	if len(vd.Changes) > 0 {
		b.WriteString("\nChanged just before: ")
		for i, c := range vd.Changes {
			if i > 0 {
				b.WriteString("; ")
			}
			fmt.Fprintf(&b, "%s at %s", c.What, clock(c.At))
		}
		b.WriteString(".")
	}
	if len(vd.Blind) > 0 {
		fmt.Fprintf(&b, "\nCould not be read: %s.", strings.Join(vd.Blind, ", "))
	}
	return b.String()
}

// victims lists the components that suffer, each with the deviations that say so.
func (vd *Verdict) victims(v *View) string {
	parts := make([]string, len(vd.Victims))
	for i, c := range vd.Victims {
		var signs []string
		for _, e := range vd.Evidence {
			if e.Component == c {
				if o := v.strongest([]string{e.Signal}); o != nil {
					signs = append(signs, e.Title+" "+facts(o).Percent)
				}
			}
		}
		parts[i] = fmt.Sprintf("%s (%s)", c, strings.Join(signs, ", "))
	}
	return strings.Join(parts, ", ")
}

func article(c signal.Component) string {
	switch c {
	case signal.Traffic:
		return "traffic"
	case signal.Deploy:
		return "a deploy"
	case signal.Dependency:
		return "a dependency"
	default:
		return "the " + string(c)
	}
}
