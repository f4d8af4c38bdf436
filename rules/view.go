package rules

import (
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
}

// onsetSpread is how far apart the onsets of one fault's symptoms may lie. An
// anomaly that is older than that belongs to another story.
const onsetSpread = 15 * time.Minute

// onsets returns when the anomalies in the scope began that go on and are not
// left over from its last incident, or the view's time if there are none.
func (v *View) onsets() []time.Time {
	var all []time.Time
	for _, s := range v.Signals {
		for _, o := range s.Series {
			j := o.Judgement
			if j.State == detector.Anomalous && j.Since.After(v.After) && !inside(j, j.Direction) {
				all = append(all, j.Since)
			}
		}
	}
	if all == nil {
		all = []time.Time{v.Time}
	}
	return all
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
