package engine

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/incident"
)

// Selection says of which series the present level is accepted: those that fit
// all that is set. The incident or the signal must be.
type Selection struct {
	Incident string         // ID: only its evidence and anomalies
	Signal   string         // name
	Labels   model.LabelSet // that the series has, among others
}

// Acceptance is what became of the selected series.
type Acceptance struct {
	Accepted []incident.Acceptance
	Skipped  []Skipped // series that stay as they are
}

// Skipped is a selected series that has nothing to accept.
type Skipped struct {
	Signal string
	Labels model.LabelSet
	State  detector.State // normal, or one in which its level is not known
}

// UnknownError says that what a selection names does not exist.
type UnknownError struct{ what string }

func (e *UnknownError) Error() string { return e.what }

// UnjudgedError says that the level of no selected series is known at present.
type UnjudgedError struct{ what string }

func (e *UnjudgedError) Error() string { return e.what }

// Accept takes the present level of the selected series for normal: their
// anomalies end, and the incidents that rest on them end as if the series had
// come back. Series that are not off stay as they are, so that asking twice does
// no more than asking once. The acceptances are part of the ledger from then on
// (see Remember). By says whose word it is. The goroutine that calls Eval calls
// Accept.
func (e *Engine) Accept(s Selection, by string) (Acceptance, error) {
	var out Acceptance
	chosen, err := e.choose(s)
	if err != nil {
		return out, err
	}
	unjudged := 0
	for _, c := range chosen {
		switch state := c.track.judgement.State; {
		case c.off():
			a := incident.Acceptance{At: e.last, By: by, Signal: c.signal.Name, Labels: c.track.labels}
			for _, in := range e.book.Incidents() {
				if in.Open() && part(in, c) {
					e.book.Accept(in.ID, a)
				}
			}
			e.settle(c.track, e.last)
			out.Accepted = append(out.Accepted, a)
		default:
			if state != detector.Normal {
				unjudged++
			}
			out.Skipped = append(out.Skipped, Skipped{c.signal.Name, c.track.labels, state})
		}
	}
	if unjudged > 0 && unjudged == len(chosen) {
		return out, &UnjudgedError{fmt.Sprintf("%s of signal %s is %s: its level is not known, wait until it is judged",
			chosen[0].track.labels, chosen[0].signal.Name, chosen[0].track.judgement.State)}
	}
	if len(out.Accepted) > 0 {
		e.accepted = append(e.accepted, out.Accepted...)
		e.metrics.accepted.Add(float64(len(out.Accepted)))
		e.publish()
		e.notify()
	}
	return out, nil
}

// Remember gives the engine the acceptances of earlier runs, before it learns
// the history: the detectors then take each level for normal at the time at
// which they were told to, and not as an anomaly that goes on.
func (e *Engine) Remember(ledger []incident.Acceptance) { e.accepted = ledger }

// candidate is a series with its signal.
type candidate struct {
	*watched
	track *track
}

// choose returns the series of a selection, by the order of the signals.
func (e *Engine) choose(s Selection) ([]candidate, error) {
	signals, in := e.signals, incident.Incident{}
	if s.Incident != "" {
		var ok bool
		if in, ok = e.incident(s.Incident); !ok {
			return nil, &UnknownError{fmt.Sprintf("there is no incident %q", s.Incident)}
		}
		if !in.Open() {
			return nil, nil
		}
	}
	if s.Signal != "" {
		w := e.byName[s.Signal]
		if w == nil || !w.signal.Judged() {
			return nil, &UnknownError{fmt.Sprintf("there is no signal %q that has a baseline", s.Signal)}
		}
		signals = []*watched{w}
	}
	var out []candidate
	for _, w := range signals {
		for _, t := range w.tracks {
			c := candidate{w, t}
			if w.signal.Judged() && has(t, s.Labels) && (s.Incident == "" || part(in, c)) {
				out = append(out, c)
			}
		}
	}
	if out == nil {
		return nil, &UnknownError{fmt.Sprintf("there is no series with %s among those of the selection", s.Labels)}
	}
	return out, nil
}

func (e *Engine) incident(id string) (incident.Incident, bool) {
	for _, in := range e.book.Incidents() {
		if in.ID == id {
			return in, true
		}
	}
	return incident.Incident{}, false
}

// has reports whether a series has all of the labels.
func has(t *track, labels model.LabelSet) bool {
	for name, value := range labels {
		if t.labels[name] != value {
			return false
		}
	}
	return true
}

// part reports whether a series is evidence of the incident, or its anomaly
// belongs to it.
func part(in incident.Incident, c candidate) bool {
	if c.track.anomaly != nil {
		a := *c.track.anomaly
		if link(&a, []incident.Incident{in}); a.IncidentID != "" {
			return true
		}
	}
	return in.RestsOn(c.signal.Name, c.track.labels)
}

// off reports whether the series deviates: it is in an anomaly or would, at half
// of its sensitivity, still be evidence of an open incident.
func (c candidate) off() bool {
	j := c.track.judgement
	switch j.State {
	case detector.Anomalous:
		return true
	case detector.Normal:
		return j.Surprise(detector.Both) >= c.signal.Sensitivity/2
	default:
		return false
	}
}

// settle lets a series take its level for normal as of ts.
func (e *Engine) settle(t *track, ts time.Time) {
	t.detector.Accept()
	j := &t.judgement
	j.State, j.Up, j.Down = detector.Normal, 0, 0
	j.Direction, j.Since = "", time.Time{}
	e.end(t, ts)
}

// replay accepts what was accepted between the slot before ts and ts, for the
// signals of a window that shows ts again.
func (e *Engine) replay(ts time.Time, win window) {
	for _, a := range e.accepted {
		if a.At.After(ts) || !a.At.After(ts.Add(-e.step)) {
			continue
		}
		for _, s := range win {
			if s.signal.Name != a.Signal {
				continue
			}
			if t := s.index[a.Labels.String()]; t != nil && (candidate{s.watched, t}).off() {
				e.settle(t, ts)
			}
		}
	}
}
