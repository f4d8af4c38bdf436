package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/config"
	"tidemark/series"
	"tidemark/signal"
)

// data is all samples of a scenario, over the grid of history and judged slots.
type data struct {
	grid    series.Grid
	first   int // the slot of the start
	names   []string
	signals map[string]*signal.Signal
	lines   map[string]map[string]*line // by signal and labels
}

// line is one series.
type line struct {
	labels          model.LabelSet
	values, support []float64 // support is nil if it is not known
}

func newLine(labels model.LabelSet, n int) *line {
	return &line{labels: labels, values: series.Gaps(n)}
}

// supported returns the support, all unknown if it was not known at all.
func (l *line) supported() []float64 {
	if l.support == nil {
		l.support = series.Gaps(len(l.values))
	}
	return l.support
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// line returns the series with this identity, new if need be.
func (d *data) line(id identity) *line {
	key := id.labels.String()
	l := d.lines[id.signal][key]
	if l == nil {
		l = newLine(id.labels, d.grid.N)
		d.lines[id.signal][key] = l
	}
	return l
}

func (d *data) known() string { return strings.Join(d.names, ", ") }

// fill lays the samples of all sections over each other: the baselines moved by
// factors, then series, support, samples.csv and changes.
func (in *inputs) fill(c *config.Config, t *times) (*data, error) {
	d := &data{signals: map[string]*signal.Signal{}, lines: map[string]map[string]*line{}}
	var err error
	if d.grid, err = t.grid(time.Duration(c.Global.EvaluationInterval)); err != nil {
		return nil, in.archive.wrong(timesSection, err)
	}
	d.first = int(time.Duration(t.History) / d.grid.Step)
	for i := range c.Signals {
		s := &c.Signals[i]
		d.names = append(d.names, s.Name)
		d.signals[s.Name] = s
		d.lines[s.Name] = map[string]*line{}
	}
	for _, layer := range []func(*data) error{in.layBaselines(c.Global.Location()), in.laySeries, in.laySupport, in.laySamples, in.layChanges} {
		if err := layer(d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// declared reports a signal that is neither declared nor a standard one.
func (d *data) declared(name string) error {
	if d.signals[name] == nil {
		return fmt.Errorf("there is no signal %q: declare it under signals in the section %s, or write a standard one", name, configSection)
	}
	return nil
}

// layBaselines draws the series of the baselines, loads before what is per them.
func (in *inputs) layBaselines(loc *time.Location) func(*data) error {
	return func(d *data) error {
		factors := map[string][]float64{}
		for _, f := range in.factors {
			if !slices.ContainsFunc(in.times.Baseline, func(b baseline) bool { return b.id.String() == f.String() }) {
				return in.archive.at(f.n, factorsSection, fmt.Errorf("there is no baseline of %s: write one in the section %s, or values in the section %s", f.identity, timesSection, seriesSection))
			}
			from, err := d.place(f)
			if err != nil {
				return in.archive.at(f.n, factorsSection, err)
			}
			all := factors[f.String()]
			if all == nil {
				all = ones(d.grid.N)
				factors[f.String()] = all
			}
			copy(all[from:], f.values)
		}
		for _, loads := range []bool{true, false} {
			for i := range in.times.Baseline {
				b := &in.times.Baseline[i]
				if (b.Per == "") != loads {
					continue
				}
				if err := in.layBaseline(d, b, loc, factors[b.id.String()]); err != nil {
					return in.archive.wrong(timesSection, fmt.Errorf("baseline %s: %w", b.id, err))
				}
			}
		}
		return nil
	}
}

func (in *inputs) layBaseline(d *data, b *baseline, loc *time.Location, factors []float64) error {
	if err := d.declared(b.id.signal); err != nil {
		return err
	}
	if d.lines[b.id.signal][b.id.labels.String()] != nil {
		return fmt.Errorf("it stands twice: write it once")
	}
	load := func(int) float64 { return 1 }
	if b.Per != "" {
		of, err := d.load(b)
		if err != nil {
			return err
		}
		load = func(i int) float64 { return of.values[i] }
	}
	factor := func(i int) float64 { return 1 }
	if factors != nil {
		factor = func(i int) float64 { return factors[i] }
	}
	d.lines[b.id.signal][b.id.labels.String()] = b.draw(d.grid, d.signals[b.id.signal].Kind, loc, in.times.Seed, factor, load)
	return nil
}

// load returns the one series that a baseline is per.
func (d *data) load(b *baseline) (*line, error) {
	var found *line
	for _, key := range sortedKeys(d.lines[b.Per]) {
		l := d.lines[b.Per][key]
		if !agree(l.labels, b.id.labels) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("per %s: several of its series have the same labels as this one: write one that is the only one", b.Per)
		}
		found = l
	}
	if found == nil {
		return nil, fmt.Errorf("per %s: it has no baseline with the same labels that is per nothing itself: write one", b.Per)
	}
	return found, nil
}

// agree reports whether two label sets have the same value for every label that
// both have.
func agree(a, b model.LabelSet) bool {
	for k, v := range a {
		if w, ok := b[k]; ok && w != v {
			return false
		}
	}
	return true
}

// laySeries puts the series of the section series in place of what is there, as
// far as they go.
func (in *inputs) laySeries(d *data) error {
	return in.layLines(d, seriesSection, in.series, func(l *line) []float64 { return l.values })
}

// laySupport does the same with the observations behind the samples.
func (in *inputs) laySupport(d *data) error {
	return in.layLines(d, supportSection, in.support, func(l *line) []float64 { return l.supported() })
}

func (in *inputs) layLines(d *data, section string, all []written, to func(*line) []float64) error {
	for _, w := range all {
		err := d.declared(w.signal)
		from := 0
		if err == nil {
			from, err = d.place(w)
		}
		if err != nil {
			return in.archive.at(w.n, section, err)
		}
		copy(to(d.line(w.identity))[from:], w.values)
	}
	return nil
}

// place returns the slot of the first value of a line, whose values must fit.
func (d *data) place(w written) (int, error) {
	from, slot := d.grid.Index(w.at)
	if !slot {
		return 0, d.noSlot(w.at)
	}
	if room := d.grid.N - from; len(w.values) > room {
		return 0, fmt.Errorf("series %s has %d values for the %d slots up to the end, %s: remove some, or write a longer length", w.identity, len(w.values), room, show(d.grid.End()))
	}
	return from, nil
}

func (d *data) noSlot(t time.Time) error {
	return fmt.Errorf("time %s is none of the slots from %s to %s, %s apart: correct it, or start, history and length", show(t), show(d.grid.Start), show(d.grid.End()), model.Duration(d.grid.Step))
}

func (in *inputs) laySamples(d *data) error {
	for _, s := range in.samples {
		err := d.declared(s.signal)
		i, slot := d.grid.Index(s.at)
		if err == nil && !slot {
			err = d.noSlot(s.at)
		}
		if err != nil {
			return in.archive.at(s.n, samplesSection, err)
		}
		l := d.line(s.identity)
		l.values[i] = s.value
		if !math.IsNaN(s.support) {
			l.supported()[i] = s.support
		}
	}
	return nil
}

// layChanges shows each series of the section changes from its moment on, until
// the next one of the same signal and scope.
func (in *inputs) layChanges(d *data) error {
	last := map[string]change{}
	show := func(c change, until time.Time) {
		l := d.line(c.identity)
		for i := range d.grid.N {
			if ts := d.grid.At(i); !ts.Before(c.at) && ts.Before(until) {
				l.values[i] = c.value
			}
		}
	}
	for _, c := range in.changes {
		if err := d.declared(c.signal); err != nil {
			return in.archive.at(c.n, changesSection, err)
		}
		owner := identity{c.signal, d.signals[c.signal].ScopeOf(c.labels)}.String()
		if before, ok := last[owner]; ok {
			if !before.at.Before(c.at) {
				return in.archive.at(c.n, changesSection, fmt.Errorf("%s lies before the change of the same signal above it: write changes in their order", c.identity))
			}
			show(before, c.at)
		}
		last[owner] = c
	}
	for _, owner := range sortedKeys(last) {
		show(last[owner], d.grid.End().Add(d.grid.Step))
	}
	return nil
}
