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
)

// pace translates between time and samples for one step.
type pace struct {
	step    time.Duration
	seconds float64 // of one step
}

func newPace(step time.Duration) pace { return pace{step: step, seconds: step.Seconds()} }

// samples returns how many samples d is, at least 1.
func (p pace) samples(d time.Duration) float64 {
	return math.Max(1, float64(d)/float64(p.step))
}

// rate returns the weight of one sample in an exponentially weighted mean that
// remembers d.
func (p pace) rate(d time.Duration) float64 { return 1 / p.samples(d) }

// between returns d in samples, held between lo and hi.
func (p pace) between(d time.Duration, lo, hi int) int {
	return min(max(int(math.Round(p.samples(d))), lo), hi)
}
