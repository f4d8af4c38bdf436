package detector

// head is the part of a detector that knows one kind of quantity: what it
// expects, which statistics tell a deviation, and how it learns.
//
// Update calls observe for each sample, then statistics, then learn with the
// same instant; the others only in between.
type head interface {
	// observe compares a sample with what is expected. It returns the
	// sample's evidence, and false if the sample says nothing.
	observe(at instant, s Sample) (evidence [3]float32, ok bool)

	// statistics returns the head's statistics of the evidence, the newest
	// sample being in it. It is called once for each sample.
	statistics(e *evidence) [statistics]statistic

	// handicap is taken from the surprise of a statistic, as far as its tail is
	// its own: several chances instead of one make a false alarm more likely.
	handicap(i int) float64

	// prior returns the tail that a statistic other than the fast one is taken
	// to have before its own is known.
	prior(i int, e *evidence) tail

	// significance scores the sum of a run of samples, for the onset.
	significance(sum tally, size int) float64

	// mean returns the mean deviation of a run of samples, signed, in a unit of
	// the head's own.
	mean(sum tally, size int) float64

	// deviation returns how unusual a run of samples is, in the unit of the
	// short statistic.
	deviation(sum tally, size int) float64

	// learn takes in the observed sample. If held, it may be part of an
	// anomaly, and only the season learns, with less weight. The evidence holds
	// the samples up to this one.
	learn(at instant, e *evidence, held bool)

	// gap forgets where the quantity was before a gap. It is called before the
	// evidence is reset.
	gap(e *evidence)

	// accept takes the deviation in the evidence for the new normal.
	accept(e *evidence)

	// score returns the deviation of the observed sample in spreads, signed.
	score() float64

	// band returns what was expected of the observed sample, and the values
	// at which the run reaches down and up.
	band(down, up float64) (expected, lower, upper float64)
}

// The statistics of a head.
const (
	fast       = iota // of the newest samples, for what is far beyond all that was seen
	run               // of three or four minutes or samples, for most
	short             // of a quarter of an hour
	long              // of an hour, for small deviations that last
	statistics        // is their number
)

// statistic is a signed measure of how unusual the evidence is. It counts if
// the deviation behind it is large enough to matter.
type statistic struct {
	z      float64
	counts bool
}

// Reaches reports whether a value that deviates from what is expected does so
// by the minimum effect.
func (m MinEffect) Reaches(value, expected float64) bool {
	d := abs(value - expected)
	return d >= m.Absolute && d >= m.Relative*abs(expected)
}

// distance returns the smallest deviation from what is expected that matters.
func (m MinEffect) distance(expected float64) float64 {
	return max(m.Absolute, m.Relative*abs(expected))
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}
