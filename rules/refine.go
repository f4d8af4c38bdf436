package rules

import (
	"slices"
	"strings"
	"text/template"
	"time"
)

// Refinement says more exactly what happened, where the evidence tells: the
// verdict keeps its rule, its alert and its suspect, and gets other words and
// another runbook. What tells may come later than what pages, and nobody is paged
// a second time for it.
//
// It holds when every condition of All and, if there are any, one of Any is met
// and none of None is. They are met as easily as those of Support: that something
// is wrong is known.
type Refinement struct {
	Name    string      `yaml:"name"`
	All     []Condition `yaml:"all,omitempty"`
	Any     []Condition `yaml:"any,omitempty"`
	None    []Condition `yaml:"none,omitempty"`
	Summary string      `yaml:"summary"`           // template of one line
	Runbook string      `yaml:"runbook,omitempty"` // default: that of the rule

	summary *template.Template
	told    []string // signals that the summary names
}

func (r *Refinement) conditions() []Condition { return slices.Concat(r.All, r.Any, r.None) }

// holds reports whether the refinement fits a view in which its rule matches,
// whose evidence began at the onsets.
func (r *Refinement) holds(v *View, open bool, onsets []time.Time) bool {
	isMet := func(c Condition) bool {
		if c.Is == IsChanged {
			return c.checkChange(v, onsets).Outcome == Met
		}
		return c.check(v, open).Outcome == Met
	}
	return !slices.ContainsFunc(r.All, func(c Condition) bool { return !isMet(c) }) &&
		(len(r.Any) == 0 || slices.ContainsFunc(r.Any, isMet)) &&
		!slices.ContainsFunc(r.None, isMet)
}

// refinement returns the first of the rule's refinements that holds, and its
// place among them, or nil.
func (m *match) refinement(v *View) (refinement *Refinement, rank int) {
	for i := range m.rule.Refine {
		if r := &m.rule.Refine[i]; r.holds(v, m.open, m.onsets) {
			return r, i
		}
	}
	return nil, 0
}

// Keep gives a verdict the words of an older one of the same rule, if that was
// refined, and by what stands before its own refinement: what happened stays known
// when its traces fade, and a cache that fills after a repair was no stampede.
func (vd *Verdict) Keep(old Verdict) {
	if old.Refinement == "" || vd.Rule != old.Rule || vd.Refinement != "" && vd.Rank <= old.Rank {
		return
	}
	vd.Description = old.Summary + strings.TrimPrefix(vd.Description, vd.Summary)
	vd.Refinement, vd.Rank, vd.Summary, vd.Runbook = old.Refinement, old.Rank, old.Summary, old.Runbook
}

// As returns the verdict as one of another rule, which it refines.
func (vd Verdict) As(rule string) Verdict {
	if vd.Refinement == "" {
		vd.Refinement = vd.Rule
	}
	vd.Rule, vd.Rank = rule, 0
	return vd
}
