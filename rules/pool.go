package rules

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
)

// Sharer is a scope that suffers from something which it shares with others.
type Sharer struct {
	Name    string    // as people call it
	Own     *Evidence // the first of its verdict that is not of what is shared; nil if there is none
	Verdict *Verdict
}

// Pool makes one verdict, on the scope that they share, of the verdicts on several
// scopes. The numbers in its text are those of the surest, the evidence is that of
// all. It returns nil if there are none.
func Pool(scope model.LabelSet, from []Sharer) *Verdict {
	if len(from) == 0 {
		return nil
	}
	surest := from[0]
	for _, s := range from[1:] {
		if s.Verdict.Surer(surest.Verdict) {
			surest = s
		}
	}
	v := *surest.Verdict
	v.Scope = scope
	v.Evidence, v.Victims, v.Blind = slices.Clone(v.Evidence), slices.Clone(v.Victims), slices.Clone(v.Blind)
	for _, s := range from {
		o := s.Verdict
		if o.Onset.Before(v.Onset) {
			v.Onset = o.Onset
		}
		if o.NewestOnset.After(v.NewestOnset) {
			v.NewestOnset = o.NewestOnset
		}
		v.Plain = v.Plain || o.Plain && o.Rule == v.Rule
		v.Victims = joined(v.Victims, o.Victims)
		v.Blind = joined(v.Blind, o.Blind)
		if s.Own == nil {
			continue
		}
		if len(v.Callers) < shownAround && o != surest.Verdict {
			v.Evidence = append(v.Evidence, *s.Own)
		}
		v.Callers = append(slices.Clip(v.Callers), s.Name)
	}
	slices.Sort(v.Blind)
	if len(v.Callers) > 0 {
		v.Summary += " Suffering: " + some(v.Callers) + "."
	}
	v.share(v.Callers)
	if len(from) > 1 {
		v.Description += fmt.Sprintf("\nThe numbers are those of %s.", surest.Name)
	}
	return &v
}

// Surer reports whether a verdict is graver than another, or as grave and surer.
func (vd *Verdict) Surer(o *Verdict) bool {
	if a, b := vd.Severity.Gravity(), o.Severity.Gravity(); a != b {
		return a > b
	}
	return vd.Confidence > o.Confidence
}

// joined returns a with what b has besides.
func joined[T comparable](a, b []T) []T {
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}
