package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
)

// Around is what is seen of a verdict's trouble in other scopes.
type Around struct {
	Scopes   []model.LabelSet
	Callers  []string   // services that suffer because they call the suspect's
	Sharers  []string   // others that suffer from what they share with it
	Suspects []string   // all services in the trouble, the most suspect first
	Evidence []Evidence // of the other scopes
}

// shownAround bounds how many other services and how much of their evidence a
// page shows.
const shownAround = 8

// Join makes the verdict speak for other scopes as well.
func (vd *Verdict) Join(a Around) {
	vd.Settle = 0 // nothing else is to be waited for
	vd.Joined, vd.Callers, vd.Suspects = a.Scopes, slices.Concat(a.Callers, a.Sharers), a.Suspects
	vd.Evidence = append(vd.Evidence, a.Evidence[:min(len(a.Evidence), shownAround)]...)
	if len(a.Callers) > 0 {
		vd.Description += fmt.Sprintf("\nSuffer because they call it: %s.", some(a.Callers))
	}
	vd.share(a.Sharers)
	if len(a.Suspects) > 1 {
		vd.Description += fmt.Sprintf("\nSuspects, by what nothing that they call explains: %s.", some(a.Suspects))
	}
}

// share names those who suffer from what they share.
func (vd *Verdict) share(names []string) {
	if len(names) > 0 {
		vd.Description += fmt.Sprintf("\nSuffer because they share it: %s.", some(names))
	}
}

// some lists names, and how many more there are.
func some(names []string) string {
	if more := len(names) - shownAround; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shownAround], ", "), more)
	}
	return strings.Join(names, ", ")
}
