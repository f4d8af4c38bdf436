package rules

import (
	"math"
	"slices"
	"time"

	"tidemark/detector"
)

// changeSlack is by how many steps an onset may seem to lie before what caused
// it: a rate over a window rises before a new label is first seen.
const changeSlack = 3

// riseSlack is the same for what itself rises over minutes, such as traffic: its
// consequences may be the first to be seen.
const riseSlack = 6

// checkChange looks for a change shortly before one of the onsets.
func (c *Condition) checkChange(v *View, onsets []time.Time) finding {
	f := finding{cond: c, Outcome: Unseen}
	for _, name := range c.Signals {
		if sight, ok := v.Signals[name]; ok && sight.Err == nil {
			f.Outcome = NotMet
		}
	}
	for i := range v.Changes {
		ch := &v.Changes[i]
		if !slices.Contains(c.Signals, ch.Kind) {
			continue
		}
		for _, onset := range onsets {
			before := onset.Sub(ch.At)
			if before <= time.Duration(c.Within) && before >= -changeSlack*v.Step {
				return finding{Outcome: Met, cond: c, change: ch, surprise: factSurprise}
			}
		}
	}
	return f
}

// follows reports whether a deviation that is met began after one of what the
// condition names, and is clear enough for that not to be chance. After a change
// it needs as much less surprise as such a coincidence is rare, see coincidence.
// What follows another deviation has to be an anomaly by itself: while that one
// lasts, everything that wanders follows it at some time. What contradicts a rule
// need not be so clear, nor what an open incident rests on.
func (c *Condition) follows(v *View, f finding, open bool) Outcome {
	began := c.began(v, f.by, open)
	clear := f.by.Signal.Sensitivity
	if open || c.contradicts {
		clear = 0
	}
	for i := range v.Changes {
		ch := &v.Changes[i]
		after := began.Sub(ch.At)
		if !slices.Contains(c.After, ch.Kind) || after < -changeSlack*v.Step || after > time.Duration(c.Within) {
			continue
		}
		// What spoke for the deviation before the change does not speak against it.
		gained := f.surprise - f.by.Course.trail.surprise(ch.At.Add(-v.Step), detector.Direction(c.Is))
		if c.contradicts || open {
			gained = f.surprise
		}
		if gained >= clear-v.coincidence(ch.Kind, after) {
			return Met
		}
	}
	for _, name := range c.After {
		for i := range v.Signals[name].Series {
			o := &v.Signals[name].Series[i]
			if o.since().IsZero() || !(o.Judgement.Value > o.Judgement.Expected) {
				continue
			}
			if !began.Before(o.first(v.Time).Add(-riseSlack*v.Step)) && f.surprise >= clear {
				return Met
			}
		}
	}
	return NotMet
}

// began returns when a deviation began that has to follow a change: when it first
// deviated or, if that follows none, with a change since which it is several times as
// bad. Errors that wandered a little before a deploy and are ten times as many after it
// have two causes. Of what an open incident rests on it is enough that it became worse
// at once then, which is remembered for longer.
func (c *Condition) began(v *View, o *Observation, open bool) time.Time {
	first := o.first(v.Time)
	began := first
	for i := range v.Changes { // newest first
		ch := &v.Changes[i]
		if !slices.Contains(c.After, ch.Kind) {
			continue
		}
		after := first.Sub(ch.At)
		switch {
		case after > time.Duration(c.Within):
			return began
		case after >= -changeSlack*v.Step:
			return first
		case o.Course.leapt(ch.At), open && !o.Course.struck.Before(ch.At.Add(-changeSlack*v.Step)):
			began = ch.At
		}
	}
	return began
}

// coincidence returns how many decades of surprise it is worth that a deviation
// began so long after a change of a kind. One of n changes a week lies as near to
// any instant with the probability
//
//	p = n·(after + slack) / week
//
// which is worth −log10 p. Two decades of them are what keeps a rule quiet that
// rests on one deviation of several, at any time; the rest, up to one, may be
// missing from the deviation's own surprise.
func (v *View) coincidence(kind string, after time.Duration) float64 {
	const week, usual = 7 * 24 * time.Hour, 2
	n := 0
	var newer time.Time
	for _, ch := range v.Changes { // newest first
		if ch.Kind != kind || v.Time.Sub(ch.At) > week {
			continue
		}
		if newer.IsZero() || newer.Sub(ch.At) > onsetSpread { // else replicas that follow each other
			n++
		}
		newer = ch.At
	}
	p := float64(n) * float64(after.Abs()+changeSlack*v.Step) / float64(week)
	return min(max(-math.Log10(p)-usual, 0), jointRelief)
}

// settledAt returns from when on a deviation that is met lasts: since it began,
// and since the newest change that it has to follow. What a restart shows by
// itself does not add up over several of them.
func (c *Condition) settledAt(v *View, o *Observation) time.Time {
	at := o.since()
	if at.IsZero() {
		return v.Time
	}
	for _, ch := range v.Changes {
		if slices.Contains(c.After, ch.Kind) && ch.At.After(at) {
			at = ch.At
		}
	}
	return at
}
