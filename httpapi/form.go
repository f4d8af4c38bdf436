package httpapi

import (
	"tidemark/api"
	"tidemark/incident"
)

// The forms of package api by their names here.
type (
	instant      = api.Instant
	reference    = api.Reference
	anomalyForm  = api.Anomaly
	incidentForm = api.Incident
)

func formOfAnomaly(a anomaly) anomalyForm { return api.AnomalyOf(a.Anomaly, a.active) }

// incidentForms returns how an incident is shown, with what is said of it now.
func (a *API) incidentForms() func(incident.Incident) incidentForm {
	feedback := a.feedback()
	return func(in incident.Incident) incidentForm {
		form := api.IncidentOf(in, a.absolute(in.Verdict.Runbook))
		if f, ok := feedback[in.ID]; ok {
			form.Feedback = new(api.FeedbackOf(f))
		}
		return form
	}
}

// formsOf returns the form of each item, never nil.
func formsOf[T, F any](items []T, form func(T) F) []F { return api.Forms(items, form) }
