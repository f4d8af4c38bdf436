package backtest

import (
	"cmp"
	"slices"
	"time"

	"tidemark/engine"
	"tidemark/incident"
)

// ledger keeps the newest state of all incidents and anomalies. It grows with
// what is found, not with the length of the range.
type ledger struct {
	incidents map[string]incident.Incident
	anomalies map[string]incident.Anomaly
}

func newLedger() *ledger {
	return &ledger{map[string]incident.Incident{}, map[string]incident.Anomaly{}}
}

// note takes what the engine knows after a slot.
func (l *ledger) note(s *engine.Snapshot) {
	for _, in := range s.Incidents {
		if !in.FiredAt.IsZero() {
			l.incidents[in.ID] = in
		}
	}
	for _, list := range [][]incident.Anomaly{s.Anomalies, s.Ended} {
		for _, a := range list {
			if a.IncidentID == "" {
				// The engine forgets an incident that was resolved a while
				// ago; the anomaly was part of it all the same.
				a.IncidentID = l.anomalies[a.ID].IncidentID
			}
			l.anomalies[a.ID] = a
		}
	}
}

// fired returns the incidents that fired, by onset.
func (l *ledger) fired() []incident.Incident {
	return inOrder(l.incidents, func(in incident.Incident) (time.Time, string) { return in.StartedAt, in.ID })
}

// seen returns all anomalies, by onset. One of an incident that never fired
// belongs to none.
func (l *ledger) seen() []incident.Anomaly {
	all := inOrder(l.anomalies, func(a incident.Anomaly) (time.Time, string) { return a.StartedAt, a.ID })
	for i := range all {
		if _, ok := l.incidents[all[i].IncidentID]; !ok {
			all[i].IncidentID = ""
		}
	}
	return all
}

// inOrder returns the values of m by their time and ID.
func inOrder[T any](m map[string]T, of func(T) (time.Time, string)) []T {
	out := make([]T, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b T) int {
		at, aid := of(a)
		bt, bid := of(b)
		return cmp.Or(at.Compare(bt), cmp.Compare(aid, bid))
	})
	return out
}

// pages returns the incidents that somebody was told of.
func (r *Report) pages() []incident.Incident {
	return slices.DeleteFunc(slices.Clone(r.Incidents), func(in incident.Incident) bool { return in.SuppressedBy != "" })
}

// suppressed counts the others.
func (r *Report) suppressed() int { return len(r.Incidents) - len(r.pages()) }
