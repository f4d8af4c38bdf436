package scenario

import (
	"fmt"
	"strings"
	"time"
)

// inputs are the samples as the sections give them, before the signals are known.
type inputs struct {
	archive *archive
	times   *times
	series  []written
	support []written
	factors []written
	samples []sample
	changes []change
}

// written is a line in the notation of promtool.
type written struct {
	identity
	n      int       // the line in the file
	at     time.Time // of the first value
	values []float64
}

// change is a line of the section changes: the series that a signal shows for
// its scope from then on.
type change struct {
	identity
	n     int
	first bool // from the beginning of the history on
	at    time.Time
	value float64
}

// inputs reads the sections with samples.
func (a *archive) inputs(t *times) (*inputs, error) {
	in := &inputs{archive: a, times: t}
	for _, s := range []struct {
		name string
		to   *[]written
	}{{seriesSection, &in.series}, {supportSection, &in.support}, {factorsSection, &in.factors}} {
		err := a.lines(s.name, func(n int, text string) error {
			w, err := parseLine(text, t.Start)
			w.n = n
			*s.to = append(*s.to, w)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if err := a.lines(changesSection, in.change); err != nil {
		return nil, err
	}
	return in, in.readSamples()
}

// parseLine reads `[MOMENT] SERIES VALUES`. Without a moment it is the start.
func parseLine(text string, start time.Time) (written, error) {
	w := written{at: start}
	if text[0] == '-' || text[0] >= '0' && text[0] <= '9' {
		var when string
		when, text, _ = strings.Cut(text, " ")
		m, err := parseMoment(when)
		if err != nil {
			return w, err
		}
		w.at = m.in(start)
	}
	var err error
	w.identity, w.values, err = parseSeries(strings.TrimSpace(text))
	if err == nil && len(w.values) == 0 {
		err = fmt.Errorf("series %s has no values: write some, such as '1x10 0.5x30'", w.identity)
	}
	return w, err
}

// change reads `MOMENT SERIES [VALUE]`.
func (in *inputs) change(n int, text string) error {
	when, rest, _ := strings.Cut(text, " ")
	c := change{n: n, first: when == "before", at: in.times.Start.Add(-time.Duration(in.times.History))}
	if !c.first {
		m, err := parseMoment(when)
		if err != nil {
			return fmt.Errorf("%w; or before, for what held until the first change", err)
		}
		c.at = m.in(in.times.Start)
	}
	id, values, err := parseSeries(strings.TrimSpace(rest))
	switch {
	case err != nil:
		return err
	case len(values) > 1:
		return fmt.Errorf("series %s has %d values: write one, or none for the time of the change", id, len(values))
	case len(values) == 1:
		c.value = values[0]
	default:
		c.value = float64(c.at.Unix())
	}
	c.identity = id
	in.changes = append(in.changes, c)
	return nil
}

// names returns the signals that there are samples of, in the order in which they
// first stand in the file.
func (in *inputs) names() []string {
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, b := range in.times.Baseline {
		add(b.id.signal)
	}
	for _, w := range in.series {
		add(w.signal)
	}
	for _, s := range in.samples {
		add(s.signal)
	}
	for _, c := range in.changes {
		add(c.signal)
	}
	return out
}
