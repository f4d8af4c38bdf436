package rules

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"go.yaml.in/yaml/v2"

	"tidemark/signal"
)

// Set is the rules that are weighed against each other.
type Set struct {
	rules []*Rule
}

// Rules returns the rules in the order of their files. The caller must not
// change them.
func (s *Set) Rules() []*Rule { return s.rules }

// Rule returns the rule of that name, or nil.
func (s *Set) Rule(name string) *Rule {
	for _, r := range s.rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}

//go:embed builtin/*.yml
var builtin embed.FS

// Builtin returns the failure modes that tidemark knows by itself.
func Builtin() (*Set, error) {
	names, err := fs.Glob(builtin, "builtin/*.yml")
	if err != nil {
		return nil, err
	}
	s := &Set{}
	for _, name := range names {
		text, err := builtin.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := s.add(name, text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Load reads rule files. A rule of the same name as one of base replaces it;
// within the files a name may stand once.
func Load(base *Set, files []string) (*Set, error) {
	own := &Set{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("rule file: %w", err)
		}
		if err := own.add(name, text); err != nil {
			return nil, err
		}
	}
	s := &Set{}
	for _, r := range base.rules {
		if own.Rule(r.Name) == nil {
			s.rules = append(s.rules, r)
		}
	}
	s.rules = append(s.rules, own.rules...)
	return s, nil
}

// file is the form of a rule file.
type file struct {
	Rules []*Rule `yaml:"rules"`
}

func (s *Set) add(name string, text []byte) error {
	var f file
	if err := yaml.UnmarshalStrict(text, &f); err != nil {
		return fmt.Errorf("%s: %w", name, plain(err))
	}
	if len(f.Rules) == 0 {
		return fmt.Errorf("%s: no rules: write a list under rules", name)
	}
	for i, r := range f.Rules {
		if r == nil {
			return fmt.Errorf("%s: rule %d is empty", name, i+1)
		}
		r.file = name
		if err := r.complete(); err != nil {
			return fmt.Errorf("%s: rule %d (%s): %w", name, i+1, r.Name, err)
		}
		if other := s.Rule(r.Name); other != nil {
			return fmt.Errorf("%s: rule %d: the name %q is taken in %s: names are unique", name, i+1, r.Name, other.file)
		}
		s.rules = append(s.rules, r)
	}
	return nil
}

// plain makes one line of what the YAML library says in several.
func plain(err error) error {
	var t *yaml.TypeError
	if errors.As(err, &t) && len(t.Errors) > 0 {
		return errors.New(t.Errors[0])
	}
	return err
}

// CheckSignals reports the first condition of a rule read from a file that
// names a signal which is neither configured nor standard. Rules of the
// built-in pack may name signals that a user does not have.
func (s *Set) CheckSignals(configured []signal.Signal) error {
	for _, r := range s.rules {
		for _, c := range r.Conditions() {
			for _, name := range slices.Concat(c.Signals, c.Outgrows, c.Per, c.After) {
				known := slices.ContainsFunc(configured, func(sig signal.Signal) bool { return sig.Name == name })
				if _, std := signal.Standard[name]; !known && !std {
					return fmt.Errorf("%s: rule %q names the unknown signal %q: declare it under signals, or correct the name", r.file, r.Name, name)
				}
			}
		}
	}
	return nil
}
