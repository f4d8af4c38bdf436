package audit

import (
	"time"

	"github.com/prometheus/common/model"
)

// Dismissal is an operator's word that the findings of a check are all right
// for a while.
type Dismissal struct {
	Check  string         // ID
	Labels model.LabelSet // that the findings have, among others; none is all findings
	By     string         // user; empty if not known
	Reason string
	At     time.Time
	Until  time.Time
}

// Covers reports whether the dismissal is about a finding of the check and in
// force at a time.
func (d Dismissal) Covers(c *Check, f Finding, at time.Time) bool {
	if d.Check != c.ID || !at.Before(d.Until) {
		return false
	}
	for name, value := range d.Labels {
		if f.Labels[name] != value {
			return false
		}
	}
	return true
}

// Dismissed returns the dismissal that covers a finding at a time, the one that
// lasts longest if there are several, or nil.
func Dismissed(c *Check, f Finding, dismissals []Dismissal, at time.Time) *Dismissal {
	var found *Dismissal
	for i, d := range dismissals {
		if d.Covers(c, f, at) && (found == nil || d.Until.After(found.Until)) {
			found = &dismissals[i]
		}
	}
	return found
}
