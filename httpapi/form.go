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

func (a *API) formOfIncident(in incident.Incident) incidentForm {
	return api.IncidentOf(in, a.absolute(in.Verdict.Runbook))
}

// formsOf returns the form of each item, never nil.
func formsOf[T, F any](items []T, form func(T) F) []F { return api.Forms(items, form) }
