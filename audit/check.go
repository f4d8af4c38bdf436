package audit

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"tidemark/detector"
	"tidemark/rules"
	"tidemark/signal"
)

// Check is one thing that may be wrong with a configuration.
type Check struct {
	ID       string         `yaml:"id"`                 // redis_noeviction
	Title    string         `yaml:"title"`              // what is wrong, in one line
	Severity rules.Severity `yaml:"severity,omitempty"` // warning or info, which is the default

	// Query returns the series of what is wrong, and nothing if all is well.
	Query string `yaml:"query"`

	// UnlessAnnounced drops findings for which a change of the component's
	// settings was announced within that time. 0 drops none.
	UnlessAnnounced model.Duration `yaml:"unless_announced,omitempty"`

	Evidence string `yaml:"evidence"` // template of what was found
	Why      string `yaml:"why"`      // it matters
	Remedy   string `yaml:"remedy"`

	Pack      string           `yaml:"-"` // the name of the pack, or the file
	Component signal.Component `yaml:"-"` // of the pack

	exists   string // a query that returns something if all metrics of Query exist
	evidence *template.Template
}

var idRE = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// complete fills defaults and checks the rest.
func (c *Check) complete() error {
	if !idRE.MatchString(c.ID) {
		return fmt.Errorf("id %q: write lower-case letters, digits and underscores, such as redis_noeviction", c.ID)
	}
	if c.Severity == "" {
		c.Severity = rules.Info
	}
	if c.Severity != rules.Info && c.Severity != rules.Warning {
		return fmt.Errorf("%s: severity %q: write info or warning, an audit never pages", c.ID, c.Severity)
	}
	for _, field := range []struct{ name, text string }{
		{"title", c.Title}, {"query", c.Query}, {"evidence", c.Evidence}, {"why", c.Why}, {"remedy", c.Remedy},
	} {
		if strings.TrimSpace(field.text) == "" {
			return fmt.Errorf("%s: %s is missing", c.ID, field.name)
		}
	}
	var err error
	if c.exists, err = existence(c.Query); err != nil {
		return fmt.Errorf("%s: query: %w", c.ID, err)
	}
	if c.evidence, err = template.New(c.ID).Option("missingkey=zero").Funcs(words).Parse(c.Evidence); err != nil {
		return fmt.Errorf("%s: evidence: %w", c.ID, err)
	}
	if _, err := c.describe(model.LabelSet{}, 1); err != nil {
		return fmt.Errorf("%s: evidence: %w", c.ID, err)
	}
	return nil
}

var queries = parser.NewParser(parser.Options{})

// existence returns a query that has a result if each metric of q exists,
// whatever its labels and values.
func existence(q string) (string, error) {
	expr, err := queries.ParseExpr(q)
	if err != nil {
		return "", err
	}
	if expr.Type() != parser.ValueTypeVector {
		return "", fmt.Errorf("it gives a %s: write an expression that gives an instant vector of what is wrong", expr.Type())
	}
	var parts []string
	for _, selector := range parser.ExtractSelectors(expr) {
		var names []string
		for _, m := range selector {
			if m.Name == model.MetricNameLabel {
				names = append(names, m.String())
			}
		}
		if names == nil {
			return "", errors.New("it has a selector without a metric name: name the metric, so that it can be told whether it exists")
		}
		part := "group({" + strings.Join(names, ",") + "})"
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	if parts == nil {
		return "", errors.New("it asks for no metric")
	}
	return strings.Join(parts, " and "), nil
}

// words are the functions of an evidence template.
var words = template.FuncMap{
	"percent": signal.Signal{Kind: detector.Ratio}.Format,
	"bytes":   signal.Signal{Unit: "bytes"}.Format,
	"number":  signal.Signal{Kind: detector.Gauge}.Format,
}

// describe says what was found in a series.
func (c *Check) describe(of model.LabelSet, value float64) (string, error) {
	data := struct {
		Labels map[string]string
		Value  float64
	}{map[string]string{}, value}
	for name, v := range of {
		data.Labels[string(name)] = string(v)
	}
	var b strings.Builder
	err := c.evidence.Execute(&b, data)
	return b.String(), err
}

// Alert returns the name of the check's alerts: RedisNoeviction.
func (c *Check) Alert() string {
	var b strings.Builder
	for word := range strings.SplitSeq(c.ID, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// announced reports whether one of the changes accounts for a finding of the
// check: a change of the component's settings, or of a configuration in general,
// that was announced lately enough and does not contradict the labels.
func (c *Check) announced(of model.LabelSet, ts time.Time, changes []rules.Change) bool {
	return slices.ContainsFunc(changes, func(ch rules.Change) bool {
		return (ch.Component == c.Component || ch.Kind == "config_changes") &&
			ts.Sub(ch.At) <= time.Duration(c.UnlessAnnounced) && agree(ch.Labels, of)
	})
}

// agree reports whether two label sets have the same value for every label that
// both have.
func agree(a, b model.LabelSet) bool {
	for name, value := range a {
		if other, ok := b[name]; ok && other != value {
			return false
		}
	}
	return true
}
