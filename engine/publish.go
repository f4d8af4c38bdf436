package engine

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/incident"
)

// publish makes what the engine knows visible to readers.
func (e *Engine) publish() {
	s := &Snapshot{
		Time: e.last, Ready: e.ready, Progress: e.progress, Err: e.blind,
		Incidents: e.book.Incidents(),
		Changes:   slices.Clone(e.changes),
		Ended:     slices.Clone(e.ended),
	}
	for _, w := range e.signals {
		status := SignalStatus{Signal: *w.signal, Err: w.err}
		if e.blind != nil {
			status.Err = e.blind
		}
		for _, t := range w.tracks {
			if !w.signal.Judged() {
				continue
			}
			status.Series = append(status.Series, SeriesStatus{Labels: t.labels, Scope: t.scope, Judgement: t.judgement})
			if t.anomaly != nil {
				s.Anomalies = append(s.Anomalies, *t.anomaly)
			}
		}
		s.Signals = append(s.Signals, status)
	}
	for i := range s.Anomalies {
		link(&s.Anomalies[i], s.Incidents)
	}
	for i := range s.Ended {
		link(&s.Ended[i], s.Incidents)
	}
	e.snapshot.Store(s)
	e.metrics.set(s)
}

// belongs is how much earlier than its incident an anomaly may begin and still
// be part of it.
const belongs = 15 * time.Minute

// link names the incident that an anomaly is part of: the open one of its
// scope, or that its scope has joined, or the one that was open when it began.
func link(a *incident.Anomaly, incidents []incident.Incident) {
	for _, in := range incidents {
		here := contains(in.Verdict.Scope, a.Scope) ||
			slices.ContainsFunc(in.Verdict.Joined, func(scope model.LabelSet) bool { return agree(a.Scope, scope) })
		if in.SupersededBy != "" || !here {
			continue
		}
		if a.StartedAt.Before(in.StartedAt.Add(-belongs)) {
			continue
		}
		if in.Open() || !a.StartedAt.After(in.ResolvedAt) {
			a.IncidentID = in.ID
			return
		}
	}
}

// states counts the series of the snapshot by state.
func (s *Snapshot) states() map[detector.State]int {
	n := map[detector.State]int{}
	for _, sig := range s.Signals {
		for _, series := range sig.Series {
			n[series.Judgement.State]++
		}
	}
	return n
}
