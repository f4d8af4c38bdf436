package backtest

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"tidemark/signal"
)

// Fault is what a person knows to have been wrong.
type Fault struct {
	Start, End time.Time
	Scope      model.LabelSet   // empty is every scope
	Component  signal.Component // whose fault it was; empty if that is not known
	Kind       string           // the rule that should name it, such as cache_bypass; may be empty
}

// faultForm is a fault as the file has it.
type faultForm struct {
	Start     string           `yaml:"start"`
	End       string           `yaml:"end"`
	Scope     model.LabelSet   `yaml:"scope"`
	Component signal.Component `yaml:"component"`
	Kind      string           `yaml:"kind"`
}

// LoadFaults reads a file that lists faults. Each error is one line that names
// the file, the line, and what to write instead.
func LoadFaults(file string) ([]Fault, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("truth file: %w", err)
	}
	var forms []faultForm
	if err := yaml.UnmarshalStrict(text, &forms); err != nil {
		return nil, locate(file, err)
	}
	if len(forms) == 0 {
		return nil, fmt.Errorf("%s: no faults: write a list of entries such as {start: 2026-03-04T10:00:00Z, end: 2026-03-04T10:42:00Z, scope: {service: shop}, component: cache}", file)
	}
	lines := entryLines(string(text))
	faults := make([]Fault, len(forms))
	for i, form := range forms {
		if faults[i], err = form.fault(); err == nil {
			continue
		}
		if len(lines) == len(forms) {
			return nil, fmt.Errorf("%s:%d: %w", file, lines[i], err)
		}
		return nil, fmt.Errorf("%s: entry %d: %w", file, i+1, err)
	}
	return faults, nil
}

func (f faultForm) fault() (Fault, error) {
	start, err := moment("start", f.Start)
	if err != nil {
		return Fault{}, err
	}
	end, err := moment("end", f.End)
	switch {
	case err != nil:
		return Fault{}, err
	case end.Before(start):
		return Fault{}, fmt.Errorf("end %s is before start %s: exchange them", f.End, f.Start)
	case f.Component != "" && !slices.Contains(signal.Components, f.Component):
		return Fault{}, fmt.Errorf("component %q is not known: write one of %v, or leave it out", f.Component, signal.Components)
	}
	return Fault{Start: start, End: end, Scope: f.Scope, Component: f.Component, Kind: f.Kind}, nil
}

func moment(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, fmt.Errorf("%s is missing: write a time such as 2026-03-04T10:00:00Z", field)
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %q is not a time: write one such as 2026-03-04T10:00:00Z", field, text)
	}
	return t, nil
}

var (
	yamlLine     = regexp.MustCompile(`^line (\d+): `)
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	wrongType    = regexp.MustCompile(`cannot unmarshal (.*) into .*`)
	listItem     = regexp.MustCompile(`^( *)- `)
)

// locate puts the file and the line in front of an error of the YAML decoder.
func locate(file string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var t *yaml.TypeError
	if errors.As(err, &t) && len(t.Errors) > 0 {
		text = t.Errors[0]
	}
	text = unknownField.ReplaceAllString(text, "field $1 is not known here: write start, end, scope, component or kind")
	text = wrongType.ReplaceAllString(text, "$1 does not belong here: write a list of entries with start, end, scope, component and kind")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s:%s: %s", file, m[1], strings.TrimPrefix(text, m[0]))
	}
	return fmt.Errorf("%s: %s", file, text)
}

// entryLines returns the lines on which the entries of a list in block style
// begin, counted from 1.
func entryLines(text string) []int {
	var lines []int
	n, indent := 0, ""
	for line := range strings.Lines(text) {
		n++
		m := listItem.FindStringSubmatch(line)
		switch {
		case m == nil:
		case lines == nil, m[1] == indent:
			indent = m[1]
			lines = append(lines, n)
		}
	}
	return lines
}
