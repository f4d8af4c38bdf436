package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/signal"
)

// Rule describes one failure mode by what it leaves in a scope.
//
// A rule matches when every condition of All and at least AnyMin of Any are met
// and none of None is. Support does not decide: what of it is met is shown as
// evidence and raises the confidence.
type Rule struct {
	Name     string           `yaml:"name"`            // cache_bypass
	Alert    string           `yaml:"alert,omitempty"` // default: the name in CamelCase
	Suspect  signal.Component `yaml:"suspect"`
	Severity Severity         `yaml:"severity,omitempty"` // default: warning

	All     []Condition `yaml:"all,omitempty"`
	Any     []Condition `yaml:"any,omitempty"`
	AnyMin  int         `yaml:"any_min,omitempty"` // default: 1 if there is an any
	None    []Condition `yaml:"none,omitempty"`
	Support []Condition `yaml:"support,omitempty"`

	// Priority decides between rules that match the same evidence: the one that
	// explains more is higher. Default 0; a rule of last resort is negative.
	Priority int `yaml:"priority,omitempty"`

	// Settle is how many cycles in a row must agree on this rule before it
	// pages, if that is more than usual: a rule of last resort waits for the
	// others. Default: the global settle.
	Settle int `yaml:"settle,omitempty"`

	// Topology marks a rule for the services of the service graph alone. Its
	// conditions on rises are what services are compared by, and trouble of the
	// services around one is a second witness.
	Topology bool `yaml:"topology,omitempty"`

	// Refine says more exactly what happened; the first that holds counts.
	Refine []Refinement `yaml:"refine,omitempty"`

	Summary       string         `yaml:"summary"` // template of one line
	Runbook       string         `yaml:"runbook,omitempty"`
	For           model.Duration `yaml:"for,omitempty"`
	AtOnce        []Condition    `yaml:"at_once,omitempty"`         // one of them ends the waiting
	KeepFiringFor model.Duration `yaml:"keep_firing_for,omitempty"` // default: 1m

	summary *template.Template
	file    string
}

// Conditions yields all conditions of the rule and of its refinements.
func (r *Rule) Conditions() []Condition {
	all := slices.Concat(r.All, r.Any, r.None, r.Support, r.AtOnce)
	for i := range r.Refine {
		all = append(all, r.Refine[i].conditions()...)
	}
	return all
}

// File returns the name of the file that the rule was read from.
func (r *Rule) File() string { return r.file }

// DefaultKeepFiringFor is how long an incident outlives its last evidence, so
// that a value that swings about its band does not page twice. It is three cycles
// at least, whatever a rule says.
const (
	DefaultKeepFiringFor = time.Minute
	keepFiringCycles     = 3
)

var nameRE = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// complete fills defaults and checks what can be checked without the signals.
func (r *Rule) complete() error {
	if !nameRE.MatchString(r.Name) {
		return fmt.Errorf("name %q: write lower-case letters, digits and underscores, such as cache_bypass", r.Name)
	}
	if r.Alert == "" {
		r.Alert = camel(r.Name)
	}
	if r.Severity == "" {
		r.Severity = Warning
	}
	if r.KeepFiringFor == 0 {
		r.KeepFiringFor = model.Duration(DefaultKeepFiringFor)
	}
	if r.AnyMin == 0 && len(r.Any) > 0 {
		r.AnyMin = 1
	}
	switch {
	case !slices.Contains(signal.Components, r.Suspect):
		return fmt.Errorf("suspect %q is not known: write cache, database, traffic, deploy, application, dependency or unknown", r.Suspect)
	case r.Severity != Critical && r.Severity != Warning && r.Severity != Info:
		return fmt.Errorf("severity %q is not known: write critical, warning or info", r.Severity)
	case len(r.All) == 0 && len(r.Any) == 0:
		return fmt.Errorf("it has neither all nor any: write at least one condition that must be met")
	case r.AnyMin < 0 || r.AnyMin > len(r.Any):
		return fmt.Errorf("any_min %d is not between 1 and the %d conditions of any", r.AnyMin, len(r.Any))
	case len(r.AtOnce) > 0 && r.For == 0:
		return fmt.Errorf("at_once goes with for only: without it nothing waits")
	case r.Settle < 0 || r.Settle > 100:
		return fmt.Errorf("settle %d is not between 1 and 100 cycles", r.Settle)
	case r.Summary == "":
		return fmt.Errorf("summary is missing: write one line that names the cause")
	}
	err := completeAll(conditionList{"all", r.All}, conditionList{"any", r.Any}, conditionList{"none", r.None}, conditionList{"support", r.Support},
		conditionList{"at_once", r.AtOnce})
	if err != nil {
		return err
	}
	r.setThresholds()
	for i := range r.Refine {
		if err := r.Refine[i].complete(r); err != nil {
			return fmt.Errorf("refine[%d]: %w", i, err)
		}
	}
	if r.summary, err = parseTemplate(r.Name, r.Summary); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	return nil
}

// conditionList is a list of conditions and the name under which it stands.
type conditionList struct {
	name string
	of   []Condition
}

func completeAll(lists ...conditionList) error {
	for _, list := range lists {
		for i := range list.of {
			if err := list.of[i].complete(); err != nil {
				return fmt.Errorf("%s[%d]: %w", list.name, i, err)
			}
		}
	}
	return nil
}

// setThresholds gives each condition on a deviation the surprise from which it
// is met, relative to the signal's own sensitivity. Two independent witnesses
// let each threshold fall by a decade (for independent witnesses the
// probabilities multiply, so the pair is still rarer than one alone). A rule
// that takes several of many gets no relief for it: there, chance picks.
func (r *Rule) setThresholds() {
	witnesses := 0
	for _, c := range r.All {
		if c.deviation() || c.fact() {
			witnesses++
		}
	}
	if len(r.Any) > 0 && witnesses > 0 {
		witnesses++
	}
	joint := 0.0
	if witnesses >= 2 && r.AnyMin <= 1 {
		joint = jointRelief
	}
	set := func(cs []Condition, relief float64) {
		for i := range cs {
			cs[i].relief = relief
		}
	}
	set(r.All, joint)
	set(r.Any, joint)
	set(r.None, weakRelief)
	for i := range r.None {
		r.None[i].contradicts = true
	}
	set(r.Support, weakRelief)
	set(r.AtOnce, weakRelief)
}

const (
	jointRelief = 1.0 // one decade of surprise
	weakRelief  = 2.0 // what supports or contradicts need not be able to page by itself
)

// camel turns cache_bypass into CacheBypass.
func camel(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
