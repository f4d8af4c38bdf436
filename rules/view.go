package rules

import (
	"cmp"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/signal"
)

// View is all that the rules may look at: one scope at one time.
type View struct {
	Scope   model.LabelSet
	Time    time.Time
	Step    time.Duration
	Signals map[string]Sight // by name; a signal that is not configured is missing
	Changes []Change         // recent ones of the scope, newest first

	// After is when evidence of the scope's last incident was last seen; zero if
	// there was none lately. What began by then is its aftermath.
	After time.Time

	// Place is where the scope stands in the service graph; nil if it is not one
	// of its services.
	Place *Place
}

// Sight is what is seen of one signal in the scope. Err says that it could not
// be read. Without an error, an empty Series means that there is nothing of
// the signal in this scope.
type Sight struct {
	Err    error
	Series []Observation
}

// Observation is the newest judgement of one series.
type Observation struct {
	Signal    *signal.Signal
	Labels    model.LabelSet
	Judgement detector.Judgement

	// Absent is set if the series had values and has had none for a while.
	Absent bool

	// Course is how the series went in the last slots.
	Course Course
}

// since returns when the deviation began that goes on now: the onset of its
// anomaly or, if it is none, when the values left the band; zero if that is not
// known. An anomaly that was over in between, though not for long enough to end,
// and is clear again, is a new deviation.
func (o *Observation) since() time.Time {
	s := o.Judgement.Since
	if s.IsZero() || s.Before(o.Course.returned) && o.Course.clear() {
		return o.Course.Began
	}
	return s
}

// stale reports whether there is an anomaly that was over in between: what the
// detector's windows remember of it says nothing about the deviation of now.
func (o *Observation) stale() bool {
	return !o.Judgement.Since.IsZero() && o.Judgement.Since.Before(o.Course.returned)
}

// first returns when the series first deviated without having been well for
// long: before since, if its anomaly goes on from an earlier deviation. It is now
// if that is not known.
func (o *Observation) first(now time.Time) time.Time {
	return cmp.Or(o.Judgement.Since, o.Course.Began, now)
}

// onsetSpread is how far apart the onsets of one fault's symptoms may lie. An
// anomaly that is older than that belongs to another story.
const onsetSpread = 15 * time.Minute

// onsets returns when those of the findings began that are met and are not left
// over from the scope's last incident, and when they left their bands, which is
// later if something wandered before; if there are none, it is the view's time. Open is
// set for what an open incident rests on.
func (v *View) onsets(findings []finding, open bool) []time.Time {
	var out []time.Time
	for _, f := range findings {
		if f.Outcome == Met && f.cond.deviation() {
			since := f.by.since()
			if len(f.cond.After) > 0 {
				since = f.cond.began(v, f.by, open)
			}
			if since.After(v.After) {
				out = append(out, since)
			}
			if edge := f.by.Course.edge; len(f.cond.After) == 0 && edge.After(v.After) {
				out = append(out, edge)
			}
		}
	}
	if out == nil {
		return []time.Time{v.Time}
	}
	return out
}

// story returns the earliest of the times that belongs to one story with the
// latest of them: it is not left over from the scope's last incident and lies
// within onsetSpread of it. Without any times it is the view's time.
func (v *View) story(times []time.Time) (earliest, latest time.Time) {
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	if latest.IsZero() {
		return v.Time, v.Time
	}
	earliest = latest
	for _, t := range times {
		if t.Before(earliest) && t.After(v.After) && latest.Sub(t) <= onsetSpread {
			earliest = t
		}
	}
	return earliest, latest
}
