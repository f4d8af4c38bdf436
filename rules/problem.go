package rules

import (
	"errors"
	"fmt"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
)

// Problem is what is wrong at one place of a rule file.
type Problem struct {
	File string
	Line int // counted from 1; 0 if it is not known
	Err  error
}

// Error says where it is, and what to write instead.
func (p Problem) Error() string {
	switch {
	case p.File == "":
		return p.Err.Error()
	case p.Line == 0:
		return fmt.Sprintf("%s: %v", p.File, p.Err)
	default:
		return fmt.Sprintf("%s:%d: %v", p.File, p.Line, p.Err)
	}
}

// Unwrap returns the error without its place.
func (p Problem) Unwrap() error { return p.Err }

// Problems are all that is wrong with rules, in the order of their files.
type Problems []Problem

// Error gives each problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// err returns the problems as an error, nil if there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// place is what leads from a rule to a part of it: keys and indices, such as
// refine, 0, all, 1, after.
type place []any

// to returns the place of a part.
func (p place) to(steps ...any) place { return append(p[:len(p):len(p)], steps...) }

// String names the entry in which the place is: "refine[0]: all[1]". A key behind
// the last index is left out, since what is wrong there says so itself.
func (p place) String() string {
	var b strings.Builder
	key := ""
	for _, step := range p {
		switch step := step.(type) {
		case string:
			key = step
		case int:
			if b.Len() > 0 {
				b.WriteString(": ")
			}
			fmt.Fprintf(&b, "%s[%d]", key, step)
		}
	}
	return b.String()
}

// name names an entry of the list that stands there: "none[0]".
func (p place) name(i int) string { return p.to(i).String() }

// origin is where a rule was read from. The zero value is a rule of no file.
type origin struct {
	file string
	node *yamlnode.Node
}

// line returns the line of a part of the rule, or of the nearest thing around it
// that is written down.
func (o origin) line(at place) int {
	n := o.node
	if n == nil {
		return 0
	}
	line := n.Line
	for _, step := range at {
		key, value := child(n, step)
		if value == nil {
			break
		}
		n, line = value, key.Line
	}
	return line
}

// child returns the value under a key or an index, and what the place of it is
// named by: the key, or the entry itself. Both are nil if there is none, such as
// what a merge key brings.
func child(n *yamlnode.Node, step any) (key, value *yamlnode.Node) {
	if n != nil && n.Kind == yamlnode.AliasNode {
		n = n.Alias
	}
	if n == nil {
		return nil, nil
	}
	switch step := step.(type) {
	case string:
		if n.Kind != yamlnode.MappingNode {
			return nil, nil
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yamlnode.SequenceNode && step < len(n.Content) {
			return n.Content[step], n.Content[step]
		}
	}
	return nil, nil
}

// faults collects what is wrong with a rule.
type faults struct {
	rule  *Rule
	found Problems
}

// add notes that something is wrong at a place of the rule.
func (f *faults) add(at place, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if entry := at.String(); entry != "" {
		msg = entry + ": " + msg
	}
	if f.rule.Name != "" {
		msg = "rule " + f.rule.Name + ": " + msg
	}
	f.found = append(f.found, Problem{f.rule.origin.file, f.rule.origin.line(at), errors.New(msg)})
}
