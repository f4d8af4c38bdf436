package detector

import (
	"math"
	"time"
)

const (
	// coarseStep is the step from which on a Generic has the two level features
	// instead of those that compare 24 samples with 600.
	coarseStep = time.Hour

	// coarseWeight is what each feature but novelty counts at coarse steps. The
	// three often say the same; with it, an anomaly at the threshold is about as
	// rare per day as at a step of five minutes.
	coarseWeight = 0.4

	coarseWindow = 48   // samples that are two days at the finest of coarse steps
	levelNeeded  = 36   // samples before there is anything to compare with
	levelRare    = 0.02 // share of the samples at whose distance the ruler is laid
	levelBound   = 1.5  // rulers beyond which a sample is learned as lying there
)

// ruler returns the median of a window, and the distance of the 2 % quantile or
// the 98 % quantile from it, whichever is farther; false before there is enough
// to know. What bounds the distance from below keeps a series that is almost
// constant from being surprising at every flicker.
func ruler(w *window) (median, length float64, ok bool) {
	if w.len() < levelNeeded {
		return 0, 0, false
	}
	median = w.quantile(0.5)
	length = math.Max(w.quantile(1-levelRare)-median, median-w.quantile(levelRare))
	length = math.Max(length, 0.01*w.span())
	return median, math.Max(length, 0.001*math.Abs(median)+1e-9), true
}

// level says how surprising the distance of v from the median of a window is by
// a rule that holds with few samples: −log10 of the probability grows linearly
// with the distance, and is that of 2 % at one ruler. At coarse steps it judges a
// value by those of two days, and its distance from the usual value at that time
// of the day.
//
// It also returns what the window should learn of v: a value within bounds, so
// that one incident does not hide the next. Before there is anything to compare
// with, the surprise is 0 and there are no bounds.
func level(w *window, v float64) (surprise, bounded float64) {
	median, length, ok := ruler(w)
	if !ok {
		return 0, v
	}
	distance := (v - median) / length
	bounded = median + length*math.Max(-levelBound, math.Min(levelBound, distance))
	return math.Min(rulerSurprise*math.Abs(distance), genericCap), bounded
}

// rulerSurprise is the surprise of a distance of one ruler.
var rulerSurprise = -math.Log10(levelRare)
