package scenario

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"
	"golang.org/x/tools/txtar"
)

// archive is the sections of a file.
type archive struct {
	file     string
	sections map[string]*section
}

// section is the text of one, and how many lines of the file lie before it.
type section struct {
	text   string
	before int
}

var known = []string{timesSection, configSection, seriesSection, supportSection, factorsSection, samplesSection, changesSection, expectedSection}

// open splits a file into its sections.
func open(file string, text []byte) (*archive, error) {
	a := &archive{file, map[string]*section{}}
	parsed := txtar.Parse(text)
	before := strings.Count(string(parsed.Comment), "\n")
	for _, f := range parsed.Files {
		before++ // the line with the name
		switch {
		case !slices.Contains(known, f.Name):
			return nil, fmt.Errorf("%s:%d: section %q is not known: write one of %s", file, before, f.Name, strings.Join(known, ", "))
		case a.sections[f.Name] != nil:
			return nil, fmt.Errorf("%s:%d: section %s stands twice: write it once", file, before, f.Name)
		}
		a.sections[f.Name] = &section{string(f.Data), before}
		before += strings.Count(string(f.Data), "\n")
	}
	if len(a.sections) == 0 {
		return nil, fmt.Errorf("%s: no sections: write at least \"-- %s --\" and \"-- %s --\", each on a line of its own", file, seriesSection, expectedSection)
	}
	return a, nil
}

// padded returns the text of a section, each line with the number that it has in
// the file.
func (a *archive) padded(name string) []byte {
	s := a.sections[name]
	if s == nil {
		return nil
	}
	return []byte(strings.Repeat("\n", s.before) + s.text)
}

var (
	yamlLine     = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
)

// decode reads a YAML section into v. A section that is missing or blank holds
// what absent says.
func (a *archive) decode(name string, v any, absent string) error {
	text := a.padded(name)
	if strings.TrimSpace(string(text)) == "" {
		text = []byte(absent)
	}
	err := yaml.UnmarshalStrict(text, v)
	if err == nil {
		return nil
	}
	msg := err.Error()
	if t := (*yaml.TypeError)(nil); errors.As(err, &t) && len(t.Errors) > 0 {
		msg = t.Errors[0]
	}
	msg = unknownField.ReplaceAllString(msg, "field $1 is not known here: remove it, or correct its name or indentation")
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		return fmt.Errorf("%s:%s: %s: %s", a.file, m[1], name, msg[len(m[0]):])
	}
	return a.wrong(name, errors.New(msg))
}

// wrong returns an error of a section.
func (a *archive) wrong(name string, err error) error {
	return fmt.Errorf("%s: %s: %w", a.file, name, err)
}

// lines calls f with each line of a section that is neither blank nor a comment,
// and says in which line of the file an error lies.
func (a *archive) lines(name string, f func(n int, line string) error) error {
	s := a.sections[name]
	if s == nil {
		return nil
	}
	n := s.before
	for line := range strings.Lines(s.text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := f(n, line); err != nil {
			return a.at(n, name, err)
		}
	}
	return nil
}

// at returns an error in a line of the file.
func (a *archive) at(n int, name string, err error) error {
	return fmt.Errorf("%s:%d: %s: %w", a.file, n, name, err)
}

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
