package httpapi

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"tidemark/detector"
	"tidemark/engine"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
	"tidemark/suppression"
)

// Limits of the incident page.
const (
	earlierShown  = 5
	earlierSearch = 100                 // incidents of the same rule that are looked at
	earlierWithin = 90 * 24 * time.Hour // before this one
	openRefresh   = 60                  // seconds
)

type incidentView struct {
	incidentRow
	Where      []pair // labels of the suspect's series beyond the scope
	Confidence string
	Runbook    string
	Evidence   []evidenceView
	Blind      []blindView
	Timeline   []moment
	Accept     string        // the command that accepts its levels, if that is possible
	Earlier    []incidentRow // the same rule in the same scope

	Suppression *suppression.Suppression // that keeps it from paging; nil if it is not configured any more
	Feedback    *incident.Feedback
	CanJudge    bool   // feedback is taken
	Commenting  bool   // with a comment
	Proposal    string // a suppression as YAML, if it was false
}

type evidenceView struct {
	rules.Evidence
	Reading reading
	Extra   []pair // labels beyond the scope
}

// blindView is a signal that could not be read, and why if it still cannot.
type blindView struct{ Name, Title, Why string }

// moment is an entry of the timeline.
type moment struct {
	At   time.Time
	Kind string // onset, change, evidence or state
	Text string
}

func (a *API) incidentPage(w http.ResponseWriter, r *http.Request) {
	in, err := a.findIncident(chi.URLParam(r, "id"))
	if err != nil {
		a.showError(w, err)
		return
	}
	view := a.viewOf(in)
	view.Commenting = r.URL.Query().Has("comment")
	f := frame{Title: in.Verdict.Alert, Section: "/incidents", Page: view}
	if in.Open() && !view.Commenting { // what is being written must stay
		f.Refresh = openRefresh
	}
	a.show(w, http.StatusOK, "incident", f)
}

func (a *API) viewOf(in incident.Incident) incidentView {
	s, v := a.opts.Engine.Snapshot(), in.Verdict
	view := incidentView{incidentRow: rowOf(in), Runbook: v.Runbook, Blind: blinds(s, v.Blind), Timeline: timeline(s, in), Earlier: a.earlier(in)}
	if a.opts.EnableAdminAPI && in.Open() {
		view.Accept = fmt.Sprintf(`curl -X POST -d '{"incident_id":%q}' %s`, in.ID, a.absolute("/api/v1/accept"))
	}
	view.Suppression = a.opts.Configuration.Suppressions().Named(in.SuppressedBy)
	view.CanJudge = a.opts.EnableAdminAPI && a.opts.Feedback != nil
	feedback := a.feedback()
	if f, ok := feedback[in.ID]; ok {
		view.Feedback = &f
		if f.Verdict == incident.False && in.SuppressedBy == "" {
			view.Proposal, _ = a.proposal(in, feedback, time.Now()) // a hint, like what was seen before
		}
	}
	if !math.IsNaN(v.Confidence) {
		view.Confidence = signal.Signal{Kind: detector.Ratio}.Format(v.Confidence)
	}
	for _, e := range v.Evidence {
		extra := pairs(e.Labels, v.Scope)
		if e.Component == v.Suspect && view.Where == nil {
			view.Where = extra
		}
		view.Evidence = append(view.Evidence, evidenceView{e, read(declared(s, e.Signal), e.Value, e.Expected, e.Lower, e.Upper, e.Score, e.Direction), extra})
	}
	return view
}

func blinds(s *engine.Snapshot, names []string) []blindView {
	return formsOf(names, func(name string) blindView {
		b := blindView{Name: name, Title: declared(s, name).Title}
		for _, status := range s.Signals {
			if status.Signal.Name == name && status.Err != nil {
				b.Why = status.Err.Error()
			}
		}
		return b
	})
}

// timeline tells what happened in its order.
func timeline(s *engine.Snapshot, in incident.Incident) []moment {
	v := in.Verdict
	ms := []moment{
		{in.StartedAt, "onset", "The trouble begins."},
		{in.DetectedAt, "state", "tidemark sees the pattern for the first time."},
	}
	for _, c := range v.Changes {
		ms = append(ms, moment{c.At, "change", declared(s, c.Kind).Title + ": " + c.What})
	}
	for _, e := range v.Evidence {
		way := "off"
		if e.Direction == detector.Up || e.Direction == detector.Down {
			way = string(e.Direction)
		}
		ms = append(ms, moment{e.Since, "evidence", cmp.Or(e.Title, e.Signal) + ": " + way})
	}
	if !in.FiredAt.IsZero() {
		ms = append(ms, moment{in.FiredAt, "state", "The incident fires."})
	}
	for _, acc := range in.Accepted {
		ms = append(ms, moment{acc.At, "state", fmt.Sprintf("%s accepts the level of %s %s as the new normal.",
			cmp.Or(acc.By, "An operator"), declared(s, acc.Signal).Title, acc.Labels)})
	}
	if in.State == incident.Resolved {
		text := "The incident is resolved."
		if in.SupersededBy != "" {
			text = "Another diagnosis takes over."
		}
		ms = append(ms, moment{in.LastSeen, "state", "The evidence is seen for the last time."}, moment{in.ResolvedAt, "state", text})
	}
	ms = slices.DeleteFunc(ms, func(m moment) bool { return m.At.IsZero() })
	slices.SortStableFunc(ms, func(a, b moment) int { return a.At.Compare(b.At) })
	return ms
}

// alike returns earlier incidents with the same rule and scope, the newest first.
func (a *API) alike(in incident.Incident) ([]incident.Incident, error) {
	f := filter{
		state: string(incident.Resolved), rules: []string{in.Verdict.Rule},
		start: in.StartedAt.Add(-earlierWithin), end: in.StartedAt, limit: earlierSearch,
	}
	found, _, err := a.findIncidents(f)
	return slices.DeleteFunc(found, func(other incident.Incident) bool {
		return other.ID == in.ID || !other.Verdict.Scope.Equal(in.Verdict.Scope)
	}), err
}

// earlier returns the last of them. It is only a hint, so that it is left out if
// history cannot be read.
func (a *API) earlier(in incident.Incident) []incidentRow {
	found, err := a.alike(in)
	if err != nil {
		return nil
	}
	return formsOf(found[:min(len(found), earlierShown)], rowOf)
}
