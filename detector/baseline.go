package detector

import (
	"math"
	"time"
)

// fullWeight is how long even an anomaly teaches the day profile at full
// weight, so that a nightly job that was there from the start is known soon.
const fullWeight = 7 * 24 * time.Hour

// anomalyWeight is the share of its usual weight with which an anomaly teaches
// the day profile later: a job that is new is known after some nights, and one
// incident moves the next day's baseline by 5 % of its size.
const anomalyWeight = 1.0 / 3

// baseline is the expected level of a continuous quantity:
//
//	expected = day(t) + week(t) + slow + local
//
// The day profile holds absolute levels less the slow offset, and not deviations
// from a running mean, which would be wrong on the second day. While the time of
// day is not known yet, expected is a running mean.
type baseline struct {
	pace        pace
	day         dayProfile
	week        *weekProfile // nil without a weekly rhythm
	fast        float64
	slow, local float64
	seen        float64 // samples learned
	settled     float64 // samples learned since a shift was accepted
	seasonal    bool    // the newest expectation came from the season
}

func newBaseline(p pace, weekly bool) *baseline {
	b := &baseline{pace: p, day: newDayProfile(p.step)}
	if weekly {
		b.week = &weekProfile{}
	}
	return b
}

// expect returns the expected level; 0 before the first sample.
func (b *baseline) expect(at instant) float64 {
	day, ok := b.day.at(at.day)
	if b.seasonal = ok; !ok {
		return b.fast
	}
	if b.week != nil {
		day += b.week.at(at.week)
	}
	return day + b.slow + b.local
}

// learn takes in a level y whose residual, clipped, is r. If held, only the day
// profile learns, at a lower weight.
func (b *baseline) learn(at instant, y, r float64, held bool) {
	b.seen++
	if !held {
		b.settled++
		if b.seasonal {
			slow := b.pace.rate(rememberSlow)
			b.slow += r * slow
			b.local += r * (b.localRate() - slow)
		}
		b.fast += (y - b.fast) * math.Max(1/b.seen, b.pace.rate(rememberFast))
		if b.week != nil {
			if day, ok := b.day.at(at.day); ok {
				b.week.learn(at.week, y-b.slow-day, b.pace.samples(time.Hour))
			}
		}
	}
	days := b.seen / b.pace.samples(24*time.Hour)
	weight := math.Max(seasonWeight, 1/math.Max(days, 1))
	if held && b.seen > b.pace.samples(fullWeight) {
		weight *= anomalyWeight
	}
	b.day.learn(at.day, y-b.slow, weight*math.Min(1, b.pace.seconds/b.day.width))
}

// localRate returns the weight of a sample in the local offset. A level that was
// accepted is known from one hour, and is made more precise by the next three.
func (b *baseline) localRate() float64 {
	return math.Max(b.pace.rate(rememberLocal), 1/(b.pace.samples(longWindow)+b.settled))
}

// shift accepts a residual as the new normal.
func (b *baseline) shift(r float64) {
	b.settled = 0
	b.fast += r
	if b.seasonal {
		b.local += r
	}
}
