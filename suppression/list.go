package suppression

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// List is the section suppressions of the configuration.
type List []Suppression

// Complete tells the list in which zone its dates and windows are, and checks its
// names. Nothing is covered before.
func (l List) Complete(loc *time.Location) error {
	for i := range l {
		s := &l[i]
		if slices.ContainsFunc(l[:i], func(o Suppression) bool { return o.Name == s.Name }) {
			return fmt.Errorf("suppressions[%d]: suppression %q is declared twice: names are unique", i, s.Name)
		}
		var err error
		if s.expires, err = s.deadline(loc); err != nil {
			return fmt.Errorf("suppressions[%d]: suppression %q: %w", i, s.Name, err)
		}
		s.location = loc
	}
	return nil
}

// Check reports a rule or a signal that is not among those that are configured,
// so that what names it would never cover anything. Without signals only the
// rules are checked.
func (l List) Check(set *rules.Set, signals []signal.Signal) error {
	for i, s := range l {
		if s.Rule != "" && set.Rule(s.Rule) == nil {
			return fmt.Errorf("suppressions[%d]: suppression %q names the unknown rule %q: write one of %s", i, s.Name, s.Rule, names(set.Rules(), func(r *rules.Rule) string { return r.Name }))
		}
		for _, name := range s.Signals {
			if len(signals) > 0 && !slices.ContainsFunc(signals, func(sig signal.Signal) bool { return sig.Name == name }) {
				return fmt.Errorf("suppressions[%d]: suppression %q names the unknown signal %q: write one of %s", i, s.Name, name, names(signals, func(sig signal.Signal) string { return sig.Name }))
			}
		}
	}
	return nil
}

func names[T any](items []T, of func(T) string) string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = of(item)
	}
	return strings.Join(out, ", ")
}

// Covering returns the name of the first suppression that covers the incident as
// of ts, or "".
func (l List) Covering(in incident.Incident, ts time.Time) string {
	for i := range l {
		if l[i].covers(in, ts) {
			return l[i].Name
		}
	}
	return ""
}

// Named returns the suppression of that name, or nil.
func (l List) Named(name string) *Suppression {
	for i := range l {
		if l[i].Name == name {
			return &l[i]
		}
	}
	return nil
}

// Expired returns the suppressions that are over as of ts.
func (l List) Expired(ts time.Time) []Suppression {
	var out []Suppression
	for _, s := range l {
		if !ts.Before(s.expires) {
			out = append(out, s)
		}
	}
	return out
}
