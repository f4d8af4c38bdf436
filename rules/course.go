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

	side     detector.Direction
	beyond   int       // slots since Began that were beyond the band
	edge     time.Time // the first of them
	furthest float64   // deviation since Began, without its sign; it fades
	peak     float64   // the same, for ever
	steady   time.Time // since when it is about as far off as it ever was
	returned time.Time // when the last excursion ended
	back     int       // slots in a row that are inside
	at       time.Time // the newest slot that had a value
}

const (
	backFor    = 2 // slots that end an excursion
	clearFor   = 2 // slots beyond the band that make it clear
	latelySpan = 30 * time.Minute

	// steadyShare is how near a deviation is to its peak while it is steady.
	steadyShare = 0.9

	// furthestSpan is how fast the furthest deviation fades, so that a spike at
	// the beginning of a lasting fault is not for ever what it came back from.
	furthestSpan = 15 * time.Minute
)

// Follow takes the judgement of the next slot. A gap changes nothing.
func (c *Course) Follow(j detector.Judgement) {
	if j.State == detector.Unknown || !(j.Expected > 0 || j.Expected < 0) {
		return
	}
	passed := float64(j.Time.Sub(c.at))
	if share := j.Value / j.Expected; c.Lately == 0 {
		c.Lately = share
	} else {
		c.Lately += (share - c.Lately) * -math.Expm1(-passed/float64(latelySpan))
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
			c.Began, c.side, c.beyond, c.furthest, c.peak, c.steady = j.Time, dir, 0, 0, 0, j.Time
			c.edge = time.Time{}
		}
		if beyond(j, dir) {
			if c.beyond++; c.beyond == 1 {
				c.edge = j.Time
			}
		}
		off := math.Abs(j.Value - j.Expected)
		c.furthest = max(c.furthest*math.Exp(-passed/float64(furthestSpan)), off)
		if off < steadyShare*c.peak || c.peak < steadyShare*off {
			c.steady = j.Time
		}
		c.peak = max(c.peak, off)
	case !c.Began.IsZero():
		if c.back++; c.back >= backFor {
			c.Began, c.returned, c.back = time.Time{}, j.Time, 0
		}
	}
}

// clear reports whether the series is outside, and was beyond the band's edge.
func (c *Course) clear() bool { return !c.Began.IsZero() && c.beyond >= clearFor }

// recovering reports whether the series is outside, since not longer than within,
// and has come back by two thirds of how far it lately was.
func (c *Course) recovering(j detector.Judgement, within time.Duration) bool {
	return !c.Began.IsZero() && j.Time.Sub(c.Began) <= within && math.Abs(j.Value-j.Expected) <= c.furthest/3
}

// steadyFor reports whether the series has been about as far off as it ever was
// for so long.
func (c *Course) steadyFor(now time.Time, long time.Duration) bool {
	return !c.Began.IsZero() && now.Sub(c.steady) >= long
}
