package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/rules"
	"tidemark/signal"
)

// expectations is the section expect.yml.
type expectations struct {
	// Incidents are those that fire. Others must not, unless Others is set.
	Incidents []expected `yaml:"incidents"`
	Others    bool       `yaml:"others"`

	Silence []silence `yaml:"silence"`
}

// expected is an incident that fires.
type expected struct {
	Rule     string           `yaml:"rule"`
	Scope    model.LabelSet   `yaml:"scope"`    // some of its labels, or all
	Suspect  signal.Component `yaml:"suspect"`  // not checked if empty
	Severity rules.Severity   `yaml:"severity"` // not checked if empty

	// Refinement is what the verdict says in the end: a refinement of the rule, or
	// another rule; not checked if empty.
	Refinement string `yaml:"refinement"`

	// Fires is the first moment at which it may fire, Within how much later it
	// still may.
	Fires  moment         `yaml:"fires"`
	Within model.Duration `yaml:"within"`

	// SuppressedBy names the suppression that keeps it from paging; one that is
	// not expected is a problem.
	SuppressedBy string `yaml:"suppressed_by"`

	// Joined are the other scopes that it is about; nil is not checked.
	Joined []model.LabelSet `yaml:"joined"`

	// ResolvedBy is when it has to be over; nil is not checked.
	ResolvedBy *moment `yaml:"resolved_by"`
}

// silence is a time in which incidents do not fire: those of some rules, or any.
type silence struct {
	Rules []string       `yaml:"rules"` // all if empty
	Scope model.LabelSet `yaml:"scope"`
	From  *moment        `yaml:"from"` // the start if nil
	To    *moment        `yaml:"to"`   // the end if nil
}

const defaultWithin = model.Duration(5 * time.Minute)

// UnmarshalYAML implements yaml.Unmarshaler.
func (e *expected) UnmarshalYAML(unmarshal func(any) error) error {
	*e = expected{Within: defaultWithin}
	type plain expected
	return unmarshal((*plain)(e))
}

// check reports what no scenario could meet.
func (e *expectations) check(set *rules.Set) error {
	for i, in := range e.Incidents {
		if err := checkRule(set, in.Rule); err != nil {
			return fmt.Errorf("incidents[%d]: %w", i, err)
		}
		if in.Suspect != "" && !slices.Contains(signal.Components, in.Suspect) {
			return fmt.Errorf("incidents[%d]: suspect %q is not known: write cache, database, traffic, deploy, application, dependency or unknown", i, in.Suspect)
		}
		refine := set.Rule(in.Rule).Refine
		if in.Refinement != "" && set.Rule(in.Refinement) == nil && !slices.ContainsFunc(refine, func(r rules.Refinement) bool { return r.Name == in.Refinement }) {
			var names []string
			for _, r := range refine {
				names = append(names, r.Name)
			}
			return fmt.Errorf("incidents[%d]: refinement %q is none of the rule %s: write one of %s, or another rule", i, in.Refinement, in.Rule, strings.Join(names, ", "))
		}
	}
	for i, s := range e.Silence {
		for _, name := range s.Rules {
			if err := checkRule(set, name); err != nil {
				return fmt.Errorf("silence[%d]: %w", i, err)
			}
		}
	}
	return nil
}

func checkRule(set *rules.Set, name string) error {
	if set.Rule(name) != nil {
		return nil
	}
	var names []string
	for _, r := range set.Rules() {
		names = append(names, r.Name)
	}
	if name == "" {
		return fmt.Errorf("rule is missing: write one of %s", strings.Join(names, ", "))
	}
	return fmt.Errorf("rule %q is not known: write one of %s, or name its file under rule_files in the section %s", name, strings.Join(names, ", "), configSection)
}
