package scenario

import (
	"fmt"
	"math"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
)

// identity is what a series is called: the signal and the labels.
type identity struct {
	signal string
	labels model.LabelSet
}

func (i identity) String() string { return i.signal + i.labels.String() }

var notation = parser.NewParser(parser.Options{})

// parseSeries reads a series in the notation of promtool, `name{labels} values`,
// whose values may stand in single quotes. Gaps and stale markers are NaN.
func parseSeries(text string) (identity, []float64, error) {
	ls, sequence, err := notation.ParseSeriesDesc(unquoted(text))
	if err != nil {
		return identity{}, nil, fmt.Errorf("series %q: %w", abridged(text), err)
	}
	id := identity{signal: ls.Get(model.MetricNameLabel), labels: model.LabelSet{}}
	if id.signal == "" {
		return identity{}, nil, fmt.Errorf("series %q has no name: write that of a signal, such as request_rate{service=\"shop\"}", abridged(text))
	}
	ls.Range(func(l labels.Label) {
		if l.Name != model.MetricNameLabel {
			id.labels[model.LabelName(l.Name)] = model.LabelValue(l.Value)
		}
	})
	values := make([]float64, len(sequence))
	for i, v := range sequence {
		switch {
		case v.Histogram != nil:
			return identity{}, nil, fmt.Errorf("series %s holds histograms: write numbers", id)
		case v.Omitted || value.IsStaleNaN(v.Value):
			values[i] = math.NaN()
		default:
			values[i] = v.Value
		}
	}
	return id, values, nil
}

// unquoted returns a line without the quotes around its values.
func unquoted(line string) string {
	body, ok := strings.CutSuffix(line, "'")
	if i := strings.LastIndexByte(body, '\''); ok && i >= 0 {
		return body[:i] + body[i+1:]
	}
	return line
}

// abridged returns the beginning of a long line.
func abridged(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
