package detector

import (
	"math"
	"time"
)

const (
	genericBin = 15 * time.Minute // part of the day, at least

	genericCap = 8.0 // the most that one feature of fine can contribute

	// genericFull is the surprise whose score is 1: four features at their cap.
	genericFull = 4 * genericCap

	// GenericThreshold is the surprise from which a sample is an anomaly to the
	// generic detector. On the Numenta benchmark it is best between 4.25 and
	// 4.75; see bench/nab.
	GenericThreshold = 4.5

	// toldScore is just below the score of the threshold.
	toldScore = 0.14

	// learnUntil is for how long a Generic learns at the finest steps, where
	// noveltyAfter is soon.
	learnUntil = 8 * time.Hour

	// quietFor is for how long, at fine steps, an anomaly speaks for what follows.
	quietFor = 8 * time.Hour

	// calmBelow is the share of the threshold below which so many samples in a row
	// end an anomaly at coarse steps.
	calmBelow   = 0.7
	calmSamples = 2

	// louder is how much more surprising a sample must be than the anomaly that
	// was reported to be another one.
	louder = 2.0
)

// Generic judges a series of which nothing is known: neither what it measures
// nor which direction is bad. Where that is known, Detector finds smaller
// deviations sooner and errs less.
//
// How it judges depends on the step alone; see fine, and coarse, which is for
// steps of an hour and more.
//
// A Generic is not safe for concurrent use. It takes about 20 KB, a third of it
// at coarse steps.
type Generic struct {
	loc    *time.Location
	bin    time.Duration // part of the day
	fine   *fine         // nil at coarse steps
	coarse *coarse       // nil at fine steps

	quiet  int // samples
	warmUp int // samples until there is anything to tell
	seen   int

	alarm      float64 // surprise of the newest anomaly
	sinceAlarm int     // samples
	lasting    bool    // the anomaly is not over, at coarse steps
	calm       int     // newest samples in a row that are far from one
}

// GenericJudgement is what a Generic says about one sample.
type GenericJudgement struct {
	Time  time.Time
	Value float64

	// State is Anomalous for the first sample of an anomaly only: what follows is
	// Normal unless it is twice as surprising. An anomaly speaks for what follows
	// for eight hours; at steps of an hour and more, until two samples in a row are
	// far from one.
	State State

	// Surprise is 0 while learning, and less by a discount at steps below five
	// minutes. It is that of this sample even if an anomaly was reported just
	// before.
	Surprise float64

	// Expected, Lower and Upper are the usual value at that time of the day and
	// the band outside which the distance from it has the surprise of an anomaly;
	// NaN while that is not known. At steps of an hour and more, the band holds the
	// level of the last days, too.
	Expected, Lower, Upper float64
}

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
	g := &Generic{loc: loc, bin: max(genericBin, step)}
	if step >= coarseStep {
		g.coarse = newCoarse(g.bin, coarseLevel, coarseJumps)
		g.warmUp = coarseNeeded
	} else {
		g.fine = newFine(step, g.bin)
		g.warmUp = max(noveltyAfter, int(learnUntil/step))
		g.quiet = int(quietFor / step)
	}
	g.sinceAlarm = g.quiet
	return g
}

// partsOfDay returns how many parts of the given length a day has.
func partsOfDay(bin time.Duration) int { return int((24*time.Hour + bin - 1) / bin) }

// partOfDay returns the part of the day in which t lies.
func (g *Generic) partOfDay(t time.Time) int {
	local := t.In(g.loc)
	ofDay := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	return int(ofDay / g.bin)
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
	if part := g.partOfDay(t); g.coarse != nil {
		j.Surprise = g.coarse.judge(&j, part)
	} else {
		j.Surprise = g.fine.judge(&j, part)
	}
	g.seen++
	g.sinceAlarm++
	anomalous := g.seen > g.warmUp && j.Surprise >= GenericThreshold
	told := g.lasting || g.sinceAlarm <= g.quiet
	switch {
	case g.seen <= g.warmUp:
		j.State = Learning
	case anomalous && (!told || j.Surprise > louder*g.alarm):
		j.State = Anomalous
		g.alarm, g.sinceAlarm = j.Surprise, 0
	default:
		j.State = Normal
	}
	if j.Surprise >= calmBelow*GenericThreshold {
		g.calm = 0
	} else {
		g.calm++
	}
	g.lasting = g.coarse != nil && (anomalous || g.lasting && g.calm < calmSamples)
	return j
}
