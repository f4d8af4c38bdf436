package httpapi

import (
	"net/http"
	"net/url"
	"time"

	"tidemark/engine"
	"tidemark/incident"
)

// search is what the pages of lists have in common: the form of the filter, and
// where the next page is.
type search struct {
	Query   url.Values // as asked
	States  []string
	Signals []string // to choose from
	Rules   []string
	Next    string // query string of the next page; empty on the last
	Problem string // why there are no items
}

func (a *API) searchOf(r *http.Request, s *engine.Snapshot, states []string, cursor string, err error) search {
	p := search{Query: r.URL.Query(), States: states}
	for _, status := range s.Signals {
		if status.Signal.Judged() {
			p.Signals = append(p.Signals, status.Signal.Name)
		}
	}
	for _, rule := range a.opts.Configuration.Rules() {
		p.Rules = append(p.Rules, rule.Name)
	}
	if cursor != "" {
		q := r.URL.Query()
		q.Set("cursor", cursor)
		p.Next = "?" + q.Encode()
	}
	if err != nil {
		p.Problem = err.Error()
	}
	return p
}

// Asked reports whether the request filters at all.
func (s search) Asked() bool { return len(s.Query) > 0 }

// codeOf is the status code of an answer that an error may spoil.
func codeOf(err error) int {
	if err != nil {
		return asAPIError(err).code
	}
	return http.StatusOK
}

func (a *API) incidentsPage(w http.ResponseWriter, r *http.Request) {
	f, err := parseFilter(r, incidentStates, "rule")
	var found []incident.Incident
	var cursor string
	if err == nil {
		found, cursor, err = a.findIncidents(f)
	}
	a.show(w, codeOf(err), "incidents", frame{Title: "Incidents", Section: "/incidents", Page: struct {
		search
		Items []incidentRow
	}{a.searchOf(r, a.opts.Engine.Snapshot(), incidentStates, cursor, err), formsOf(found, rowOf)}})
}

// anomalyRow is an anomaly in a list.
type anomalyRow struct {
	incident.Anomaly
	Reading reading
	Title   string
	State   string
	Extra   []pair // labels beyond the scope
	Lasts   string // empty if nobody saw when it ended
}

func (a *API) anomaliesPage(w http.ResponseWriter, r *http.Request) {
	f, err := parseFilter(r, anomalyStates)
	var found []anomaly
	var cursor string
	if err == nil {
		found, cursor, err = a.findAnomalies(f)
	}
	s := a.opts.Engine.Snapshot()
	a.show(w, codeOf(err), "anomalies", frame{Title: "Anomalies", Section: "/anomalies", Page: struct {
		search
		Items []anomalyRow
	}{a.searchOf(r, s, anomalyStates, cursor, err), formsOf(found, func(an anomaly) anomalyRow { return anomalyRowOf(s, an) })}})
}

func anomalyRowOf(s *engine.Snapshot, an anomaly) anomalyRow {
	sig := declared(s, an.Signal)
	row := anomalyRow{
		Anomaly: an.Anomaly, Title: sig.Title, State: an.state(), Extra: pairs(an.Labels, an.Scope),
		Reading: read(sig, an.Value, an.Expected, an.Lower, an.Upper, an.Score, an.Direction),
	}
	switch {
	case an.active:
		row.Lasts = span(max(time.Since(an.StartedAt), 0))
	case !an.EndedAt.IsZero():
		row.Lasts = span(an.EndedAt.Sub(an.StartedAt))
	}
	return row
}
