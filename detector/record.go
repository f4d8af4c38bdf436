package detector

const (
	// recordFactor is by how much the fast statistic must exceed its record
	// to be as surprising as an anomaly by default.
	recordFactor = 2.0

	// recordLeast is a record that even quiet series are taken to have.
	recordLeast = 4.0

	// recordYoung is the one before there is a history; it fades in a week.
	recordYoung = 6.0

	// recordNormal is the record, in spreads, that a series without bursts
	// does not reach in two weeks, and recordNormalFast the same where a
	// sample is less than a minute: it is a record of more samples.
	recordNormal     = 4.0
	recordNormalFast = 5.5

	// recordHours is how many hours of the day may have a higher record, from
	// batch jobs, before a series is taken to have bursts at any time.
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
	r.best[hour] *= float32(1 - min(24/memory, 1))
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

// at returns the record that counts in an hour: the largest of the hour and its
// neighbours, where a batch job may have its edges; of the whole day if more than
// two hours have one that is not normal.
func (r *record) at(hour int, normal float64) float64 {
	most, high := float32(0), 0
	for _, v := range r.best {
		most = max(most, v)
		if float64(v) > normal {
			high++
		}
	}
	if high > recordHours {
		return float64(most)
	}
	return float64(max(r.best[hour], r.best[(hour+1)%24], r.best[(hour+23)%24]))
}

// tail puts the default sensitivity at twice the record, and is linear. If the
// record is above the normal one, it is one of bursts, whose tail is heavy: it
// will be broken by far, and more is asked with the square.
func (r *record) tail(hour int, least, normal float64) tail {
	best := max(r.at(hour, normal), least)
	bursts := max(1, best/normal)
	perSurprise := best * bursts * bursts * recordFactor / DefaultSensitivity
	return tail{surpriseCommon * perSurprise, perSurprise}
}
