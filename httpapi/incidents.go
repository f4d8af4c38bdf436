package httpapi

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/store"
)

var incidentStates = []string{"pending", "firing", "resolved", "all"}

type incidentsForm struct {
	Incidents  []incidentForm `json:"incidents"`
	NextCursor reference      `json:"next_cursor"`
}

func (a *API) incidents(r *http.Request) (any, error) {
	f, err := parseFilter(r, incidentStates, "rule")
	if err != nil {
		return nil, err
	}
	found, next, err := a.findIncidents(f)
	if err != nil {
		return nil, err
	}
	return incidentsForm{formsOf(found, a.incidentForms()), reference(next)}, nil
}

func (a *API) incident(r *http.Request) (any, error) {
	in, err := a.findIncident(chi.URLParam(r, "id"))
	if err != nil {
		return nil, err
	}
	return a.incidentForms()(in), nil
}

// findIncidents returns a page of incidents and the cursor of the next. Open
// incidents are known to the engine, so that a broken store cannot hide them.
func (a *API) findIncidents(f filter) ([]incident.Incident, string, error) {
	l := list[incident.Incident]{
		filter:   f,
		position: func(in incident.Incident) position { return position{in.StartedAt, in.ID} },
		wants:    f.wantsIncident,
	}
	var older func(store.Query) ([]incident.Incident, string, error)
	if a.opts.History != nil && f.wants(string(incident.Resolved)) {
		older = func(q store.Query) ([]incident.Incident, string, error) {
			found, next, err := a.opts.History.Incidents(q)
			if err != nil {
				err = unavailable("the history of incidents cannot be read: %w: ask for state=firing to see what is known without it", err)
			}
			// What is pending is the engine's to say: an incident that it has
			// dropped never came to anything.
			found = slices.DeleteFunc(found, func(in incident.Incident) bool { return in.State == incident.Pending })
			return found, next, err
		}
	}
	return l.page(a.opts.Engine.Snapshot().Incidents, older)
}

func (f filter) wantsIncident(in incident.Incident) bool {
	v := in.Verdict
	return f.wants(string(in.State)) && f.overlaps(in.StartedAt, in.ResolvedAt) && named(f.rules, v.Rule) &&
		(len(f.signals) == 0 || slices.ContainsFunc(v.Evidence, func(e rules.Evidence) bool { return named(f.signals, e.Signal) })) &&
		f.concerns(v)
}

// concerns reports whether the selectors match the labels of the verdict's alert,
// or would if it were one of another scope in the same trouble.
func (f filter) concerns(v rules.Verdict) bool {
	if f.matches(alertLabels(v)) {
		return true
	}
	return slices.ContainsFunc(v.Joined, func(scope model.LabelSet) bool {
		v.Scope = scope
		return f.matches(alertLabels(v))
	})
}

// findIncident returns the incident of that ID or a not_found error.
func (a *API) findIncident(id string) (incident.Incident, error) {
	for _, in := range a.opts.Engine.Snapshot().Incidents {
		if in.ID == id {
			return in, nil
		}
	}
	if a.opts.History != nil {
		in, ok, err := a.opts.History.Incident(id)
		if err != nil {
			return in, unavailable("the history of incidents cannot be read: %w", err)
		}
		if ok {
			return in, nil
		}
	}
	return incident.Incident{}, notFound("there is no incident %q: %s/incidents lists those that are remembered", id, a.prefix)
}

// alertLabels are the labels of the verdict's alert, without the external ones
// that are added when it is sent.
func alertLabels(v rules.Verdict) model.LabelSet {
	return v.Scope.Merge(model.LabelSet{
		model.AlertNameLabel: model.LabelValue(v.Alert),
		"severity":           model.LabelValue(v.Severity),
		"component":          model.LabelValue(v.Suspect),
	})
}
