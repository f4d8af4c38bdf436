// Package series is the only form in which the rest of tidemark sees samples:
// values on a fixed-step grid, in which NaN is a gap.
//
// Vocabulary: a slot is one point in time of the grid; a step is the distance
// between two slots; a gap is a slot without a value. Every instant is aligned
// to a multiple of the step since the Unix epoch, so that two replicas, a
// backtest and a restarted process look at the same slots.
//
// The package knows nothing of Prometheus: it does not query, interpolate or
// fill gaps.
package series

import (
	"math"
	"time"

	"github.com/prometheus/common/model"
)

// Grid is a run of N slots: Start, Start+Step, …, Start+(N-1)·Step.
// Start is a multiple of Step since the Unix epoch (see Align).
type Grid struct {
	Start time.Time
	Step  time.Duration
	N     int
}

// At returns the time of slot i. It does not check that i lies in the grid.
func (g Grid) At(i int) time.Time { return g.Start.Add(time.Duration(i) * g.Step) }

// End returns the time of the last slot. For an empty grid that is one step
// before Start.
func (g Grid) End() time.Time { return g.At(g.N - 1) }

// Index returns the slot of t, and false if t is not one of the grid's slots.
func (g Grid) Index(t time.Time) (int, bool) {
	d := t.Sub(g.Start)
	if d < 0 || d%g.Step != 0 {
		return 0, false
	}
	i := int(d / g.Step)
	return i, i < g.N
}

// Align returns the last multiple of step since the Unix epoch that is not
// after t, in UTC. The step must be positive.
func Align(t time.Time, step time.Duration) time.Time {
	ns := t.UnixNano()
	r := ns % int64(step)
	if r < 0 {
		r += int64(step)
	}
	return time.Unix(0, ns-r).UTC()
}

// Span returns the grid of all slots in [from, to]. It is empty (N = 0) if no
// slot lies between them.
func Span(from, to time.Time, step time.Duration) Grid {
	start := Align(from, step)
	if start.Before(from) {
		start = start.Add(step)
	}
	if to.Before(start) {
		return Grid{Start: start, Step: step}
	}
	return Grid{Start: start, Step: step, N: int(to.Sub(start)/step) + 1}
}

// Series is one labelled series over a grid. Values has one entry for each slot
// of the grid; NaN is a gap. Support is nil, or has one entry for each slot: the
// number of observations that stand behind the value, NaN where it is not known.
type Series struct {
	Labels  model.LabelSet
	Values  []float64
	Support []float64
}

// Frame is what reading one signal over a grid gave: series sorted by their
// labels, no two with the same labels. If Err is set the signal could not be
// read, the verdict is blind there, and Series is empty. An empty frame without
// an error means that the source answered and has no such series.
type Frame struct {
	Signal string
	Series []Series
	Err    error
}

// Gaps returns n values that are all gaps.
func Gaps(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}

// Finite reports whether v is neither NaN nor an infinity.
func Finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
