package detector

import (
	"math"
	"slices"
	"time"
)

const (
	// coarseStep is the step from which on a Generic judges as coarse does. There,
	// 24 samples are a day and 600 are weeks.
	coarseStep = time.Hour

	coarseNeeded = 24 // samples before there is anything to compare with, which then counts half

	coarseLevel = 72 // samples whose median is the level: three days by the hour
	ofDayFor    = 7  // values that a part of the day remembers
	ofDayFrom   = 3  // values that make it known

	coarseJumps = 500  // between samples
	jumpRare    = 0.95 // of them
	restlessFor = 24   // of the newest of which
	jumpCommon  = 0.75
	wanderFor   = 168 // samples, from whose median distance
	wander      = 2.0 // times as far is a usual jump at least

	coarseSurprise = 1.7  // of a distance of one usual jump
	coarseBound    = 1.5  // usual jumps beyond which a sample is learned as lying there
	coarsePersists = 0.65 // weight of the sum of two distances in a row
)

// coarse judges samples that are an hour or more apart by their distance from
// what is expected, in jumps as they are usual between two samples.
//
// Two things are expected: the level, which is the median of three days, and the
// usual value at that time of the day, the median of what a week had there. The
// nearer one counts: that the night is not like the day is no anomaly, nor is a
// day that is like the night before.
//
// A series that is often disturbed, for hours at a time, has large distances in
// its past, and would hide its next disturbance behind them; but it does not jump
// often. So the ruler is the jump that one in twenty exceeds, with or without the
// rhythm of the day, whichever is smaller. It is longer in a restless day, and for
// a series that wanders off in small steps. A sample far off is learned as less
// far.
type coarse struct {
	level  *window
	ofDay  []pastDays // by the part of the day
	around int        // parts of the day before and after that are like it

	jumps, offJumps jumpWindow // of the value, and of its distance from the time of the day
	newest          jumpWindow // of either, the smaller
	distances       jumpWindow // from what was expected, bounded

	seen    int
	last    float64 // sample as it was learned
	lastOff float64 // its distance from the time of the day; NaN while that is not known
	lastFar float64 // its distance from what was expected, in usual jumps, bounded
}

// pastDays are the newest values in a part of the day.
type pastDays struct {
	values [ofDayFor]float32
	seen   uint32 // falls back from twice as many as there are to as many
}

// newCoarse returns a judge of a day that has parts of the given length, by the
// level of so many samples and by so many jumps.
func newCoarse(bin time.Duration, level, jumps int) *coarse {
	return &coarse{
		level:     newWindow(level),
		ofDay:     make([]pastDays, partsOfDay(bin)),
		around:    int(time.Hour / bin),
		jumps:     newJumpWindow(jumps),
		offJumps:  newJumpWindow(jumps),
		newest:    newJumpWindow(restlessFor),
		distances: newJumpWindow(wanderFor),
		lastOff:   math.NaN(),
	}
}

// judge returns the surprise of a value in a part of the day, which is linear in
// its distance, and sets the band. Then it learns the value.
func (c *coarse) judge(j *GenericJudgement, part int) (surprise float64) {
	v, learned, off := j.Value, j.Value, math.NaN()
	if c.seen >= coarseNeeded {
		level := c.level.quantile(0.5)
		usual := c.usual(part, level)
		jump := c.usualJump(level)
		trust := float64(c.seen) / float64(c.seen+coarseNeeded)

		distance := nearer(v-level, v-usual)
		far := trust * distance / jump
		surprise = coarseSurprise * math.Max(math.Abs(far), coarsePersists*math.Abs(far+c.lastFar))
		reach := GenericThreshold / coarseSurprise * jump / trust
		j.Expected, j.Lower, j.Upper = usual, math.Min(level, usual)-reach, math.Max(level, usual)+reach

		c.lastFar = math.Max(-coarseBound, math.Min(coarseBound, far))
		bound := coarseBound * jump
		c.distances.push(math.Min(math.Abs(distance), bound))
		if math.Abs(distance) > bound {
			learned -= distance - math.Copysign(bound, distance)
		}
		off = learned - usual
	}
	c.learn(part, v, learned, off)
	return math.Min(surprise, genericFull)
}

// nearer returns the smaller one of two distances, and 0 if they have different
// signs.
func nearer(a, b float64) float64 {
	switch {
	case math.Signbit(a) != math.Signbit(b):
		return 0
	case math.Abs(a) < math.Abs(b):
		return a
	default:
		return b
	}
}

// usual returns the usual value in a part of the day; the level while that is not
// known.
func (c *coarse) usual(part int, level float64) float64 {
	var buffer [3 * ofDayFor]float32
	values := buffer[:0]
	n := len(c.ofDay)
	for i := part - c.around; i <= part+c.around; i++ {
		past := &c.ofDay[(i+n)%n]
		values = append(values, past.values[:min(past.seen, ofDayFor)]...)
	}
	if len(values) < ofDayFrom {
		return level
	}
	slices.Sort(values)
	return (float64(values[(len(values)-1)/2]) + float64(values[len(values)/2])) / 2
}

// usualJump returns the ruler. What bounds it from below keeps a series that is
// almost constant from being surprising at every flicker, and lets one that has
// been constant get used to something else.
func (c *coarse) usualJump(level float64) float64 {
	jump := c.jumps.quantile(jumpRare)
	if c.offJumps.len() > 2*coarseNeeded {
		jump = math.Min(jump, c.offJumps.quantile(jumpRare))
	}
	jump = math.Max(jump, c.newest.quantile(jumpCommon))
	if c.distances.len() >= coarseNeeded {
		jump = math.Max(jump, wander*c.distances.quantile(0.5))
	}
	jump = math.Max(jump, 0.02*c.level.span())
	return math.Max(jump, 0.003*math.Abs(level)+1e-9)
}

// learn takes in a sample. The medians need no bounds. The distance from the time
// of the day is NaN while that is not known.
func (c *coarse) learn(part int, v, bounded, off float64) {
	if c.seen > 0 {
		jump := math.Abs(bounded - c.last)
		c.jumps.push(jump)
		if offJump := math.Abs(off - c.lastOff); !math.IsNaN(offJump) {
			c.offJumps.push(offJump)
			jump = math.Min(jump, offJump)
		}
		c.newest.push(jump)
	}
	c.seen++
	c.last, c.lastOff = bounded, off
	c.level.push(v)
	past := &c.ofDay[part]
	past.values[past.seen%ofDayFor] = float32(v)
	if past.seen++; past.seen == 2*ofDayFor {
		past.seen = ofDayFor
	}
}
