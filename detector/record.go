package detector

import (
	"math"
	"slices"
)

const (
	// recordFactor is by how much the fast statistic must exceed its record
	// to be as surprising as an anomaly by default.
	recordFactor = 2.0

	// recordLeast is a record that even quiet series are taken to have.
	recordLeast = 4.0

	// recordYoung is the one before there is a history.
	recordYoung = 6.0

	// recordHours is how many of the 24 hours of the day may have higher
	// records than what counts as the record of the other ones, too.
	recordHours = 2
)

// record is the largest value of the fast statistic on one side in each hour of
// the day, forgotten exponentially. The fast statistic sees bursts and the edges
// of batch jobs that are shorter than what it is meant for and too rare for
// quantiles, so it is only believed far beyond all that was seen.
//
// A value becomes part of the record when an hour has passed without an anomaly:
// the rise of a fault is not a record.
type record struct {
	best    [24]float32
	pending float32
	hour    int8  // of the pending value
	age     int32 // samples since
}

// add takes in a value; wait and memory are in samples.
func (r *record) add(hour int, z float64, wait int, memory float64) {
	r.best[hour] *= float32(1 - math.Min(24/memory, 1))
	if r.pending > 0 {
		if r.age++; int(r.age) >= wait {
			r.best[r.hour] = max(r.best[r.hour], r.pending)
			r.pending = 0
		}
	}
	if v := float32(z); v > r.pending {
		if r.pending == 0 {
			r.age = 0
		}
		r.pending, r.hour = v, int8(hour)
	}
}

// drop forgets the value that waits.
func (r *record) drop() { r.pending = 0 }

// at returns the record that counts in an hour: the largest of the hour itself
// and its neighbours, where a batch job may have its edges, and what two
// of the hours have exceeded, which is high if bursts come at any time.
func (r *record) at(hour int) float64 {
	sorted := r.best
	slices.Sort(sorted[:])
	return float64(max(
		sorted[len(sorted)-1-recordHours],
		r.best[hour], r.best[(hour+1)%24], r.best[(hour+23)%24],
	))
}

// tail puts the default sensitivity at twice the record, and is linear. If the
// record is above where the run is an anomaly, the series has bursts, whose tail
// is heavy: records are then broken by far, and more is asked with the square.
func (r *record) tail(hour int, least, anomaly float64) tail {
	best := math.Max(r.at(hour), least)
	perSurprise := best * math.Max(1, math.Pow(best/anomaly, 2)) * recordFactor / DefaultSensitivity
	return tail{surpriseCommon * perSurprise, perSurprise}
}
