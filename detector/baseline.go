package detector

import (
	"math"
	"slices"
	"time"
)

// fullWeight is how long even an anomaly teaches the day profile at full
// weight, so that a nightly job that was there from the start is known soon.
const fullWeight = 7 * 24 * time.Hour

// anomalyWeight is the share of its usual weight with which an anomaly teaches
// the day profile later: a job that is new is known after some nights, and one
// incident moves the next day's baseline by 5 % of its size.
const anomalyWeight = 1.0 / 3

// A job that was moved, or began, at an hour where something else was known for
// long would alarm for weeks. If an hour had an anomaly of about the same size on
// the two days before, it is learned within the third.
const (
	habitFactor = 3.0 // within which sizes are about the same
	habitWeight = 3.0 // of such a day in the profile: 1−exp(−3) is 95 %
)

// habits remember the anomalies of the last days by the hour, without order. There
// are few.
type habits []habit

// habit is that of one hour of the day.
type habit struct {
	today  float32 // largest residual of the newest day
	before float32 // and of the day before that, 0 if there was none
	day    int32   // the newest, in days since the epoch
	hour   int8
	twice  bool // the day before that had one like it
}

// of returns the habit of an hour, nil if there is none.
func (p habits) of(hour int) *habit {
	for i := range p {
		if int(p[i].hour) == hour {
			return &p[i]
		}
	}
	return nil
}

// learn takes in a residual of an anomaly.
func (p *habits) learn(day int32, hour int, r float64) {
	*p = slices.DeleteFunc(*p, func(h habit) bool { return h.day < day-1 })
	h := p.of(hour)
	switch {
	case h == nil:
		// Concat takes no more than it holds.
		*p = slices.Concat(*p, habits{{today: float32(r), day: day, hour: int8(hour)}})
	case h.day < day:
		h.twice = alike(float64(h.today), float64(h.before))
		h.before, h.today, h.day = h.today, float32(r), day
	case math.Abs(r) > math.Abs(float64(h.today)):
		h.today = float32(r)
	}
}

// explain reports whether a residual is like those of the two days before.
func (p habits) explain(day int32, hour int, r float64) bool {
	h := p.of(hour)
	switch {
	case h == nil:
		return false
	case h.day == day:
		return h.twice && alike(r, float64(h.before))
	case h.day == day-1:
		return alike(float64(h.today), float64(h.before)) && alike(r, float64(h.today))
	default:
		return false
	}
}

// alike reports whether a and b have the same sign and about the same size.
func alike(a, b float64) bool { return a*b > 0 && a/b < habitFactor && b/a < habitFactor }

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
	habits      habits
	fast        float64
	slow, local float64
	seen        float64 // samples learned
	settled     float64 // samples learned since a shift was accepted, less the hour that it is usually known from
	seasonal    bool    // the newest expectation came from the season
}

func newBaseline(p pace) baseline {
	return baseline{pace: p, day: newDayProfile(p, maxDayBins), week: newWeekProfile()}
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

// learn takes in a level y whose residual is r and, clipped, is pull. If held,
// only the day profile learns, at a lower weight.
func (b *baseline) learn(at instant, y, r, pull float64, held bool) {
	b.seen++
	if !held {
		b.settled++
		if b.seasonal {
			slow := b.pace.rate(rememberSlow)
			b.slow += pull * slow
			b.local += pull * (b.localRate() - slow)
		}
		b.fast += (y - b.fast) * max(1/b.seen, b.pace.rate(rememberFast))
	}
	if b.week != nil {
		if day, ok := b.day.at(at.day); ok {
			b.week.learn(at.week, y-b.slow-day, held)
		}
	}
	days := b.seen / b.pace.samples(24*time.Hour)
	weight := max(seasonWeight, 1/max(days, 1))
	if held && b.seen > b.pace.samples(fullWeight) {
		weight *= anomalyWeight
		b.habits.learn(at.date, at.hour(), r)
	}
	if b.habits.explain(at.date, at.hour(), r) {
		weight = habitWeight
	}
	b.day.learn(at.day, y-b.slow, weight*b.pace.seconds/b.day.width())
}

// localRate returns the weight of a sample in the local offset. A level that was
// accepted is known from one hour or less, and is made more precise by what comes
// until it is four.
func (b *baseline) localRate() float64 {
	return max(b.pace.rate(rememberLocal), 1/(b.pace.samples(longWindow)+b.settled))
}

// shift accepts a residual, the mean of n samples, as the new normal.
func (b *baseline) shift(r float64, n int) {
	b.settled = float64(n) - b.pace.samples(longWindow)
	b.fast += r
	if b.seasonal {
		b.local += r
	}
	if b.week != nil {
		b.week.accept()
	}
}
