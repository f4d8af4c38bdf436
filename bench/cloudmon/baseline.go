package main

import (
	"math"
	"slices"
)

const (
	baselineWindow    = 168 // samples before the one that is judged
	baselineNeeded    = 24
	baselineThreshold = 5.0
)

// rollingMAD returns what the simplest sensible detector says: the distance of
// each sample from the median of those before it, in their median absolute
// deviations scaled to the standard deviation of normal ones. Where that is 0,
// because most of the past is constant, it says nothing.
func rollingMAD(values []float64) []float64 {
	scores := make([]float64, len(values))
	for i, v := range values {
		past := slices.Clone(values[max(0, i-baselineWindow):i])
		if len(past) < baselineNeeded {
			continue
		}
		center := median(past)
		for k, p := range past {
			past[k] = math.Abs(p - center)
		}
		if spread := 1.4826 * median(past); spread > 0 {
			scores[i] = math.Abs(v-center) / spread
		}
	}
	return scores
}

// median sorts the values, and returns the upper one of two.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
