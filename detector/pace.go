package detector

import (
	"math"
	"time"
)

// Constants of learning. They are durations, so that a series sampled every 5 s
// and one sampled every 5 min remember equally long. The values were found at a
// step of one minute on simulated signals of web stacks.
const (
	rememberFast   = 30 * time.Minute    // level while no season is known
	rememberLocal  = 4 * time.Hour       // local offset from the season
	rememberSlow   = 3 * 24 * time.Hour  // slow offset from the season
	rememberSpread = 24 * time.Hour      // spread of the residuals
	rememberTail   = 14 * 24 * time.Hour // tails of the statistics
	matureAfter    = 24 * time.Hour      // until the statistics' own tails are trusted
	learnFor       = time.Hour           // until the first anomaly may be called

	// matureSamples is the least number of samples behind a tail: its 99.5 %
	// quantile then rests on a few of them.
	matureSamples = 500

	clearSamples = 10 // that speak against an anomaly, in a row, end it
)

// pace translates between time and samples for one step.
type pace struct {
	seconds float64 // of one step
}

func newPace(step time.Duration) pace { return pace{seconds: step.Seconds()} }

// step returns the distance of samples.
func (p pace) step() time.Duration {
	return time.Duration(math.Round(p.seconds * float64(time.Second)))
}

// samples returns how many samples d is, at least 1.
func (p pace) samples(d time.Duration) float64 {
	return max(1, d.Seconds()/p.seconds)
}

// rate returns the weight of one sample in an exponentially weighted mean that
// remembers d.
func (p pace) rate(d time.Duration) float64 { return 1 / p.samples(d) }

// memory returns how many samples a tail remembers.
func (p pace) memory() float64 { return max(p.samples(rememberTail), 20*matureSamples) }

// mature returns after how many samples a tail is trusted.
func (p pace) mature() float64 { return max(p.samples(matureAfter), matureSamples) }

// minimum returns after how many samples the first anomaly may be called.
func (p pace) minimum() int { return max(int(p.samples(learnFor)), 30) }

// clear returns how many samples in a row that speak against an anomaly end it.
func (p pace) clear() int { return p.between(clearSamples*time.Minute, 4, clearSamples) }

// between returns d in samples, held between lo and hi.
func (p pace) between(d time.Duration, lo, hi int) int {
	return min(max(int(math.Round(p.samples(d))), lo), hi)
}

// own returns the weight of what a series tells of itself after so many samples, by
// means of some length, against what is taken for usual: n/(n+50), n being the means
// that do not overlap, since it is trusted.
func (p pace) own(seen float64, length int) float64 {
	n := min(max(seen-p.mature(), 0), p.memory()) / float64(length)
	return n / (n + priorValues)
}
