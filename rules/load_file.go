package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"
	yamlnode "go.yaml.in/yaml/v3"
)

// file is the form of a rule file.
type file struct {
	Rules []*Rule `yaml:"rules"`
}

// parseFile decodes a file and notes where each of its rules stands. The rules are
// not yet checked, and nil if the form of the file is wrong.
func parseFile(name string, text []byte) ([]*Rule, Problems) {
	var f file
	err := yaml.UnmarshalStrict(text, &f)
	nodes := yamlnode.NewDecoder(bytes.NewReader(text))
	var root, more yamlnode.Node
	if bad := nodes.Decode(&root); bad != nil && !errors.Is(bad, io.EOF) {
		return nil, Problems{syntaxProblem(name, cmp.Or(err, bad))}
	}
	found := durationProblems(name, &root)
	var t *yaml.TypeError
	switch {
	case errors.As(err, &t):
		for _, msg := range t.Errors {
			found = append(found, typeProblem(name, msg))
		}
	case err != nil && len(found) == 0:
		found = append(found, syntaxProblem(name, err))
	case err == nil && len(f.Rules) == 0:
		found = append(found, Problem{name, 1, errors.New("no rules: write a list under rules")})
	}
	if nodes.Decode(&more) == nil {
		found = append(found, Problem{name, more.Line, errors.New("a second document: write all rules of the file in one list under rules")})
	}
	if len(found) > 0 {
		slices.SortStableFunc(found, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		return nil, found
	}
	_, list := child(root.Content[0], "rules")
	for i, r := range f.Rules {
		_, node := child(list, i)
		if r == nil {
			found = append(found, Problem{name, origin{name, node}.line(nil), fmt.Errorf("rules[%d] is empty: write a rule, or remove it", i)})
			continue
		}
		r.origin = origin{name, node}
	}
	return f.Rules, found
}

// durationProblems reports durations that are none: the decoder stops at the first
// one, and does not say where it is. A change within no time is none, too.
func durationProblems(name string, n *yamlnode.Node) Problems {
	var found Problems
	for i, c := range n.Content {
		if n.Kind == yamlnode.MappingNode && i%2 == 1 && c.Kind == yamlnode.ScalarNode {
			key := n.Content[i-1].Value
			switch key {
			case "for", "keep_firing_for", "within", "lasting", "steady":
				d, err := model.ParseDuration(c.Value)
				if err != nil {
					found = append(found, Problem{name, c.Line, fmt.Errorf("%s %q is not a duration: write one such as 90s, 15m or 2h", key, c.Value)})
				} else if d == 0 && key == "within" {
					found = append(found, Problem{name, c.Line, errors.New("nothing lies within 0s: write how long before, such as 15m, or remove it")})
				}
			}
		}
		found = append(found, durationProblems(name, c)...)
	}
	return found
}

var (
	yamlLine     = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)
	unknownField = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
	doubleField  = regexp.MustCompile(`^field (\S+) already set in type \S+$`)
	wrongType    = regexp.MustCompile("^cannot unmarshal !!(\\S+)(?: `(.*)`)? into (\\S+)$")
)

// syntaxProblem is a file that is no YAML.
func syntaxProblem(name string, err error) Problem {
	line, msg := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = err.Error()[len(m[0]):]
		if strings.HasPrefix(msg, "did not find expected") {
			line++ // this one the library counts from 0
		}
	}
	return Problem{name, line, fmt.Errorf("this is not YAML: %s: look at the indentation, the quotes and the brackets", msg)}
}

// typeProblem is a field that is not known, or that holds something else than it
// should.
func typeProblem(name, msg string) Problem {
	p := Problem{File: name}
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	if m := unknownField.FindStringSubmatch(msg); m != nil {
		msg = fmt.Sprintf("field %s is not known here: remove it, or correct its name or indentation", m[1])
	} else if m := doubleField.FindStringSubmatch(msg); m != nil {
		msg = fmt.Sprintf("field %s stands twice: write it once", m[1])
	} else if m := wrongType.FindStringSubmatch(msg); m != nil {
		msg = fmt.Sprintf("%s stands where %s belongs", wordFor(m[1], m[2]), wordForType(m[3]))
	}
	p.Err = errors.New(msg)
	return p
}

// wordFor says what stands in a file.
func wordFor(tag, value string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "a mapping"
	default:
		return strconv.Quote(value)
	}
}

// wordForType says what a file should hold.
func wordForType(goType string) string {
	switch goType {
	case "int":
		return "a whole number"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	case "rules.file":
		return "a list of rules under rules"
	case "[]*rules.Rule":
		return "a list of rules"
	case "rules.Rule":
		return "a rule such as {name: cache_bypass, suspect: cache, …}"
	case "[]rules.Condition":
		return "a list of conditions"
	case "rules.Condition":
		return "a condition such as {signal: cache_hit_ratio, is: down}"
	case "[]rules.Refinement", "rules.Refinement":
		return "a list of refinements, with name, all and summary"
	case "signal.Names", "[]string":
		return "the name of a signal, or a list of names"
	default:
		return "one word or text"
	}
}
