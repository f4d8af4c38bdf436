package rules

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/signal"
)

// Expectation is what a condition expects of a signal.
type Expectation string

// The expectations. The zero value goes with below or above.
const (
	IsUp      Expectation = "up"      // deviates upwards
	IsDown    Expectation = "down"    // deviates downwards
	IsAbsent  Expectation = "absent"  // had values and has none now
	IsChanged Expectation = "changed" // a change event shortly before the onset

	// IsRecovering is a series that left its band and, within a quarter of an
	// hour, has come back by two thirds.
	IsRecovering Expectation = "recovering"
)

// Condition is one thing that a rule expects.
type Condition struct {
	// Signals are alternatives that tell the same thing in several ways, such
	// as db_queries_per_request and db_qps given the requests. The strongest
	// series counts, once.
	Signals signal.Names `yaml:"signal"`
	Is      Expectation  `yaml:"is,omitempty"`
	Below   *float64     `yaml:"below,omitempty"`
	Above   *float64     `yaml:"above,omitempty"`

	// Within is how long before the onset of what the rule rests on, or of the
	// deviation that has to follow it, a change may lie, and how soon what
	// recovers did so; default 15m.
	Within model.Duration `yaml:"within,omitempty"`

	// Outgrows names signals that could explain the deviation: it counts only as
	// far as it is larger than theirs, see outgrows.
	Outgrows signal.Names `yaml:"outgrows,omitempty"`

	// Explains names signals that the deviation would have to account for: it
	// counts only if it is large enough to, see explains.
	Explains signal.Names `yaml:"explains,omitempty"`

	// Less names signals whose additional events per second are taken out: what is
	// left has to reach the minimum effect, see less.
	Less signal.Names `yaml:"less,omitempty"`

	// Per names the signal that the series is a share of: queries per request of
	// requests. The deviation counts only if the total is up as well, see
	// totalUp.
	Per signal.Names `yaml:"per,omitempty"`

	// After names changes, or signals that deviate upwards, which the deviation
	// has to follow. One that began before them does not count, and one that
	// follows them by chance, as many do, has to be clear; see follows.
	After signal.Names `yaml:"after,omitempty"`

	// Lasting is how long the deviation must have gone on, since it began and
	// since the newest change of After; default 0. What is left of it by now has to
	// reach the minimum effect.
	Lasting model.Duration `yaml:"lasting,omitempty"`

	// Steady is for how long the deviation must have got neither better nor much
	// worse, or only very slowly better, see Course.steadyFor; default 0.
	Steady model.Duration `yaml:"steady,omitempty"`

	// SteadySince names changes, from the newest of which on Steady counts: what has
	// to warm up begins anew with each of them.
	SteadySince signal.Names `yaml:"steady_since,omitempty"`

	// WorseSince names changes, since the newest of which the deviation has become
	// twice as bad as it was in the first minutes: what has to warm up is at its
	// worst in the beginning.
	WorseSince signal.Names `yaml:"worse_since,omitempty"`

	// Material names the load that the series is a share of, or depends on: the
	// deviation counts only if the minimum effect is reached in events per second
	// at the load of an average day, see material.
	Material signal.Names `yaml:"material,omitempty"`

	// Because is a template for the sentence that rules the failure mode out
	// when this condition decides against it. Default: a sentence with the
	// numbers.
	Because string `yaml:"because,omitempty"`

	relief      float64 // how far below the signal's sensitivity it is met
	placed      *placed // where a rule for the services of the graph stands; else nil
	reason      *sentence
	contradicts bool // it stands under none
}

// DefaultChangeWithin is how long before an onset a change is suspected.
const DefaultChangeWithin = 15 * time.Minute

// deviation reports whether the condition is about a deviation from a baseline.
func (c Condition) deviation() bool { return c.Is == IsUp || c.Is == IsDown }

// fact reports whether the condition is a witness that needs no statistics.
func (c Condition) fact() bool { return c.Is == IsChanged || c.Below != nil || c.Above != nil }

// Outcome is what became of a condition: it is three-valued, since not seen is
// not the same as not met.
type Outcome int

// The outcomes.
const (
	Unseen Outcome = iota // nothing to judge by: not configured, a gap, learning, unreadable
	NotMet
	Met
)

// finding is the outcome of a condition and the observation that decided it.
type finding struct {
	Outcome
	cond     *Condition
	by       *Observation // nil for changes, and if nothing was seen
	change   *Change      // the change that met IsChanged
	surprise float64      // how strongly it is met
	twice    bool         // it was seen in two slots, far beyond what is usual
}

// check evaluates a condition that is not about a change on a view. Open relaxes
// the threshold for the conditions of an incident that is already open.
func (c *Condition) check(v *View, open bool) finding {
	best := finding{cond: c}
	for _, name := range c.Signals {
		sight := v.Signals[name]
		if sight.Err != nil {
			continue
		}
		for i := range sight.Series {
			f := c.checkSeries(&sight.Series[i], open)
			if c.placed != nil {
				c.placed.weigh(v, &f)
			}
			if f.Outcome == Met {
				f.Outcome = c.demands(v, f, open)
			}
			if f.Outcome > best.Outcome || f.Outcome == best.Outcome && f.surprise > best.surprise {
				best = f
			}
		}
	}
	return best
}

// expected reports whether a condition that sees nothing could: one of its
// signals has series, or could not be read. One that nobody configured will not
// speak, and nothing may wait for it.
func (c *Condition) expected(v *View) bool {
	return slices.ContainsFunc(c.Signals, func(name string) bool {
		sight := v.Signals[name]
		return sight.Err != nil || len(sight.Series) > 0
	})
}

// factSurprise is the weight of a plain fact (a change, a value beyond a fixed
// limit) among surprises: as strong as a clear anomaly.
const factSurprise = 5

func (c *Condition) checkSeries(o *Observation, open bool) finding {
	f := finding{cond: c, by: o}
	j := o.Judgement
	switch {
	case c.Is == IsAbsent:
		f.Outcome = met(o.Absent)
		f.surprise = factSurprise
	case j.State == detector.Unknown:
		f.Outcome = Unseen
	case c.Below != nil:
		f.Outcome = met(j.Value < *c.Below)
		f.surprise = factSurprise
	case c.Above != nil:
		f.Outcome = met(j.Value > *c.Above)
		f.surprise = factSurprise
	case j.State == detector.Learning:
		f.Outcome = Unseen
	case c.Is == IsRecovering:
		f.Outcome = met(o.Course.recovering(j, time.Duration(c.Within)))
	default:
		dir := detector.Direction(c.Is)
		f.surprise = j.Surprise(dir)
		threshold := o.Signal.Sensitivity - c.relief
		if open {
			threshold /= 2
		}
		f.Outcome = met(f.surprise >= threshold && !inside(j, dir) && (open || !o.stale() || beyond(j, dir)))
	}
	return f
}

// inside reports whether the newest value is clearly back in its band: nearer
// to what is expected than to the band's edge. The surprise alone cannot tell
// when a deviation is over, since it looks at windows that still hold it.
func inside(j detector.Judgement, d detector.Direction) bool {
	if d == detector.Up {
		return j.Value-j.Expected < (j.Upper-j.Expected)/2
	}
	return j.Expected-j.Value < (j.Expected-j.Lower)/2
}

// beyond reports whether the value is outside of the band on the side of d.
func beyond(j detector.Judgement, d detector.Direction) bool {
	if d == detector.Up {
		return j.Value > j.Upper
	}
	return j.Value < j.Lower
}

func met(b bool) Outcome {
	if b {
		return Met
	}
	return NotMet
}
