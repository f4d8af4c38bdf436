package httpapi

import (
	"net/http"
	"slices"
	"time"

	"tidemark/engine"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// Lengths of the lists on the overview.
const (
	resolvedShown = 8
	changesShown  = 8
	quietRefresh  = 30 // seconds
)

type overview struct {
	Snapshot    *engine.Snapshot
	Reason      string // why it is not ready
	Late        string // by how much the newest slot is late; empty if it is not
	Firing      []incidentRow
	Pending     []incidentRow
	Suppressed  []incidentRow // open
	Resolved    []incidentRow
	HistoryGone string // why history cannot be read
	Blind       []engine.SignalStatus
	Loose       int // active anomalies that belong to no incident
	Changes     []rules.Change
	Series      stateCounts
	Signals     int
}

func (a *API) overviewPage(w http.ResponseWriter, _ *http.Request) {
	s := a.opts.Engine.Snapshot()
	p := overview{Snapshot: s, Signals: len(s.Signals), Changes: s.Changes[:min(len(s.Changes), changesShown)]}
	if !s.Ready {
		p.Reason = unreadyReason(s)
	}
	if late := a.late(s.Time); late > 0 {
		p.Late = span(late)
	}
	for _, in := range s.Incidents {
		switch {
		case !in.Open():
		case in.SuppressedBy != "":
			p.Suppressed = append(p.Suppressed, rowOf(in))
		case in.State == incident.Firing:
			p.Firing = append(p.Firing, rowOf(in))
		default:
			p.Pending = append(p.Pending, rowOf(in))
		}
	}
	slices.SortStableFunc(p.Firing, func(x, y incidentRow) int { return y.urgency() - x.urgency() })

	resolved, _, err := a.findIncidents(filter{state: string(incident.Resolved), limit: resolvedShown})
	if err != nil {
		p.HistoryGone = err.Error()
	}
	p.Resolved = formsOf(resolved, rowOf)

	for _, sig := range s.Signals {
		if sig.Err != nil {
			p.Blind = append(p.Blind, sig)
		}
		p.Series.add(sig.Series)
	}
	for _, an := range s.Anomalies {
		if an.IncidentID == "" {
			p.Loose++
		}
	}
	a.show(w, http.StatusOK, "overview", frame{Title: "Overview", Section: "/", Refresh: quietRefresh, Page: p})
}

// incidentRow is an incident in a list.
type incidentRow struct {
	incident.Incident
	Lasts string // how long it lasts, or lasted
}

// Victims are the components and the services that suffer.
func (r incidentRow) Victims() []string {
	v := r.Verdict
	return append(formsOf(v.Victims, func(c signal.Component) string { return string(c) }), v.Callers...)
}

func rowOf(in incident.Incident) incidentRow {
	return incidentRow{in, lasts(in)}
}

func lasts(in incident.Incident) string {
	if in.Open() {
		return span(max(time.Since(in.StartedAt), 0))
	}
	return span(in.ResolvedAt.Sub(in.StartedAt))
}

// urgency orders severities.
func (r incidentRow) urgency() int {
	return slices.Index([]rules.Severity{rules.Info, rules.Warning, rules.Critical}, r.Verdict.Severity)
}
