package rules

import (
	"math"
	"time"

	"tidemark/detector"
)

// Course is what is remembered of the last slots of a series, beside what its
// detector learns. The zero value is a series of which nothing is known.
type Course struct {
	// Began is the first slot of the values that are outside the band now, on the
	// same side; zero if the series is inside. An excursion is over when the values
	// are clearly back for two slots in a row, much sooner than an anomaly is.
	Began time.Time

	// Lately is the value as a share of what was expected, on average over the
	// last half hour; 0 if nothing is known. It takes out that some days are
	// busier than others.
	Lately float64

	// Daily is the value on average over the last day; 0 if nothing is known.
	Daily float64

	side     detector.Direction
	beyond   int       // slots since Began that were beyond the band
	edge     time.Time // the first of them
	furthest float64   // deviation since Began, without its sign; it fades
	trail    trail
	recent   float64 // how far the last two minutes were off by themselves
	most     float64 // the same of those two since Began that were the worst
	level    float64 // recent at steady
	window   time.Duration
	peak     float64   // the furthest deviation since Began
	flat     time.Time // since when it is about as far off as that
	steady   time.Time // since when it gets neither better nor much worse
	struck   time.Time // when it last became as bad as this at once
	returned time.Time // when the last excursion ended
	back     int       // slots in a row that are inside
	at       time.Time // the newest slot that had a value
}

const (
	backFor    = 2 // slots that end an excursion
	clearFor   = 2 // slots beyond the band that make it clear
	latelySpan = 30 * time.Minute
	dailySpan  = 24 * time.Hour

	// steadyMinutes are the newest minutes, which tell whether a deviation goes on.
	steadyMinutes = 2

	// firstMinutes is how long after a change its effect is the worst: a cold cache
	// fills from the first minute on, but not all its users start in the same one.
	firstMinutes = 3
	worse        = 2

	// leap is how much worse two minutes are, compared with some before, if that is
	// a deviation of its own. Those of one that lasts are four times as bad as its
	// first minute, if it began in the middle of that.
	leap = 5

	// steadyShare is how bad they still are, compared with the worst, if it does:
	// what gets better by less takes ten minutes more.
	steadyShare = 0.85

	// plainShare is how much of a minute is taken to be as the average is.
	plainShare = 0.1

	// beforeMinutes are those that tell how a series was before a change.
	beforeMinutes = 5

	// warmUp is by when a cache that fills after a planned restart is warm again: two
	// to four minutes are usual. What is then still lingering is none.
	warmUp    = 5 * time.Minute
	lingering = 0.25

	// longestWindow is how much of a window the trail can take out.
	longestWindow = 10 * time.Minute

	// furthestSpan is how fast the furthest deviation fades, so that a spike at
	// the beginning of a lasting fault is not for ever what it came back from.
	furthestSpan = 15 * time.Minute
)

// Follow takes the judgement of the next slot, whose value is an average over a
// window. A gap changes nothing.
func (c *Course) Follow(j detector.Judgement, window time.Duration) {
	if j.State == detector.Unknown || !(j.Expected > 0 || j.Expected < 0) {
		return
	}
	last := c.at
	passed := float64(j.Time.Sub(last))
	if last.IsZero() {
		c.Lately, c.Daily = j.Value/j.Expected, j.Value
	} else {
		c.Lately += (j.Value/j.Expected - c.Lately) * -math.Expm1(-passed/float64(latelySpan))
		c.Daily += (j.Value - c.Daily) * -math.Expm1(-passed/float64(dailySpan))
	}
	c.at = j.Time
	dir := detector.Up
	if j.Value < j.Expected {
		dir = detector.Down
	}
	switch {
	case !inside(j, dir):
		c.back = 0
		if c.Began.IsZero() || c.side != dir {
			c.Began, c.side, c.beyond, c.furthest = j.Time, dir, 0, 0
			c.edge = time.Time{}
			c.trail.rebase()
			c.recent, c.most, c.level, c.steady, c.struck = 0, 0, 0, j.Time, j.Time
			c.peak, c.flat = 0, j.Time
		}
		if beyond(j, dir) {
			if c.beyond++; c.beyond == 1 {
				c.edge = j.Time
			}
		}
		off := math.Abs(j.Value - j.Expected)
		c.furthest = max(c.furthest*math.Exp(-passed/float64(furthestSpan)), off)
		if off < steadyShare*c.peak || c.peak < steadyShare*off {
			c.flat = j.Time
		}
		c.peak = max(c.peak, off)
	case !c.Began.IsZero():
		if c.back++; c.back >= backFor {
			c.Began, c.returned, c.back = time.Time{}, j.Time, 0
		}
	}
	c.window = max(window, j.Time.Sub(last))
	c.sumUp(j)
}

// sumUp works out how far the series has been off by itself. An average over a
// window remembers what is over: it is for the length of the window as far off by
// one bad minute as by a small lasting fault. With D the deviation of the average
// and W the window, the sum of the deviation itself is
//
//	S(t) = W·D(t) + S(t−W)
//
// of which the last two minutes are compared with the worst two. Inside the band,
// where minutes do not differ much, it is the sum of D. A share of D also keeps what
// is not exact from coming back with each window.
func (c *Course) sumUp(j detector.Judgement) {
	minute := minuteOf(j.Time)
	passed := minute - c.trail.minute
	if passed <= 0 {
		return
	}
	passed = min(passed, trailMinutes)
	off := j.Value - j.Expected
	last := c.trail.total(c.trail.minute)
	own := off * float64(passed)
	if !c.Began.IsZero() {
		window := min(c.window, longestWindow)
		own += (1 - plainShare) * (window.Minutes()*off + c.trail.total(minuteOf(j.Time.Add(-window))) - last - own)
	}
	c.trail.add(minute, last+own, j)
	if c.Began.IsZero() {
		return
	}
	c.recent = c.total(minute) - c.total(minute-steadyMinutes)
	c.most = max(c.most, c.recent)
	leapt := c.recent > leap*c.level
	if leapt && c.recent > c.most/2 {
		c.struck = j.Time
	}
	if leapt || c.recent < steadyShare*c.most {
		c.level, c.steady = c.recent, j.Time
	}
}

// total returns the sum up to a minute, on the side of the excursion.
func (c *Course) total(minute int64) float64 {
	if c.side == detector.Down {
		return -c.trail.total(minute)
	}
	return c.trail.total(minute)
}

// clear reports whether the series is outside, and was beyond the band's edge.
func (c *Course) clear() bool { return !c.Began.IsZero() && c.beyond >= clearFor }

// recovering reports whether the series is outside, since not longer than within,
// and has come back by two thirds of how far it lately was.
func (c *Course) recovering(j detector.Judgement, within time.Duration) bool {
	return !c.Began.IsZero() && j.Time.Sub(c.Began) <= within && math.Abs(j.Value-j.Expected) <= c.furthest/3
}

// worsened reports whether the series is by itself twice as far off as it was in the
// first minutes after a change, which are over.
func (c *Course) worsened(since time.Time) bool {
	first := minuteOf(since)
	if c.Began.IsZero() || c.trail.minute <= first+firstMinutes {
		return false
	}
	most := 0.0
	for m := first + 1; m <= first+firstMinutes; m++ {
		most = max(most, c.total(m)-c.total(m-steadyMinutes))
	}
	return c.recent > worse*most
}

// steadyFor reports whether the series has been outside for so long and gets neither
// better nor much worse: its minutes by themselves, or, where the window is shorter
// than is known, its values for longer than that. What gets better more slowly than
// anything warms up is as good as steady. What it was before some time does not count:
// of a cache that was a bit worse all night it is not known how long it takes to warm
// up after a restart now.
func (c *Course) steadyFor(now time.Time, long time.Duration, since time.Time) bool {
	lasted := func(from time.Time) time.Duration { return min(now.Sub(from), now.Sub(since)) }
	switch {
	case c.Began.IsZero():
		return false
	case lasted(c.flat) > max(c.window, long):
		return true
	default:
		before := c.before(since)
		recent, most := c.recent-before, c.most-before
		return lasted(c.steady) >= long && recent >= steadyShare*most ||
			lasted(c.struck) >= max(warmUp, long) && recent >= lingering*most
	}
}

// leapt reports whether the series is by itself several times as far off as it was in
// the minutes before some time, which are known.
func (c *Course) leapt(since time.Time) bool {
	last := minuteOf(since)
	if c.Began.IsZero() || last-beforeMinutes <= c.trail.minute-trailMinutes {
		return false
	}
	return c.recent > leap*max(c.meanBefore(last), 0)
}

// before returns how far the series was off in two minutes on average before some
// time, as far as it is known; 0 if it was not, or to the other side. It is at most
// half of the worst: more is no wandering but a fault that is still there.
func (c *Course) before(at time.Time) float64 {
	last := minuteOf(at)
	if last <= c.trail.minute-trailMinutes {
		return 0
	}
	return min(max(c.meanBefore(last), 0), c.most/2)
}

// meanBefore returns how far the series was off in two minutes on average in those up
// to one; it is negative if that was to the other side.
func (c *Course) meanBefore(last int64) float64 {
	return (c.total(last) - c.total(last-beforeMinutes)) * steadyMinutes / beforeMinutes
}
