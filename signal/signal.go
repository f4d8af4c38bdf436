// Package signal holds what a user declares about one question to Prometheus: a
// named PromQL query with a meaning (kind, component, direction, scope).
//
// The standard signals (see Standard) bring their meaning with them, so that a
// configuration only has to say where their numbers come from. The package
// checks declarations; it does not run queries.
package signal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"tidemark/detector"
)

// Component is the part of a web stack that a signal tells about and that a
// verdict points at. The words are part of the alert and HTTP contracts.
type Component string

// The components.
const (
	Cache       Component = "cache"
	Database    Component = "database"
	Traffic     Component = "traffic"
	Deploy      Component = "deploy"
	Application Component = "application"
	Dependency  Component = "dependency"
	Unknown     Component = "unknown"
)

// Components lists all components in the order in which they are shown.
var Components = []Component{Cache, Database, Traffic, Deploy, Application, Dependency, Unknown}

// Change is the kind of a signal whose series are not judged but watched for
// changes: a new value (a start time, a configured limit) or a new label value
// (a version). It has no baseline.
const Change detector.Kind = "change"

// Edges is the kind of a signal whose series are calls from one service to
// another. It has no baseline either. It comes from the topology section.
const Edges detector.Kind = "edges"

// Signal is one entry of the signals section. After Complete, every field that
// has a default is set.
type Signal struct {
	Name      string             `yaml:"name"`
	Title     string             `yaml:"title,omitempty"` // how a person calls it; default: the name in words
	Unit      string             `yaml:"unit,omitempty"`  // shown behind values; default: by the kind
	Query     string             `yaml:"query"`
	Kind      detector.Kind      `yaml:"kind,omitempty"`
	Component Component          `yaml:"component,omitempty"`
	Direction detector.Direction `yaml:"direction,omitempty"`

	// Scope names the labels of the query's result that say whose signal it is.
	// A series joins the incidents whose scope agrees on these labels.
	// Default: the global scope.
	Scope []string `yaml:"scope,omitempty"`

	// Support is a query for the number of observations per second behind each
	// sample of a ratio or a quantile, with the same labels as Query. Default: what
	// Query is divided by or counts, if it tells; "none" is that it is not known.
	Support string `yaml:"support,omitempty"`

	// Given names the signal (the load) that this one is judged by; "none"
	// keeps a standard signal from being judged by its usual load.
	Given string `yaml:"given,omitempty"`

	MinEffect   *detector.MinEffect `yaml:"min_effect,omitempty"`
	Sensitivity float64             `yaml:"sensitivity,omitempty"`

	// FalseAlarmEvery is the period in which a healthy series may have about
	// one false alarm. Complete turns it into the sensitivity, and clears it.
	FalseAlarmEvery model.Duration `yaml:"false_alarm_every,omitempty"`

	// Step is the distance between samples, a multiple of the evaluation
	// interval, which is its default.
	Step model.Duration `yaml:"step,omitempty"`

	// Window is the time that the query's samples are averages over. Default: the
	// longest range in it, or the one in the name of a recording rule such as
	// service:requests:rate5m, or UsualWindow.
	Window model.Duration `yaml:"window,omitempty"`
}

// UsualWindow is what samples are taken to be averages over if the query does not
// tell.
const UsualWindow = 5 * time.Minute

// Judged reports whether the signal has a baseline, as opposed to a change
// signal, which is a source of change events, and to edges.
func (s Signal) Judged() bool { return s.Kind != Change && s.Kind != Edges }

// Options returns what the signal's detectors need to know. The signal must be
// complete.
func (s Signal) Options(loc *time.Location, relearnAfter time.Duration) detector.Options {
	return detector.Options{
		Kind:         s.Kind,
		Direction:    s.Direction,
		Step:         time.Duration(s.Step),
		Location:     loc,
		MinEffect:    *s.MinEffect,
		Conditioned:  s.Given != "",
		Sensitivity:  s.Sensitivity,
		RelearnAfter: relearnAfter,
	}
}

// NoGiven is the value of Given that switches a standard signal's load off.
const NoGiven = "none"

// ScopeOf returns the scope labels of a series of this signal.
func (s Signal) ScopeOf(labels model.LabelSet) model.LabelSet {
	scope := make(model.LabelSet, len(s.Scope))
	for _, name := range s.Scope {
		if v, ok := labels[model.LabelName(name)]; ok {
			scope[model.LabelName(name)] = v
		}
	}
	return scope
}

// Defaults fill the fields that an entry leaves out. A sensitivity of 0 leaves
// the choice to the budget, and to the detectors' default if that is 0, too.
type Defaults struct {
	Scope           []string
	Step            time.Duration
	Sensitivity     float64
	FalseAlarmEvery time.Duration
}

var nameRE = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Complete fills what the entry leaves out, from the standard signal of its
// name if there is one, then checks it. The error says what to write instead.
func (s *Signal) Complete(d Defaults) error {
	if !nameRE.MatchString(s.Name) {
		return fmt.Errorf("name %q: write lower-case letters, digits and underscores, such as cache_hit_ratio", s.Name)
	}
	err := s.checkBudget()
	s.fill(d)
	if err == nil {
		err = s.check(d)
	}
	if err != nil {
		return fmt.Errorf("signal %q: %w", s.Name, err)
	}
	return nil
}

func (s *Signal) fill(d Defaults) {
	std := Standard[s.Name]
	s.Title = first(s.Title, std.Title, strings.ReplaceAll(s.Name, "_", " "))
	s.Unit = first(s.Unit, std.Unit)
	s.Kind = first(s.Kind, std.Kind)
	s.Component = first(s.Component, std.Component)
	s.Direction = first(s.Direction, std.Direction, detector.Both)
	s.Step = first(s.Step, model.Duration(d.Step))
	s.Window = first(s.Window, model.Duration(windowOf(s.Query)), model.Duration(UsualWindow))
	s.fillSensitivity(d)
	if s.Scope == nil {
		s.Scope = d.Scope
	}
	switch {
	case s.Support == NoSupport:
		s.Support = ""
	case s.Support == "" && (s.Kind == detector.Ratio || s.Kind == detector.Latency):
		s.Support = supportOf(s.Query)
	}
	if s.MinEffect == nil {
		effect := kindEffects[s.Kind]
		if std.MinEffect != nil {
			effect = *std.MinEffect
		}
		s.MinEffect = &effect
	}
}

func (s *Signal) check(d Defaults) error {
	if err := CheckQuery(s.Query); err != nil {
		return err
	}
	if s.Kind == Edges {
		return fmt.Errorf("kind %q is not one of signals: write the query under topology.queries", s.Kind)
	}
	if s.Support != "" {
		if err := checkQuery("support", s.Support); err != nil {
			return err
		}
	}
	if !slices.Contains(Components, s.Component) {
		return fmt.Errorf("component %q is not known: write one of %s", s.Component, list(Components))
	}
	for _, l := range s.Scope {
		if !model.UTF8Validation.IsValidLabelName(l) {
			return fmt.Errorf("scope label %q is not a label name", l)
		}
	}
	if time.Duration(s.Step)%d.Step != 0 {
		return fmt.Errorf("step %s is not a multiple of the evaluation interval %s", s.Step, model.Duration(d.Step))
	}
	if !s.Judged() {
		if s.Given != "" || s.Support != "" {
			return fmt.Errorf("a signal of kind change has no baseline: remove given and support")
		}
		return nil
	}
	if s.Given == s.Name {
		return fmt.Errorf("given names the signal itself: name the load that it is judged by")
	}
	if err := s.Options(nil, 0).Validate(); err != nil {
		if strings.HasPrefix(err.Error(), "kind ") {
			return fmt.Errorf("kind %q is not known: write gauge, rate, latency, ratio or change", s.Kind)
		}
		return err
	}
	return nil
}

var queries = parser.NewParser(parser.Options{})

// CheckQuery reports what is wrong with the query of an entry.
func CheckQuery(q string) error {
	if q == "" {
		return fmt.Errorf("query is missing: write a PromQL expression")
	}
	return checkQuery("query", q)
}

func checkQuery(field, q string) error {
	expr, err := queries.ParseExpr(q)
	if err != nil {
		return fmt.Errorf("%s %q: %w", field, q, err)
	}
	switch expr.Type() {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
		return nil
	default:
		return fmt.Errorf("%s %q gives a %s: write an expression that gives an instant vector, such as rate(…[5m])", field, q, expr.Type())
	}
}

func first[T comparable](vs ...T) T {
	var zero T
	for _, v := range vs {
		if v != zero {
			return v
		}
	}
	return zero
}

func list[T ~string](vs []T) string {
	words := make([]string, len(vs))
	for i, v := range vs {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
