package suppression

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Matchers select scopes. In YAML they are a map of labels, {service: shop}, or a
// selector in the syntax of PromQL, '{service=~"shop|blog"}'. A label that the
// scope does not have is empty.
type Matchers []*labels.Matcher

var selectors = parser.NewParser(parser.Options{})

// UnmarshalYAML implements yaml.Unmarshaler.
func (m *Matchers) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if unmarshal(&text) == nil {
		parsed, err := selectors.ParseMetricSelector(text)
		if err != nil {
			return fmt.Errorf(`scope %q is not a selector: %w: write one such as '{service=~"shop|blog"}', or labels such as {service: shop}`, text, err)
		}
		for _, one := range parsed {
			if one.Name == model.MetricNameLabel {
				return fmt.Errorf(`scope %q names the metric %q, which no scope has: write labels only, such as '{service=~"shop|blog"}'`, text, one.Value)
			}
		}
		*m = parsed
		return nil
	}
	var exact model.LabelSet
	if err := unmarshal(&exact); err != nil {
		return err
	}
	*m = exactly(exact)
	return nil
}

// exactly returns matchers for the labels, sorted by name.
func exactly(ls model.LabelSet) Matchers {
	var m Matchers
	for name, value := range ls {
		m = append(m, labels.MustNewMatcher(labels.MatchEqual, string(name), string(value)))
	}
	slices.SortFunc(m, func(a, b *labels.Matcher) int { return strings.Compare(a.Name, b.Name) })
	return m
}

// MarshalYAML implements yaml.Marshaler. It writes a map if that says the same.
func (m Matchers) MarshalYAML() (any, error) {
	exact := model.LabelSet{}
	for _, one := range m {
		if _, twice := exact[model.LabelName(one.Name)]; one.Type != labels.MatchEqual || twice {
			return m.String(), nil
		}
		exact[model.LabelName(one.Name)] = model.LabelValue(one.Value)
	}
	return exact, nil
}

// String writes the selector.
func (m Matchers) String() string {
	parts := make([]string, len(m))
	for i, one := range m {
		parts[i] = one.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (m Matchers) match(scope model.LabelSet) bool {
	return !slices.ContainsFunc(m, func(one *labels.Matcher) bool {
		return !one.Matches(string(scope[model.LabelName(one.Name)]))
	})
}
