package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// scenario is a fault of the shop and what tidemark should make of it.
type scenario struct {
	fault     string
	component string // that the alert should point at; empty: there should be none
}

// scenarios are in the order of --fault=all. Deploys come last: for some time
// after one, it is the first suspect for whatever happens.
var scenarios = []scenario{
	{"cache_bypass", "cache"},
	{"ttl_zero", "cache"},
	{"small_cache", "cache"},
	{"cache_down", "cache"},
	{"slow_database", "database"},
	{"traffic_x3", "traffic"},
	{"bad_deploy", "deploy"},
	{"n_plus_one", "deploy"},
	{"good_deploy", ""},
}

func names() []string {
	all := make([]string, len(scenarios))
	for i, s := range scenarios {
		all[i] = s.fault
	}
	return all
}

func scenarioOf(fault string) scenario {
	return scenarios[slices.IndexFunc(scenarios, func(s scenario) bool { return s.fault == fault })]
}

// story is what came of a scenario.
type story struct {
	scenario
	verdict, suspect          string
	alertAfter, resolvedAfter time.Duration
	alerts                    int   // different ones
	problem                   error // what was not as it should be
}

// look is how often the demo looks for news.
const look = time.Second

// tell breaks the shop, watches what tidemark says, and repairs it. The error
// is for what keeps the story from being told; that it ends badly is in the
// story.
func (s *stack) tell(ctx context.Context, sc scenario) (story, error) {
	st := story{scenario: sc}
	if err := s.showNormal(ctx); err != nil {
		return st, err
	}
	early, err := s.alerts(ctx)
	if err != nil {
		return st, err
	}
	if len(early) > 0 {
		st.problem = fmt.Errorf("there is an alert before anything is broken: %s", early[0])
		s.out.chapter(red, "WRONG", "%v", st.problem)
		return st, nil
	}
	about, err := s.setFault(ctx, sc.fault, true)
	if err != nil {
		return st, err
	}
	broken := time.Now()
	s.out.chapter(yellow, "FAULT", "%s: %s", sc.fault, about)
	s.out.detail("", fmt.Sprintf("curl -X POST %s/faults/%s", s.shopURL(), sc.fault))

	seen := map[string]alert{}
	if err := s.awaitAlert(ctx, &st, broken, seen); err != nil {
		return st, err
	}

	if _, err := s.setFault(ctx, sc.fault, false); err != nil {
		return st, err
	}
	repaired := time.Now()
	s.out.chapter(green, "REPAIR", "curl -X DELETE %s/faults/%s", s.shopURL(), sc.fault)
	quiet, err := s.awaitQuiet(ctx, seen)
	if err != nil {
		return st, err
	}
	if quiet && st.alertAfter > 0 {
		st.resolvedAfter = time.Since(repaired)
		s.out.chapter(green, "RESOLVED", "%s after the repair, by itself. Alertmanager has no active alert.", seconds(st.resolvedAfter))
	}
	st.alerts = len(seen)
	st.problem = st.judge(quiet, seen)
	if st.problem != nil {
		s.out.chapter(red, "WRONG", "%v", st.problem)
	} else if sc.component == "" {
		s.out.chapter(green, "QUIET", "Nobody was paged, and nobody should have been.")
	}
	return st, nil
}

// judge says what is not as it should be.
func (st story) judge(quiet bool, seen map[string]alert) error {
	var all []string
	for _, a := range seen {
		all = append(all, a.String())
	}
	slices.Sort(all)
	switch {
	case st.component == "" && len(seen) == 0:
		return nil
	case st.component == "":
		return fmt.Errorf("there should be no alert, but there is: %s", strings.Join(all, "; "))
	case len(seen) == 0:
		return fmt.Errorf("no alert within %s", alertPatience)
	case st.suspect != st.component:
		return fmt.Errorf("the alert points at %s instead of %s", st.suspect, st.component)
	case len(seen) > 1:
		return fmt.Errorf("%d alerts instead of one: %s", len(seen), strings.Join(all, "; "))
	case !quiet:
		return fmt.Errorf("not resolved within %s of the repair", resolvePatience)
	}
	return nil
}

// awaitAlert waits until Alertmanager holds an alert, shows it, and stays some
// more to see whether others follow. All alerts go into seen.
func (s *stack) awaitAlert(ctx context.Context, st *story, broken time.Time, seen map[string]alert) error {
	deadline := broken.Add(alertPatience)
	for shown := false; time.Now().Before(deadline); {
		if err := s.collectAlerts(ctx, seen); err != nil {
			return err
		}
		inc, err := s.openIncident(ctx)
		if err != nil {
			return err
		}
		if inc != nil && !shown {
			shown = true
			s.showIncident(*inc, time.Since(broken))
		}
		if inc != nil && len(seen) > 0 && st.alertAfter == 0 {
			st.alertAfter = time.Since(broken)
			st.verdict, st.suspect = inc.Rule, inc.Suspect
			for _, a := range seen {
				s.out.chapter(red, "ALERT", "in Alertmanager %s after the fault: %s", seconds(st.alertAfter), a)
			}
			deadline = time.Now().Add(time.Minute)
		}
		if !pause(ctx, look) {
			return context.Cause(ctx)
		}
	}
	return s.showAnomalies(ctx)
}

// awaitQuiet waits until no incident is open and no alert is active, and
// reports whether that happened in time.
func (s *stack) awaitQuiet(ctx context.Context, seen map[string]alert) (quiet bool, err error) {
	for deadline := time.Now().Add(resolvePatience); time.Now().Before(deadline); {
		if err := s.collectAlerts(ctx, seen); err != nil {
			return false, err
		}
		active, err := s.alerts(ctx)
		if err != nil {
			return false, err
		}
		all, err := s.incidents(ctx)
		if err != nil {
			return false, err
		}
		if len(active) == 0 && !slices.ContainsFunc(all, incident.open) {
			return true, nil
		}
		if !pause(ctx, look) {
			return false, context.Cause(ctx)
		}
	}
	return false, nil
}

// calm waits until no signal is off any more, or long enough, so that one story
// does not reach into the next.
func (s *stack) calm(ctx context.Context) error {
	for deadline := time.Now().Add(calmPatience); time.Now().Before(deadline); {
		off, err := s.anomalies(ctx)
		if err != nil {
			return err
		}
		if len(off) == 0 {
			break
		}
		if !pause(ctx, look) {
			return context.Cause(ctx)
		}
	}
	if !pause(ctx, time.Minute) {
		return context.Cause(ctx)
	}
	return nil
}

func (s *stack) collectAlerts(ctx context.Context, seen map[string]alert) error {
	active, err := s.alerts(ctx)
	if err != nil {
		return err
	}
	for _, a := range active {
		seen[a.Fingerprint] = a
	}
	return nil
}

// openIncident returns an incident that fires, or nil.
func (s *stack) openIncident(ctx context.Context) (*incident, error) {
	all, err := s.incidents(ctx)
	if err != nil {
		return nil, err
	}
	for _, inc := range all {
		if inc.State == "firing" {
			return &inc, nil
		}
	}
	return nil, nil
}

// showNormal prints the signals that matter most.
func (s *stack) showNormal(ctx context.Context) error {
	var parts []string
	for _, name := range []string{"request_rate", "error_ratio", "latency_p99", "cache_hit_ratio", "db_queries_per_request", "db_latency"} {
		v, err := s.value(ctx, name)
		if err != nil {
			return err
		}
		parts = append(parts, s.title(name)+" "+s.format(name, &v))
	}
	s.out.chapter(green, "NORMAL", "%s", strings.Join(parts[:3], " · "))
	s.out.detail("", strings.Join(parts[3:], " · "))
	return nil
}

// showIncident prints what the person on call reads.
func (s *stack) showIncident(inc incident, after time.Duration) {
	s.out.chapter(red, "INCIDENT", "%s, %s, look at: %s (%s after the fault)",
		s.out.paint(bold, inc.Rule), inc.Severity, s.out.paint(bold, inc.Suspect), seconds(after))
	s.out.detail("", inc.Summary)
	for _, e := range inc.Evidence {
		text := fmt.Sprintf("%s %s: %s", s.title(e.Signal), e.Direction, s.format(e.Signal, e.Value))
		if e.Expected != nil {
			text += ", usually " + s.format(e.Signal, e.Expected)
		}
		s.out.detail("because", text)
	}
	if len(inc.Victims) > 0 {
		s.out.detail("victims", strings.Join(inc.Victims, ", "))
	}
	for _, r := range inc.RuledOut {
		s.out.detail("not", r.Component+": "+r.Because)
	}
	for _, c := range inc.Changes {
		s.out.detail("changed", c.At.UTC().Format("15:04:05 ")+c.What)
	}
	s.out.detail("page", s.tidemarkURL()+"/incidents/"+inc.ID)
}

// showAnomalies prints all that is off.
func (s *stack) showAnomalies(ctx context.Context) error {
	off, err := s.anomalies(ctx)
	if err != nil {
		return err
	}
	if len(off) == 0 {
		return nil
	}
	var parts []string
	for _, a := range off {
		parts = append(parts, s.title(a.Signal)+" "+a.Direction)
	}
	slices.Sort(parts)
	s.out.detail("all off", strings.Join(parts, ", "))
	return nil
}
