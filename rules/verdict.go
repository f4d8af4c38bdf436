package rules

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/signal"
)

// Severity says how urgent a verdict is; it becomes the alert's severity label.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // users are hurt
	Warning  Severity = "warning"  // nobody is hurt yet
	Info     Severity = "info"
)

// severities are all, in ascending order.
var severities = []Severity{Info, Warning, Critical}

// Gravity orders severities: a graver one has a larger number. It is -1 for one
// that is not known.
func (s Severity) Gravity() int { return slices.Index(severities, s) }

// Verdict is what the rules make of one scope at one time: the failure mode that
// explains the evidence best, and what it is not.
//
// Rule, Alert, Suspect, Severity and Scope identify the alert; everything else
// may change from one cycle to the next.
type Verdict struct {
	Rule     string // cache_bypass
	Alert    string // CacheBypass
	Suspect  signal.Component
	Severity Severity
	Scope    model.LabelSet

	Confidence  float64   // 0–1
	Onset       time.Time // of the earliest evidence that it needs
	NewestOnset time.Time // of the newest evidence that it needs
	Victims     []signal.Component
	Refinement  string // what happened more exactly: a refinement of the rule, or a rule of the same suspect; or empty
	Rank        int    // of the refinement: 0 is the first one, which is kept
	Summary     string // one line
	Description string // several lines: what, where to look, what it is not, what changed
	Runbook     string // path or URL

	Evidence []Evidence
	RuledOut []RuledOut
	Changes  []Change
	Blind    []string // signals that could not be read

	// Plain is set if every deviation that the rule needs is as clear as can be,
	// and there are several: a second look would add nothing.
	Plain bool

	// Joined holds the other scopes in which the same trouble is seen; they have no
	// incident of their own. Callers names those of them that suffer because they
	// call the suspect's service, or share what is suspected, Suspects all services in the trouble, the most
	// suspect first. All are empty if the trouble is one scope's alone.
	Joined   []model.LabelSet
	Callers  []string
	Suspects []string

	Settle        int // cycles that must agree before it pages; 0 is the usual number
	For           time.Duration
	KeepFiringFor time.Duration
}

// Evidence is one deviating series that speaks for the verdict. Numbers that
// are not known are NaN.
type Evidence struct {
	Signal    string
	Title     string
	Component signal.Component
	Direction detector.Direction
	Since     time.Time
	Value     float64
	Expected  float64
	Lower     float64
	Upper     float64
	Score     float64 // signed, in spreads
	Surprise  float64 // about −log10 p
	Labels    model.LabelSet
	Needed    bool // by the rule; the rest supports it
}

// RuledOut is a component that is not the cause, and the fact that says so.
type RuledOut struct {
	Component signal.Component
	Because   string
}

// Change is a change event: a deploy, a configuration change or a restart.
type Change struct {
	At        time.Time
	Kind      string // the name of the signal that saw it
	Component signal.Component
	What      string // "version 1.4.2 → 1.5.0"
	Labels    model.LabelSet
}
