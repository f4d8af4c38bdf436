package detector

import (
	"math"
	"time"
)

const (
	genericBin      = 15 * time.Minute // of the day profile
	genericForget   = 0.2              // least weight of a new sample in its bin
	residualsKept   = 1000
	residualsNeeded = 50

	recentSamples  = 24  // whose distribution is compared with
	earlierSamples = 600 // that of the samples before them,
	earlierNeeded  = 72  // of which so many are needed

	noveltyAfter  = 100  // samples until the range of values means something
	noveltyMargin = 0.05 // of that range, within which new values are nothing new

	genericCap = 8.0 // the most that one feature can contribute

	// GenericThreshold is the surprise from which a sample is an anomaly to the
	// generic detector. On the Numenta benchmark it is best between 4.25 and
	// 4.75; see bench/nab.
	GenericThreshold = 4.5

	// genericStep is the finest step at which that threshold holds. At finer ones
	// more samples a day could be wrong: a surprise is smaller by the log10 of how
	// many more.
	genericStep = 5 * time.Minute

	// quietFor is for how long an anomaly speaks for what follows, unless that is
	// this much more surprising.
	quietFor = 8 * time.Hour
	louder   = 2.0
)

// Generic judges a series of which nothing is known: neither what it measures
// nor which direction is bad. Where that is known, Detector finds smaller
// deviations sooner and errs less.
//
// It sums the surprise (see the package) of four features: the distance from
// the usual value at that time of the day; the change of the distribution of
// the last 24 samples against the 600 before, by the Kolmogorov–Smirnov
// statistic; the change of their spread; and whether the value lies outside
// everything seen so far. The first three are surprising by the measure of
// their own past alone.
//
// Those lengths are in samples. At coarse steps, from an hour on, 24 samples are
// no news any more and 600 are weeks: two features that are ready after two days
// take the place of both changes; see level.
//
// A Generic is not safe for concurrent use. It takes about 20 KB.
type Generic struct {
	loc     *time.Location
	bin     time.Duration
	profile []genericBinState

	residuals *window
	deviation surpriseTail

	// At fine steps.
	recent, earlier *window
	shift, spread   surpriseTail

	// At coarse steps; nil at fine ones.
	lately *window // values of two days

	discount   float64 // of the surprise, for a fine step
	quiet      int     // samples
	warmUp     int     // samples until there is anything to tell
	seen       int
	low, high  float64 // of all values
	alarm      float64 // surprise of the newest anomaly
	sinceAlarm int     // samples
}

// genericBinState is the usual value in a part of the day.
type genericBinState struct {
	mean float64
	seen int
}

// GenericJudgement is what a Generic says about one sample.
type GenericJudgement struct {
	Time  time.Time
	Value float64

	// State is Anomalous for the first sample of an anomaly only: for eight
	// hours, what follows is Normal unless it is twice as surprising.
	State State

	// Surprise is the sum over the features, 0 while learning, and less by a
	// discount at steps below five minutes. It is not held:
	// it is that of this sample even if an anomaly was reported just before.
	Surprise float64

	// Expected, Lower and Upper are the usual value at that time of the day and
	// the band outside which the distance from it has the surprise of an anomaly;
	// NaN while that is not known.
	Expected, Lower, Upper float64
}

func (j *GenericJudgement) band(expected, reach float64) {
	j.Expected, j.Lower, j.Upper = expected, expected-reach, expected+reach
}

// genericFull is the surprise of four features at their cap.
const genericFull = 4 * genericCap

// toldScore is just below the threshold.
const toldScore = 0.14

// Score maps the surprise to 0–1, in proportion: the threshold is at 4.5/32, about
// 0.141. It is 0 while learning, and 0.14 for a surprise above the threshold that
// belongs to an anomaly which was reported already.
func (j GenericJudgement) Score() float64 {
	switch {
	case j.State == Learning:
		return 0
	case j.State != Anomalous && j.Surprise >= GenericThreshold:
		return toldScore
	default:
		return math.Min(1, j.Surprise/genericFull)
	}
}

// NewGeneric returns a detector that knows nothing yet, for samples at a
// distance of step, which must be positive. The location is that of the days
// that people live by; nil is UTC.
func NewGeneric(step time.Duration, loc *time.Location) *Generic {
	if loc == nil {
		loc = time.UTC
	}
	bin := max(genericBin, step)
	g := &Generic{
		loc:       loc,
		bin:       bin,
		profile:   make([]genericBinState, (24*time.Hour+bin-1)/bin),
		residuals: newWindow(residualsKept),
		discount:  math.Max(0, math.Log10(float64(genericStep)/float64(step))),
		quiet:     int(quietFor / step),
		warmUp:    noveltyAfter,
		low:       math.Inf(1),
		high:      math.Inf(-1),
	}
	if step >= coarseStep {
		g.lately = newWindow(coarseWindow)
		g.warmUp = coarseWindow
	} else {
		g.recent, g.earlier = newWindow(recentSamples), newWindow(earlierSamples)
	}
	g.sinceAlarm = g.quiet
	return g
}

// Update judges a sample by what was learned from the ones before it, and learns
// from it. NaN, and values beyond ±1e30, are gaps: they are Unknown and change
// nothing.
func (g *Generic) Update(t time.Time, v float64) GenericJudgement {
	nan := math.NaN()
	j := GenericJudgement{Time: t, Value: v, Expected: nan, Lower: nan, Upper: nan}
	if !(math.Abs(v) <= 1e30) {
		return j
	}
	j.Surprise = g.deviate(&j)
	if g.lately != nil {
		surprise, bounded := level(g.lately, v)
		g.lately.push(bounded)
		j.Surprise = coarseWeight * (j.Surprise + surprise)
	} else {
		j.Surprise += g.change(v)
	}
	j.Surprise = math.Max(0, j.Surprise+g.novelty(v)-g.discount)
	g.seen++
	g.sinceAlarm++
	switch {
	case g.seen <= g.warmUp:
		j.State = Learning
	case j.Surprise >= GenericThreshold && (g.sinceAlarm > g.quiet || j.Surprise > louder*g.alarm):
		j.State = Anomalous
		g.alarm, g.sinceAlarm = j.Surprise, 0
	default:
		j.State = Normal
	}
	return j
}

// deviate returns the surprise of the distance from the profile, and sets the
// band.
func (g *Generic) deviate(j *GenericJudgement) (surprise float64) {
	local := j.Time.In(g.loc)
	ofDay := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	b := &g.profile[ofDay/g.bin]
	value := j.Value // as the profile learns it
	if b.seen >= 2 {
		residual := value - b.mean
		if g.lately != nil {
			var bounded float64
			surprise, bounded = level(g.residuals, residual)
			value = b.mean + bounded
			if median, length, ok := ruler(g.residuals); ok {
				j.band(b.mean+median, length*GenericThreshold/rulerSurprise)
			}
		}
		if r := g.residuals; r.len() > residualsNeeded {
			median := r.quantile(0.5)
			s := g.scale(median)
			z := math.Abs(residual-median) / s
			surprise += g.deviation.surprise(z)
			g.deviation.add(z)
			if reach := s * g.deviation.level(GenericThreshold+g.discount); g.lately == nil && !math.IsNaN(reach) {
				j.band(b.mean+median, reach)
			}
		}
		g.residuals.push(value - b.mean)
	}
	b.seen++
	b.mean += math.Max(genericForget, 1/float64(b.seen)) * (value - b.mean)
	return surprise
}

// scale returns the spread of the residuals, about the standard deviation of
// normal ones. What bounds it from below keeps a series that is almost constant
// from being surprising at every flicker.
func (g *Generic) scale(median float64) float64 {
	const normalMAD, normalDeciles = 1.4826, 5.126
	r := g.residuals
	s := math.Max(normalMAD*r.deviation(median), deciles(r)/normalDeciles)
	s = math.Max(s, 0.01*r.span())
	s = math.Max(s, 0.001*math.Abs(median))
	if e := g.earlier; e != nil && e.len() > 0 {
		s = math.Max(s, 0.02*(e.quantile(0.95)-e.quantile(0.05)))
	}
	return math.Max(s, 1e-9)
}

// change returns the surprise of the recent samples against the earlier ones.
func (g *Generic) change(v float64) (surprise float64) {
	if old, ok := g.recent.push(v); ok {
		g.earlier.push(old)
	}
	if g.earlier.len() < earlierNeeded {
		return 0
	}
	z := math.Sqrt(recentSamples) * distance(g.recent, g.earlier)
	surprise += g.shift.surprise(z)
	g.shift.add(z)

	least := 0.005*g.earlier.span() + math.SmallestNonzeroFloat64
	z = math.Abs(math.Log((deciles(g.recent) + least) / (deciles(g.earlier) + least)))
	surprise += g.spread.surprise(z)
	g.spread.add(z)
	return surprise
}

// deciles returns the distance between the 10 % and the 90 % quantile.
func deciles(w *window) float64 { return w.quantile(0.9) - w.quantile(0.1) }

// novelty returns the surprise of a value outside all that was seen.
func (g *Generic) novelty(v float64) (surprise float64) {
	if g.seen >= g.warmUp {
		outside := math.Max(g.low-v, v-g.high) / (g.high - g.low) // infinite if there was one value only
		if outside > noveltyMargin {
			surprise = math.Min(genericCap, 3+2*outside)
		}
	}
	g.low, g.high = math.Min(g.low, v), math.Max(g.high, v)
	return surprise
}
