package rules

import (
	"math"
	"slices"
	"time"

	"tidemark/detector"
	"tidemark/signal"
)

// demands returns what becomes of a deviation that is met, by what else the
// condition asks of it: Met if that holds, or else the outcome of the first demand
// that does not.
func (c *Condition) demands(v *View, f finding, open bool) Outcome {
	o := f.by
	for _, demand := range [...]struct {
		made  bool
		holds func() Outcome
	}{
		{c.Lasting > 0, func() Outcome { return c.lasts(v, o, open) }},
		{c.Steady > 0, func() Outcome { return c.steadies(v, o) }},
		{len(c.WorseSince) > 0, func() Outcome { return c.worsened(v, o) }},
		{len(c.Material) > 0 && !open, func() Outcome { return c.material(v, o) }},
		{len(c.After) > 0, func() Outcome { return c.follows(v, f, open) }},
		{len(c.Outgrows) > 0, func() Outcome { return c.outgrows(v, o) }},
		{len(c.Less) > 0 && !open, func() Outcome { return c.less(v, o) }},
		{len(c.Explains) > 0, func() Outcome { return c.explains(v, o) }},
		{len(c.Per) > 0, func() Outcome { return c.totalUp(v, o) }},
	} {
		if !demand.made {
			continue
		}
		if outcome := demand.holds(); outcome != Met {
			return outcome
		}
	}
	return Met
}

// lasts reports whether a deviation that is met has gone on for long enough, and is
// more than what the windows remember of its beginning. What an open incident rests
// on may fade.
func (c *Condition) lasts(v *View, o *Observation, open bool) Outcome {
	j := o.Judgement
	return met(v.Time.Sub(c.settledAt(v, o)) >= time.Duration(c.Lasting) &&
		(open || o.Signal.MinEffect.Reaches(j.Value, j.Expected)))
}

// outgrows compares how much a series has grown with what could explain it.
// Only a part of the series comes from there, so that by itself it grows by no
// larger a factor: misses that are up by half do not double the queries. Where
// it is known how many events there are per second, they are compared, too.
// Unseen is what cannot be compared.
func (c *Condition) outgrows(v *View, o *Observation) Outcome {
	factor := v.largest(c.Outgrows, growth)
	if math.IsNaN(factor) {
		return Unseen
	}
	return met(growth(o)-1 > outgrowFactor*max(factor-1, 0)+outgrowSlack ||
		excess(o) > outgrowEvents*max(v.largest(c.Outgrows, excess), 0))
}

// less reports whether a deviation reaches the minimum effect without the events
// that others have more than usual: a cache that misses a bit more often, each miss
// a query, is no new version that asks more often. Met if their numbers are not
// known.
func (c *Condition) less(v *View, o *Observation) Outcome {
	all, others := excess(o), v.largest(c.Less, excess)
	if !(all > 0) || !(others > 0) {
		return Met
	}
	j := o.Judgement
	rest := (j.Value - j.Expected) * max(1-others/all, 0)
	return met(o.Signal.MinEffect.Reaches(j.Expected+rest, j.Expected))
}

// explains reports whether a series has grown by enough events to account for what
// is off elsewhere: a cache that evicts two keys more a second does not miss fifty
// more for that. Met if the numbers of events are not known.
func (c *Condition) explains(v *View, o *Observation) Outcome {
	of := v.largest(c.Explains, excess)
	return met(math.IsNaN(of) || !(of > explainEvents*excess(o)))
}

const (
	explainEvents = 10  // misses that one key too few may cost
	outgrowFactor = 2   // the keys that are missed may cost twice what others do
	outgrowSlack  = 0.1 // two values of one minute are not exact
	outgrowEvents = 5   // queries that a miss may cost
)

// excess returns how many more events there are per second than expected, NaN if
// that is not known. A ratio that is bad when it is low counts the rest.
func excess(o *Observation) float64 {
	j := o.Judgement
	switch s := o.Signal; {
	case s.Kind == detector.Ratio && s.Direction == detector.Down:
		return (j.Expected - j.Value) * j.Support
	case s.Kind == detector.Rate && s.Unit == "":
		return j.Value - j.Expected // per second by itself
	default:
		return (j.Value - j.Expected) * j.Support
	}
}

// totalUp reports whether at least half of the growth of a share is growth of
// the total, compared with the last half hour. Requests that nobody counted,
// since the process that served them was replaced, would else look like queries.
// Met if the total is not known.
func (c *Condition) totalUp(v *View, o *Observation) Outcome {
	of := v.largest(c.Per, func(o *Observation) float64 {
		if o.Course.Lately > 0 {
			return growth(o) / o.Course.Lately
		}
		return growth(o)
	})
	if math.IsNaN(of) {
		return Met
	}
	g := growth(o)
	return met(g*of-1 >= (g-1)/2)
}

// material reports whether a deviation would reach the minimum effect if all its
// events per second came on top of what is usual on an average day. In a quiet night
// a few more queries per request are nothing. Met if the load is not known.
func (c *Condition) material(v *View, o *Observation) Outcome {
	quiet := v.largest(c.Material, func(o *Observation) float64 {
		if o.Course.Daily > 0 {
			return o.Course.Daily / o.Judgement.Value
		}
		return math.NaN()
	})
	return met(math.IsNaN(quiet) || growth(o)-1 >= o.Signal.MinEffect.Relative*quiet)
}

// worsened reports whether a series got worse since the newest of the changes that
// the condition names.
func (c *Condition) worsened(v *View, o *Observation) Outcome {
	at, ok := c.newest(v, c.WorseSince)
	return met(ok && o.Course.worsened(at))
}

// steadies reports whether a series gets neither better nor much worse, since the
// newest of the changes that the condition names.
func (c *Condition) steadies(v *View, o *Observation) Outcome {
	at, _ := c.newest(v, c.SteadySince)
	return met(o.Course.steadyFor(v.Time, time.Duration(c.Steady), at))
}

// newest returns when the newest of the changes was that lie within the time that the
// condition gives them, and whether there is one.
func (c *Condition) newest(v *View, changes signal.Names) (time.Time, bool) {
	for i := range v.Changes { // newest first
		if ch := &v.Changes[i]; slices.Contains(changes, ch.Kind) && v.Time.Sub(ch.At) <= time.Duration(c.Within) {
			return ch.At, true
		}
	}
	return time.Time{}, false
}

// largest returns the largest number that f gives for a series of the first of
// the signals for which it gives any, or NaN.
func (v *View) largest(names signal.Names, f func(*Observation) float64) float64 {
	for _, name := range names {
		most := math.NaN()
		for i := range v.Signals[name].Series {
			if x := f(&v.Signals[name].Series[i]); !math.IsNaN(x) && !(x <= most) {
				most = x
			}
		}
		if !math.IsNaN(most) {
			return most
		}
	}
	return math.NaN()
}

// growth returns by which factor a series is above what is expected, NaN if that
// is not known. A ratio that is bad when it is low counts the rest: hits as
// misses.
func growth(o *Observation) float64 {
	j := o.Judgement
	if o.Signal.Kind == detector.Ratio && o.Signal.Direction == detector.Down {
		return (1 - j.Value) / (1 - j.Expected)
	}
	return j.Value / j.Expected
}
