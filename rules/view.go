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

// onset estimates when the trouble in the scope began: the earliest onset of
// its anomalies that is close to the newest one, or the view's time if nothing
// is anomalous.
func (v *View) onset() time.Time {
	var all []time.Time
	for _, s := range v.Signals {
		for _, o := range s.Series {
			if o.Judgement.State == detector.Anomalous {
				all = append(all, o.Judgement.Since)
			}
		}
	}
	return earliestRecent(all, v.Time)
}

// earliestRecent returns the earliest of the times that lies within
// onsetSpread of the latest, or fallback if there are none.
func earliestRecent(times []time.Time, fallback time.Time) time.Time {
	var latest time.Time
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	if latest.IsZero() {
		return fallback
	}
	first := latest
	for _, t := range times {
		if t.Before(first) && latest.Sub(t) <= onsetSpread {
			first = t
		}
	}
	return first
}
