package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/series"
)

// checked is an answer that passed all checks: series over a grid, sorted by
// key, which is their labels in a form that can be compared.
type checked struct {
	series  []series.Series
	keys    []string
	samples int // finite values; all other slots are gaps
}

// check turns an answer to a query over the slots of asked into series over g.
// Each slot of asked is one of g. It takes over the answer's label maps.
func check(m model.Matrix, asked, g series.Grid, maxSeries int, scope []string) (checked, error) {
	if len(m) > maxSeries {
		return checked{}, &queryError{tooManySeries, fmt.Sprintf(
			"the answer has more than %d series: %s, or raise max_series_per_signal", maxSeries, aggregate(scope))}
	}
	streams := make([]stream, len(m))
	for i, s := range m {
		if s == nil {
			return checked{}, &queryError{badResponse, "the answer has a series that is null"}
		}
		if len(s.Histograms) > 0 {
			return checked{}, &queryError{histograms, fmt.Sprintf(
				"%s is a native histogram: write an expression that gives numbers, such as histogram_quantile(0.99, …)", show(s.Metric))}
		}
		streams[i] = newStream(s)
	}
	slices.SortFunc(streams, func(a, b stream) int { return strings.Compare(a.key, b.key) })

	values := series.Gaps(len(m) * g.N)
	c := checked{series: make([]series.Series, len(m)), keys: make([]string, len(m))}
	for i, s := range streams {
		if i > 0 && s.key == streams[i-1].key {
			return checked{}, &queryError{duplicateSeries, fmt.Sprintf(
				"two series have the labels %s (the metric name does not count): %s", show(s.labels), aggregate(scope))}
		}
		row := values[i*g.N : (i+1)*g.N : (i+1)*g.N]
		n, err := place(row, s.values, asked, g)
		if err != nil {
			return checked{}, &queryError{badSamples, fmt.Sprintf("series %s: %v", show(s.labels), err)}
		}
		c.series[i] = series.Series{Labels: s.labels, Values: row}
		c.keys[i] = s.key
		c.samples += n
	}
	return c, nil
}

// stream is one series of an answer, its labels cleaned.
type stream struct {
	key    string
	labels model.LabelSet
	values []model.SamplePair
}

// newStream drops the metric name, and labels with an empty value, which are the
// same as no label.
func newStream(s *model.SampleStream) stream {
	labels := model.LabelSet(s.Metric)
	if labels == nil {
		labels = model.LabelSet{}
	}
	delete(labels, model.MetricNameLabel)
	for name, value := range labels {
		if value == "" {
			delete(labels, name)
		}
	}
	return stream{key: keyOf(labels), labels: labels, values: s.Values}
}

// keyOf returns labels in a form that can be compared.
func keyOf(labels model.LabelSet) string {
	var key []byte
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		value := labels[name]
		// A length before each text keeps two different sets apart whatever
		// their texts hold.
		key = append(fmt.Appendf(key, "%d ", len(name)), name...)
		key = append(fmt.Appendf(key, "%d ", len(value)), value...)
	}
	return string(key)
}

// place puts samples into the slots of row, which lies over g, and returns how
// many are finite. NaN and infinities leave a gap.
func place(row []float64, samples []model.SamplePair, asked, g series.Grid) (int, error) {
	offset, stride := int(asked.Start.Sub(g.Start)/g.Step), int(asked.Step/g.Step)
	start, step := model.TimeFromUnixNano(asked.Start.UnixNano()), model.Time(asked.Step/time.Millisecond)
	last, n := -1, 0
	for _, p := range samples {
		slot := (p.Timestamp - start) / step
		if p.Timestamp < start || int(slot) >= asked.N || start+slot*step != p.Timestamp {
			return 0, fmt.Errorf("timestamp %s was not asked for", p.Timestamp)
		}
		if int(slot) <= last {
			return 0, fmt.Errorf("timestamp %s is out of order or there twice", p.Timestamp)
		}
		last = int(slot)
		if v := float64(p.Value); series.Finite(v) {
			row[offset+last*stride] = v
			n++
		}
	}
	return n, nil
}

// support gives each series of c the values of the support series with the same
// labels; slots of a series that has none are NaN.
func (c checked) support(s checked) {
	j := 0
	for i, key := range c.keys {
		for j < len(s.keys) && s.keys[j] < key {
			j++
		}
		if j < len(s.keys) && s.keys[j] == key {
			c.series[i].Support = s.series[j].Values
		} else {
			c.series[i].Support = series.Gaps(len(c.series[i].Values))
		}
		for k, v := range c.series[i].Support {
			if v < 0 { // fewer than no observations: not known
				c.series[i].Support[k] = math.NaN()
			}
		}
	}
}

// aggregate says what to write so that a query gives fewer series.
func aggregate(scope []string) string {
	return fmt.Sprintf("aggregate the query, such as sum by (%s) (…)", cmp.Or(strings.Join(scope, ", "), "service"))
}

func show(labels fmt.Stringer) string { return cut(labels.String()) }
