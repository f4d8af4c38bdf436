package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/scenario"
	"tidemark/signal"
)

// exactBytes is how long the samples of a history may be, to be written down as
// they are. Longer ones are summed up: hours by their means, and chance by its
// size and how long it remembers.
const exactBytes = 1500

// text returns the scenario file.
func (t *told) text() string {
	r := observe(t.start.Add(time.Minute), t.minutes, t.window)
	var baseline, samples, support strings.Builder
	for n, name := range names {
		if name == "deploys" {
			t.tellVersions(&samples, r)
			continue
		}
		values, observations := make([]float64, len(t.minutes)), make([]float64, len(t.minutes))
		for i, s := range r.values[n] {
			values[i], observations[i] = s.value, s.support
		}
		id := name + `{service="shop"}`
		exact := scenario.Notation(rounded(values, digitsOf(name)))
		if past := scenario.Notation(rounded(values[:t.first], digitsOf(name))); len(past) <= exactBytes || signal.Standard[name].Kind == signal.Change {
			fmt.Fprintf(&samples, "-%s %s '%s'\n", model.Duration(t.ago()), id, exact)
		} else {
			var load []float64
			per := ""
			if name == "db_qps" {
				load, per = t.loads(r), ", per: request_rate"
			}
			fmt.Fprintf(&baseline, "  - {series: '%s'%s, %s}\n", id, per, summed(signal.Standard[name].Kind, values[:t.first], load, t.grainOf(name)))
			fmt.Fprintf(&samples, "%s '%s'\n", id, scenario.Notation(rounded(values[t.first:], digitsOf(name))))
		}
		if slices.ContainsFunc(observations, finite) {
			fmt.Fprintf(&support, "-%s %s '%s'\n", model.Duration(t.ago()), id, scenario.Notation(steps(observations)))
		}
	}
	if t.name == "flush" {
		fmt.Fprintf(&samples, "-%s cache_flushes{service=\"shop\"} '0x%d 1x%d'\n", model.Duration(t.ago()), t.onset-1, len(t.minutes)-t.onset-1)
	}

	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", t.about)
	if t.strength != "" {
		fmt.Fprintf(&b, "Strength: %s, from %s on, for %d minutes.\n", t.strength, t.moment(t.onset), storyFault)
	}
	fmt.Fprintf(&b, "\nMade by: go run ./bench/verdicts -write testdata/scenarios/model (seed %d)\n\n", t.seed)
	fmt.Fprintf(&b, "-- scenario.yml --\nstart: %s\nhistory: %s\nlength: %s\nwindow: %dm\nseed: %d\nbaseline:\n%s",
		r.at(t.first).Format(time.RFC3339), model.Duration(t.ago()), model.Duration(time.Duration(len(t.minutes)-t.first-1)*time.Minute), t.window, t.seed, baseline.String())
	if t.zone != "UTC" {
		fmt.Fprintf(&b, "-- config.yml --\nglobal: {time_zone: %s}\n", t.zone)
	}
	fmt.Fprintf(&b, "-- series --\n%s-- support --\n%s", samples.String(), support.String())
	b.WriteString("-- expect.yml --\n")
	b.WriteString(t.expectation())
	return b.String()
}

// ago returns how long before the start the history begins.
func (t *told) ago() time.Duration { return time.Duration(t.first) * time.Minute }

// moment returns the slot that shows a minute, as a distance from the start.
func (t *told) moment(i int) string {
	return model.Duration(time.Duration(i-t.first) * time.Minute).String()
}

func (t *told) expectation() string {
	if t.alert == nil {
		return "incidents: []\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "incidents:\n  - rule: %s\n", t.alert.rule)
	if t.alert.refinement != "" {
		fmt.Fprintf(&b, "    refinement: %s\n", t.alert.refinement)
	}
	fmt.Fprintf(&b, "    scope: {service: shop}\n    suspect: %s\n    severity: %s\n", t.fault().truth[0], t.alert.severity)
	fmt.Fprintf(&b, "    fires: %s\n    within: %s\n    resolved_by: %s\n", t.moment(t.onset),
		model.Duration(time.Duration(t.effect-t.onset+foundWithin+t.waits)*time.Minute), t.moment(t.onset+storyFault+overWithin))
	return b.String()
}

// tellVersions writes a line for each version that ran.
func (t *told) tellVersions(b *strings.Builder, r *record) {
	for _, s := range r.versions(0, len(t.minutes)) {
		fmt.Fprintf(b, "-%s deploys{service=\"shop\",version=%q} '%s'\n", model.Duration(t.ago()), string(s.Labels["version"]), scenario.Notation(s.Values))
	}
}

// loads returns the requests per second.
func (t *told) loads(r *record) []float64 {
	out := make([]float64, t.first)
	for i := range out {
		out[i] = r.values[slices.Index(names, "request_rate")][i].value
	}
	return out
}

// grainOf returns of how many minutes the means of a signal's history are. A batch
// job lasts for less than an hour, and begins at once.
func (t *told) grainOf(name string) int {
	if t.nightly && strings.HasPrefix(name, "db_") {
		return min(t.grain, 10)
	}
	return t.grain
}

// digitsOf returns how many digits of a signal's values are written. A share near
// 1 tells by what is missing.
func digitsOf(name string) int {
	switch signal.Standard[name].Kind {
	case signal.Change:
		return 17
	case detector.Ratio:
		return 4
	default:
		return 3
	}
}

func rounded(values []float64, digits int) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = round(v, digits)
	}
	return out
}

func round(v float64, digits int) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64) // it is a number, or NaN
	return v
}

// steps holds values as long as those that follow are within a fifth of them: how
// many observations there are counts by its magnitude.
func steps(values []float64) []float64 {
	out := make([]float64, len(values))
	held := math.NaN()
	for i, v := range values {
		if !(math.Abs(v-held) <= 0.2*held) {
			held = round(v, 2)
		}
		out[i] = held
	}
	return out
}

// summed returns what describes a history in a baseline: its means, the
// standard deviation of what chance adds to the logarithm (of a share, of the
// odds), and after how long chance has forgotten. Load is what it is per, or nil.
func summed(kind detector.Kind, values, load []float64, grain int) string {
	per := slices.Clone(values)
	for i := range load {
		per[i] /= load[i]
	}
	means := meansOf(per, grain)
	residuals := make([]float64, len(per))
	scale := math.Log
	if kind == detector.Ratio {
		scale = func(v float64) float64 { return math.Log(v / (1 - v)) }
	}
	for i, v := range per {
		residuals[i] = scale(v) - scale(meanAt(means, grain, i))
	}
	sd, keep := chance(residuals)
	out := fmt.Sprintf("means: '%s', noise: %s", scenario.Notation(rounded(means, 3)), strconv.FormatFloat(round(sd, 2), 'f', -1, 64))
	if grain != hour {
		out += fmt.Sprintf(", every: %dm", grain)
	}
	if minutes := -1 / math.Log(keep); keep > 0.05 && minutes >= 1 {
		out += fmt.Sprintf(", memory: %.0fm", minutes)
	}
	return out
}

// meansOf returns the means of each so many minutes.
func meansOf(values []float64, grain int) []float64 {
	var out []float64
	for part := range slices.Chunk(values, grain) {
		sum, n := 0.0, 0.0
		for _, v := range part {
			if finite(v) {
				sum, n = sum+v, n+1
			}
		}
		switch {
		case n > 0:
			out = append(out, sum/n)
		case len(out) > 0:
			out = append(out, out[len(out)-1])
		default:
			out = append(out, 0)
		}
	}
	return out
}

// meanAt returns the value at a minute on the straight lines between the middles
// of the means, as a scenario draws them.
func meanAt(means []float64, grain, minute int) float64 {
	x := math.Min(math.Max(float64(minute)/float64(grain)-0.5, 0), float64(len(means)-1))
	i := int(x)
	return means[i] + (x-float64(i))*(means[min(i+1, len(means)-1)]-means[i])
}

// chance returns the standard deviation of residuals, and the correlation of each
// with the next one. What is not finite is left out.
func chance(residuals []float64) (sd, keep float64) {
	n, sum, pairs, products := 0.0, 0.0, 0.0, 0.0
	for i, x := range residuals {
		if !finite(x) {
			continue
		}
		n, sum = n+1, sum+x*x
		if i > 0 && finite(residuals[i-1]) {
			pairs, products = pairs+1, products+x*residuals[i-1]
		}
	}
	if n == 0 || pairs == 0 || sum == 0 {
		return 0, 0
	}
	return math.Sqrt(sum / n), products / pairs / (sum / n)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
