package detector

import (
	"math"
	"time"
)

const (
	fastClip  = 50.0 // spreads at which a sample's part in the fast run ends
	runClip   = 12.0 // spreads at which a block's part in the run ends
	meanClip  = 6.0  // spreads at which a sample's part in a mean ends
	learnClip = 3.0  // spreads at which a sample's pull on the offsets ends

	// usualVariance is the sampling variance, in the log domain, at which a
	// sample counts 1/√2 of one without: 5 %.
	usualVariance = 0.05 * 0.05

	// slowDistance is that of two residuals which tell how slowly they wander.
	slowDistance = 4 * time.Minute

	// priorWidth widens the tails of the normal distribution, before a
	// series' own are known.
	priorWidth = 1.4
)

// continuous is the head for latencies, rates and gauges.
//
// A sample becomes a level y (see transform), y less the baseline is the
// residual r, and u = r·w/s is the residual in spreads, where w falls with the
// sampling variance v of y as 1/√(1+v/0.05²). Its statistics are
//
//	fast:  the signed minimum of |u| over the last 4 samples or, where a sample
//	       is a minute or more, 2; 0 unless all lie on one side
//	run:   the same over the last 4 blocks of a minute or a sample: a burst of
//	       three minutes does not move it
//	means: of u over 15 and 60 minutes; small deviations that last
type continuous struct {
	transform
	effect MinEffect
	base   baseline
	load   *loadProfile // nil unless conditioned on a load that shifts the level
	gate   *gate        // nil unless the load divides the value
	spread spread
	near   nearby

	hour         int8 // of the day
	distance     int8 // see later
	y, loadShift float64
	expected     float64 // level
	usual        float64 // its value
	given        float64
	weight       float64
	s            float64 // spread of the weighted residual
	u            float64
	doubt        float64 // of the level, on a kind of day that is hardly known
	unrest       float64 // what the run is divided by

	// The product of u with the one before it, over its square: its
	// autocorrelation.
	following quotient
	before    float64

	// The product of u with the one so many samples before it, over that with
	// the one before.
	later quotient
}

func newContinuous(o Options, p pace) *continuous {
	c := &continuous{
		transform: newTransform(o, p),
		effect:    o.MinEffect,
		base:      newBaseline(p),
		spread:    spread{pace: p},
		near:      nearby{pace: p},
		distance:  int8(p.between(slowDistance, 4, recentSize-1)),
	}
	switch {
	case o.Conditioned && o.Kind == Rate:
		c.gate = newGate(p)
	case o.Conditioned:
		c.load = newLoadProfile(p)
	}
	return c
}

func (c *continuous) observe(at instant, s Sample) ([3]float32, bool) {
	if c.conditioned && math.IsNaN(s.Given) {
		return [3]float32{}, false
	}
	c.given = s.Given
	c.hour = int8(at.hour())
	c.y = c.level(s.Value, s.Given)
	c.expected = c.base.expect(at)
	c.doubt = c.base.doubt(at)
	doubt := 0.0
	if c.load != nil {
		// On the first day the load explains all that it can. If a running mean
		// took part of it, the season would, too, later: they rise together.
		if !c.base.seasonal {
			c.expected = 0
		}
		c.loadShift, doubt = c.load.expect(s.Given)
		c.expected += c.loadShift
	}
	if c.base.seen == 0 {
		c.expected = c.y
		c.loadShift = c.y // used with a load only
	}
	c.usual = c.value(c.expected, c.given)
	v := c.samplingVariance(c.expected, s)
	c.weight = 1 / math.Sqrt(1+v/usualVariance)
	floor := c.floor(c.expected, c.effect) * c.weight
	c.s = c.spread.at(at.hour(), floor)
	r := c.y - c.expected
	c.u = r * c.weight / c.s
	if doubt > 0 {
		c.weight /= math.Hypot(1, doubt*c.weight/c.s)
		c.u = r * c.weight / c.s
	}
	if c.gate != nil {
		c.gate.observe(at, math.Log(s.Value+c.offset), r)
	}
	return [3]float32{
		float32(clip(c.u, meanClip)),
		float32(r),
		float32(clip(c.u, fastClip)),
	}, true
}

func (c *continuous) statistics(e *evidence) [statistics]statistic {
	c.near.take(e, c.s/c.weight)
	doubt := c.doubt * c.weight / c.s
	c.unrest = math.Hypot(c.near.restless(int(c.hour)), doubt)
	out := [statistics]statistic{fast: c.fast(e)}
	for i, w := range e.windows(0) {
		if w.full {
			n := float64(w.size)
			out[run+i] = statistic{w.sum[0] / n / math.Hypot(1, doubt), c.matters(w.sum[1] / n)}
		}
	}
	out[run] = c.run(e)
	if c.gate != nil {
		for i := range out {
			out[i].counts = out[i].counts && c.gate.open(out[i].z)
		}
	}
	return out
}

// fast is left out where a sample is a minute or more of something that is not a
// rate: two minutes of slow responses are what services have.
func (c *continuous) fast(e *evidence) statistic {
	n := fastLength
	if e.perBlock == 1 {
		n = fastBlocks
	}
	if int(e.n) < n || e.perBlock == 1 && !c.counted {
		return statistic{}
	}
	sign, z, r := c.least(n, fastClip, e.newest)
	if z == 0 {
		return statistic{}
	}
	return statistic{sign * z, c.matters(sign * r)}
}

// run is the least deviation of the newest blocks, less what those before them
// predict, in terms of how the run may jump at this hour.
func (c *continuous) run(e *evidence) statistic {
	c.near.jump = 0
	skip := 0
	if e.perBlock > 1 && 2*e.block(0).size < uint32(e.perBlock) {
		skip = 1 // the newest block has only begun
	}
	if int(e.n) < (runLength+skip-1)*int(e.perBlock) {
		return statistic{}
	}
	sign, z, r := c.least(runLength, runClip, func(i int) *entry { return e.block(i + skip) })
	if z > 0 {
		z -= c.near.predicts(sign)
	}
	if !(z > 0) {
		return statistic{}
	}
	c.near.jump = min(z, meanClip)
	return statistic{sign * z / c.unrest, c.matters(sign * r)}
}

// least returns the least deviation of the newest n entries on the side of the
// newest one, 0 unless all lie there: in spreads, and as a residual.
func (c *continuous) least(n int, limit float64, newest func(int) *entry) (sign, z, r float64) {
	z, r = limit, math.Inf(1)
	sign = math.Copysign(1, float64(newest(0).v[2]))
	for i := range n {
		x := newest(i)
		size := float64(x.size)
		z = min(z, sign*float64(x.v[2])/size)
		r = min(r, sign*float64(x.v[1])/size)
	}
	return sign, max(z, 0), max(r, 0)
}

// matters reports whether a residual is as large as the minimum effect.
func (c *continuous) matters(r float64) bool {
	return c.effect.Reaches(c.value(c.expected+r, c.given), c.usual)
}

// handicap is such that a healthy series has less than 0.3 false alarms a month at
// the default sensitivity. The fast statistic is rare as it is, and the means have
// fewer chances than the run.
func (c *continuous) handicap(i int) float64 {
	switch i {
	case fast:
		return 0
	case run:
		return 0.8
	default:
		return 0.6
	}
}

// significance is the sum in standard deviations of a process of first order,
//
//	Σu / √(n(1+ρ)/(1−ρ) − 2ρ(1−ρⁿ)/(1−ρ)²)
//
// so that noise that wanders is not taken for the beginning of a fault.
func (c *continuous) significance(sum tally, size int) float64 {
	v := sumVariance(c.autocorrelation(), float64(size))
	return sum[0] / math.Sqrt(max(v, 1))
}

func (c *continuous) mean(sum tally, size int) float64 {
	return sum[0] / float64(max(size, 1))
}

func (c *continuous) deviation(sum tally, size int) float64 { return c.mean(sum, size) }

func (c *continuous) learn(at instant, e *evidence, held bool) {
	r := c.y - c.expected
	pull := clip(c.u, learnClip) * c.s
	u := clip(c.u, learnClip)
	shift := 0.0
	if c.load != nil {
		shift = c.loadShift
	}
	c.base.learn(at, c.y-shift, r, pull, held)
	if c.gate != nil {
		c.gate.learn(at, held)
	}
	c.near.hold(held)
	if c.base.seasonal {
		c.near.learnJump(int(c.hour))
	}
	if held {
		return
	}
	if c.load != nil {
		c.load.learn(c.given, shift+r)
	}
	c.spread.learn(at.hour(), r*c.weight, c.s)
	c.near.learn(u)
	day := c.base.pace.rate(24 * time.Hour)
	c.following.learn(u*c.before, u*u, day)
	if w := e.newest(int(c.distance)); w.size > 0 {
		c.later.learn(u*clip(float64(w.v[0]), learnClip), u*c.before, day)
	}
	c.before = u
}

func (c *continuous) gap(*evidence) { c.near.forget() }

func (c *continuous) accept(e *evidence) {
	w := e.windows(0)[2]
	switch r := w.sum[1] / float64(w.size); {
	case w.size == 0:
	case c.load != nil && !c.base.seasonal:
		c.load.shift(r)
	default:
		c.base.shift(r, w.size)
	}
}

func (c *continuous) score() float64 { return c.u }

func (c *continuous) band(down, up float64) (expected, lower, upper float64) {
	expected = c.usual
	s := c.s / c.weight
	least := c.effect.distance(expected)
	down = min(down*c.unrest, runClip) + c.near.predicts(-1)
	up = min(up*c.unrest, runClip) + c.near.predicts(1)
	lower = min(c.value(c.expected-down*s, c.given), expected-least)
	upper = max(c.value(c.expected+up*s, c.given), expected+least)
	if c.log {
		lower = max(lower, 0)
	}
	return expected, lower, upper
}

func clip(x, limit float64) float64 { return min(max(x, -limit), limit) }
