// Package suppression decides which incidents are kept from paging because
// somebody who knows them has said so, and proposes what to say.
//
// Vocabulary: a suppression covers an incident if everything that it names fits;
// it expires, after which it covers nothing; an incident outgrows a suppression
// that covered it when it no longer fits, and pages then. A window is a part of
// the day, week or year in which a suppression holds.
//
// The package is pure. It does not hide: a suppressed incident is opened, stored
// and shown like any other. Silences, which end a notification that is known
// about, stay Alertmanager's.
package suppression

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/timeinterval"

	"tidemark/incident"
	"tidemark/rules"
)

// Suppression is an entry of the section suppressions.
type Suppression struct {
	Name string `yaml:"name"`

	// Rule, if it is set, is the only rule whose incidents are covered.
	Rule string `yaml:"rule,omitempty"`

	// Scope selects the scopes that are covered; without matchers all of them.
	Scope Matchers `yaml:"scope,omitempty"`

	// Signals, if there are any, are those within which the evidence must lie.
	Signals []string `yaml:"signals,omitempty"`

	// MaxSeverity is the gravest that is covered; empty is any.
	MaxSeverity rules.Severity `yaml:"max_severity,omitempty"`

	// Times are the windows, in the form of Alertmanager's time intervals. An
	// incident is covered while one of them holds, and only if one held when it
	// fired. Without any, it is always covered.
	Times []timeinterval.TimeInterval `yaml:"times,omitempty"`

	// Until is when it expires: an RFC 3339 time, or a date, which stands for
	// its beginning.
	Until string `yaml:"until"`

	Reason string `yaml:"reason"`
	Author string `yaml:"author,omitempty"`

	expires  time.Time
	location *time.Location // of dates, and of windows that name no other
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Suppression) UnmarshalYAML(unmarshal func(any) error) error {
	*s = Suppression{}
	type plain Suppression
	if err := unmarshal((*plain)(s)); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("suppression %q: %w", s.Name, err)
	}
	return nil
}

func (s *Suppression) check() error {
	switch {
	case strings.TrimSpace(s.Name) == "":
		return errors.New("name is missing: write one by which people know it, such as nightly-import")
	case s.Rule == "" && len(s.Scope) == 0 && len(s.Signals) == 0:
		return errors.New("nothing says what it covers: write a rule, a scope or signals")
	case strings.TrimSpace(s.Reason) == "":
		return errors.New("reason is missing: write why these incidents need nobody, for those who read it later")
	case s.Until == "":
		return errors.New("until is missing: write when to look again, a date such as 2026-12-24 or an RFC 3339 time")
	case s.MaxSeverity != "" && s.MaxSeverity.Gravity() < 0:
		return fmt.Errorf("max_severity %q is not known: write info, warning or critical", s.MaxSeverity)
	}
	_, err := s.deadline(time.UTC)
	return err
}

// deadline returns when the suppression expires.
func (s *Suppression) deadline(loc *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s.Until); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s.Until, loc)
	if err != nil {
		return t, fmt.Errorf("until %q is not a time: write a date such as 2026-12-24, or RFC 3339 such as 2026-12-24T06:00:00Z", s.Until)
	}
	return t, nil
}

// Expires returns when the suppression expires.
func (s *Suppression) Expires() time.Time { return s.expires }

// covers reports whether the suppression covers an incident as of ts.
func (s *Suppression) covers(in incident.Incident, ts time.Time) bool {
	v := in.Verdict
	switch {
	case !ts.Before(s.expires):
		return false
	case s.Rule != "" && s.Rule != v.Rule:
		return false
	case s.MaxSeverity != "" && v.Severity.Gravity() > s.MaxSeverity.Gravity():
		return false
	case !s.Scope.match(v.Scope):
		return false
	case len(s.Signals) > 0 && slices.ContainsFunc(v.Evidence, func(e rules.Evidence) bool { return !slices.Contains(s.Signals, e.Signal) }):
		return false
	}
	return s.holds(ts) && (in.FiredAt.IsZero() || s.holds(in.FiredAt))
}

// holds reports whether ts lies in a window.
func (s *Suppression) holds(ts time.Time) bool {
	return len(s.Times) == 0 || slices.ContainsFunc(s.Times, func(w timeinterval.TimeInterval) bool {
		return w.ContainsTime(ts.In(s.location))
	})
}
