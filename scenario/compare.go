package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/incident"
)

// compare returns a sentence for everything that is not as expected.
func (s *Scenario) compare(fired []incident.Incident) []string {
	var problems []string
	taken := map[string]bool{} // incidents that were expected, or were complained of
	missing := make([]bool, len(s.expect.Incidents))
	for i, want := range s.expect.Incidents {
		found := slices.IndexFunc(fired, func(in incident.Incident) bool { return !taken[in.ID] && s.fits(want, in) })
		if missing[i] = found < 0; !missing[i] {
			taken[fired[found].ID] = true
			problems = append(problems, s.details(want, fired[found])...)
		}
	}
	for i, want := range s.expect.Incidents {
		if !missing[i] {
			continue
		}
		got := "got none"
		if near := s.nearest(want, fired, taken); near != nil {
			got = "got none; nearest: " + s.describe(*near)
			if near.Verdict.Rule == want.Rule {
				taken[near.ID] = true // said once is enough
			}
		}
		problems = append(problems, fmt.Sprintf("expected %s to fire %s, %s", s.named(want), s.when(want), got))
	}
	if !s.expect.Others {
		for _, in := range fired {
			if !taken[in.ID] {
				problems = append(problems, "expected nothing else, got "+s.describe(in))
			}
		}
	}
	for _, quiet := range s.expect.Silence {
		problems = append(problems, s.broken(quiet, fired)...)
	}
	return problems
}

// fits reports whether an incident is of the rule, scope and time that are
// expected.
func (s *Scenario) fits(want expected, in incident.Incident) bool {
	from := want.Fires.in(s.times.Start)
	return in.Verdict.Rule == want.Rule && has(in.Verdict.Scope, want.Scope) &&
		!in.FiredAt.Before(from) && !in.FiredAt.After(from.Add(time.Duration(want.Within)))
}

// has reports whether a scope has all of the labels.
func has(scope, labels model.LabelSet) bool {
	for k, v := range labels {
		if scope[k] != v {
			return false
		}
	}
	return true
}

// details returns what else is not as expected of an incident that fits.
func (s *Scenario) details(want expected, in incident.Incident) []string {
	var problems []string
	wrong := func(what string, want, got any) {
		problems = append(problems, fmt.Sprintf("expected %s %v of %s, got %v", what, want, s.describe(in), got))
	}
	if want.Suspect != "" && want.Suspect != in.Verdict.Suspect {
		wrong("suspect", want.Suspect, in.Verdict.Suspect)
	}
	if want.Severity != "" && want.Severity != in.Verdict.Severity {
		wrong("severity", want.Severity, in.Verdict.Severity)
	}
	if want.SuppressedBy != in.SuppressedBy {
		wrong("suppression", cmp.Or(want.SuppressedBy, "none"), cmp.Or(in.SuppressedBy, "none"))
	}
	if want.Refinement != "" && want.Refinement != in.Verdict.Refinement {
		wrong("refinement", want.Refinement, cmp.Or(in.Verdict.Refinement, "none"))
	}
	if want.Joined != nil && !sameScopes(want.Joined, in.Verdict.Joined) {
		wrong("other scopes", want.Joined, in.Verdict.Joined)
	}
	if want.ResolvedBy != nil {
		by := want.ResolvedBy.in(s.times.Start)
		switch {
		case in.ResolvedAt.IsZero():
			problems = append(problems, fmt.Sprintf("expected %s to be resolved by %s, it still fires at the end, %s", s.named(want), s.clock(by), s.clock(s.data.grid.End())))
		case in.ResolvedAt.After(by):
			problems = append(problems, fmt.Sprintf("expected %s to be resolved by %s, it was at %s", s.named(want), s.clock(by), s.clock(in.ResolvedAt)))
		}
	}
	return problems
}

// sameScopes reports whether two lists hold the same scopes, in any order.
func sameScopes(a, b []model.LabelSet) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(scope model.LabelSet) bool { return !slices.ContainsFunc(b, scope.Equal) })
}

// nearest returns the incident that resembles an expected one most: of the same
// rule if there is one, then the one that fired at the least distance.
func (s *Scenario) nearest(want expected, fired []incident.Incident, taken map[string]bool) *incident.Incident {
	var best *incident.Incident
	least := time.Duration(0)
	for i := range fired {
		in := &fired[i]
		if taken[in.ID] {
			continue
		}
		distance := in.FiredAt.Sub(want.Fires.in(s.times.Start)).Abs()
		if in.Verdict.Rule != want.Rule || !has(in.Verdict.Scope, want.Scope) {
			distance += 1000 * time.Hour
		}
		if best == nil || distance < least {
			best, least = in, distance
		}
	}
	return best
}

// broken returns the incidents that fired in a silence.
func (s *Scenario) broken(quiet silence, fired []incident.Incident) []string {
	from, to := s.times.Start, s.data.grid.End()
	if quiet.From != nil {
		from = quiet.From.in(s.times.Start)
	}
	if quiet.To != nil {
		to = quiet.To.in(s.times.Start)
	}
	what := "silence"
	if len(quiet.Rules) > 0 {
		what = "no " + strings.Join(quiet.Rules, " or ")
	}
	var problems []string
	for _, in := range fired {
		over := !in.ResolvedAt.IsZero() && !in.ResolvedAt.After(from)
		if in.FiredAt.After(to) || over || !has(in.Verdict.Scope, quiet.Scope) {
			continue
		}
		if len(quiet.Rules) == 0 || slices.Contains(quiet.Rules, in.Verdict.Rule) {
			problems = append(problems, fmt.Sprintf("expected %s between %s and %s, got %s", what, s.clock(from), s.clock(to), s.describe(in)))
		}
	}
	return problems
}

// named returns how the alert of an expected incident is called.
func (s *Scenario) named(want expected) string {
	alert := s.config.Rules.Rule(want.Rule).Alert
	if len(want.Scope) == 0 {
		return alert
	}
	return alert + " " + want.Scope.String()
}

func (s *Scenario) when(want expected) string {
	from := want.Fires.in(s.times.Start)
	if want.Within == 0 {
		return "at " + s.clock(from)
	}
	return fmt.Sprintf("between %s and %s", s.clock(from), s.clock(from.Add(time.Duration(want.Within))))
}

// describe returns what became of an incident.
func (s *Scenario) describe(in incident.Incident) string {
	text := fmt.Sprintf("%s %s that fired at %s", in.Verdict.Alert, in.Verdict.Scope, s.clock(in.FiredAt))
	if in.SupersededBy != "" {
		text += ", superseded by a better diagnosis"
	}
	return text
}

// clock shows a time by how far it lies from the start, and on the clock.
func (s *Scenario) clock(t time.Time) string {
	d := t.Sub(s.times.Start)
	if d < 0 {
		return "-" + model.Duration(-d).String() + t.UTC().Format(" (15:04:05)")
	}
	return model.Duration(d).String() + t.UTC().Format(" (15:04:05)")
}
