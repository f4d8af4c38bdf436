package rules

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"slices"

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
		if ps := s.add(name, text); ps != nil {
			return nil, ps
		}
	}
	for _, r := range s.rules {
		r.builtin = true
	}
	return s, nil
}

// Load reads rule files. A rule of the same name as one of base replaces it;
// within the files a name may stand once. If anything is wrong with what the files
// hold, the error is Problems, with all of it.
func Load(base *Set, files []string) (*Set, error) {
	s, found, err := load(base, files)
	if err != nil {
		return nil, err
	}
	return s, found.err()
}

// Check reads rule files as Load does, and checks what they ask of signals, see
// CheckSignals. The error is Problems, with all of both.
func Check(base *Set, files []string, configured []signal.Signal) (*Set, error) {
	s, found, err := load(base, files)
	if err != nil {
		return nil, err
	}
	found = append(found, s.signalProblems(configured)...)
	slices.SortStableFunc(found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)), cmp.Compare(a.Line, b.Line))
	})
	return s, found.err()
}

// load reads rule files. The set is of use even if something is wrong.
func load(base *Set, files []string) (*Set, Problems, error) {
	own := &Set{}
	var found Problems
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, fmt.Errorf("rule file: %w", err)
		}
		found = append(found, own.add(name, text)...)
	}
	s := &Set{}
	for _, r := range base.rules {
		if own.Rule(r.Name) == nil {
			s.rules = append(s.rules, r)
		}
	}
	s.rules = append(s.rules, own.rules...)
	return s, append(found, s.alike()...), nil
}

// add reads the rules of a file. Those that have a name of their own are added,
// even if something else is wrong with them, so that what is said of the names is
// said at once.
func (s *Set) add(name string, text []byte) Problems {
	read, found := parseFile(name, text)
	for _, r := range read {
		if r == nil {
			continue
		}
		found = append(found, r.check()...)
		if other := s.Rule(r.Name); other != nil && r.Name != "" {
			f := faults{rule: r}
			f.add(place{"name"}, "the name is taken by the rule in %s: names are unique, choose another one", other.where("name"))
			found = append(found, f.found...)
			continue
		}
		s.rules = append(s.rules, r)
	}
	return found
}

// alike reports rules of files whose alerts have the same labels as those of a rule
// before them: when the one resolves, so would the other.
func (s *Set) alike() Problems {
	var found Problems
	for i, r := range s.rules {
		j := slices.IndexFunc(s.rules[:i], func(o *Rule) bool {
			return o.Alert == r.Alert && o.Severity == r.Severity && o.Suspect == r.Suspect
		})
		if j < 0 || r.builtin {
			continue
		}
		f := faults{rule: r}
		f.add(place{"alert"}, "the alert %s with the same severity and suspect is that of the rule %s in %s: choose another name for the alert",
			r.Alert, s.rules[j].Name, s.rules[j].where("name"))
		found = append(found, f.found...)
	}
	return found
}

// where names the file and the line of a part of the rule.
func (r *Rule) where(steps ...any) string {
	return fmt.Sprintf("%s:%d", r.origin.file, r.origin.line(steps))
}
