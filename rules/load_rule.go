package rules

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"tidemark/signal"
)

var nameRE = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// check fills defaults, and returns what is wrong with the rule as far as it can be
// told without the signals.
func (r *Rule) check() Problems {
	f := &faults{rule: r}
	r.complete(f)
	for _, list := range r.lists() {
		for i := range list.of {
			list.of[i].complete(f, list.at.to(i))
		}
	}
	r.setThresholds()
	for i := range r.Refine {
		r.Refine[i].complete(f, r, place{"refine", i})
	}
	if r.Summary != "" {
		var err error
		if r.summary, r.told, err = parseTemplate(r.Name, r.Summary); err != nil {
			f.add(place{"summary"}, "summary: %v", err)
		}
	}
	if f.found == nil { // else one fault would be told twice
		r.checkSense(f)
	}
	return f.found
}

// conditionList is a list of conditions and where it stands.
type conditionList struct {
	at place
	of []Condition
}

// lists returns the rule's own lists of conditions.
func (r *Rule) lists() []conditionList {
	return []conditionList{
		{place{"all"}, r.All}, {place{"any"}, r.Any}, {place{"none"}, r.None},
		{place{"support"}, r.Support}, {place{"at_once"}, r.AtOnce},
	}
}

// lists returns the lists of conditions of a refinement that stands there.
func (r *Refinement) lists(at place) []conditionList {
	return []conditionList{{at.to("all"), r.All}, {at.to("any"), r.Any}, {at.to("none"), r.None}}
}

// complete fills the defaults of what stands in the rule itself, and checks it.
func (r *Rule) complete(f *faults) {
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
	if !nameRE.MatchString(r.Name) {
		f.add(place{"name"}, "name %q: write lower-case letters, digits and underscores, such as cache_bypass", r.Name)
	}
	if !slices.Contains(signal.Components, r.Suspect) {
		f.add(place{"suspect"}, "suspect %q is not known: write cache, database, traffic, deploy, application, dependency or unknown", r.Suspect)
	}
	if r.Severity.Gravity() < 0 {
		f.add(place{"severity"}, "severity %q is not known: write critical, warning or info", r.Severity)
	}
	if len(r.All) == 0 && len(r.Any) == 0 {
		f.add(nil, "it has neither all nor any: write at least one condition that must be met")
	}
	if r.AnyMin < 0 || r.AnyMin > len(r.Any) {
		f.add(place{"any_min"}, "any_min %d is not between 1 and the %d conditions of any", r.AnyMin, len(r.Any))
	}
	if len(r.AtOnce) > 0 && r.For == 0 {
		f.add(place{"at_once"}, "at_once goes with for only: without it nothing waits")
	}
	if r.Settle < 0 || r.Settle > 100 {
		f.add(place{"settle"}, "settle %d is not between 1 and 100 cycles", r.Settle)
	}
	if r.Summary == "" {
		f.add(place{"summary"}, "summary is missing: write one line that names the cause")
	}
}

// complete fills the defaults of a refinement of a rule, and checks it.
func (r *Refinement) complete(f *faults, of *Rule, at place) {
	if !nameRE.MatchString(r.Name) {
		f.add(at.to("name"), "name %q: write lower-case letters, digits and underscores, such as eviction_storm", r.Name)
	}
	if len(r.All) == 0 && len(r.Any) == 0 {
		f.add(at, "it has neither all nor any: write at least one condition that tells it from the rest")
	}
	if r.Runbook == "" {
		r.Runbook = of.Runbook
	}
	for _, list := range r.lists(at) {
		for i := range list.of {
			list.of[i].complete(f, list.at.to(i))
			list.of[i].relief = weakRelief
		}
	}
	if r.Summary == "" {
		f.add(at.to("summary"), "summary is missing: write one line that says what happened")
		return
	}
	var err error
	if r.summary, r.told, err = parseTemplate(r.Name, r.Summary); err != nil {
		f.add(at.to("summary"), "summary: %v", err)
	}
}

// complete fills the defaults of a condition, and checks its form.
func (c *Condition) complete(f *faults, at place) {
	if len(c.Signals) == 0 {
		f.add(at, "signal is missing: name the signal that the condition is about")
		return
	}
	forms := 0
	for _, set := range []bool{c.Is != "", c.Below != nil, c.Above != nil} {
		if set {
			forms++
		}
	}
	switch {
	case forms == 1:
	case c.Is == "" && forms == 2:
		f.add(at, "%s: write one of below and above: two conditions, if both have to be met", c.Signals)
	default:
		f.add(at, "%s: write exactly one of is (up, down, absent, changed, recovering), below or above", c.Signals)
	}
	switch c.Is {
	case "", IsUp, IsDown, IsAbsent, IsChanged, IsRecovering:
	default:
		f.add(at.to("is"), "%s: is %q is not known: write up, down, absent, changed or recovering", c.Signals, c.Is)
		return
	}
	for _, limit := range []*float64{c.Below, c.Above} {
		if limit != nil && (math.IsNaN(*limit) || math.IsInf(*limit, 0)) {
			f.add(at, "%s: %g is nothing to compare with: write a finite number", c.Signals, *limit)
		}
	}
	if c.Within != 0 && c.Is != IsChanged && c.Is != IsRecovering && len(c.After)+len(c.WorseSince)+len(c.SteadySince) == 0 {
		f.add(at.to("within"), "%s: within goes with is: changed or recovering, after, steady_since and worse_since only", c.Signals)
	}
	if len(c.Outgrows)+len(c.Less)+len(c.Explains)+len(c.Per)+len(c.Material) > 0 && c.Is != IsUp {
		f.add(at, "%s: outgrows, less, explains, per and material go with is: up only", c.Signals)
	}
	if (c.Lasting != 0 || c.Steady != 0 || len(c.After)+len(c.WorseSince) > 0) && !c.deviation() {
		f.add(at, "%s: lasting, steady, after and worse_since go with is: up or down only", c.Signals)
	}
	if len(c.SteadySince) > 0 && c.Steady == 0 {
		f.add(at.to("steady_since"), "%s: steady_since goes with steady only", c.Signals)
	}
	if c.Within == 0 {
		c.Within = model.Duration(DefaultChangeWithin)
	}
	if c.Because != "" {
		var err error
		if c.reason, err = parseSentence(c.Because); err != nil {
			f.add(at.to("because"), "%s: because: %v", c.Signals, err)
		}
	}
}

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
