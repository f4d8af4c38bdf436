package rules

import (
	"slices"
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
	told    []string // signals that the summary names
	origin  origin
	builtin bool // it is of the pack that tidemark brings along
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
func (r *Rule) File() string { return r.origin.file }

// DefaultKeepFiringFor is how long an incident outlives its last evidence, so
// that a value that swings about its band does not page twice. It is three cycles
// at least, whatever a rule says.
const (
	DefaultKeepFiringFor = time.Minute
	keepFiringCycles     = 3
)

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
