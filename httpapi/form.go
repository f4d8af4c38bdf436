package httpapi

import (
	"encoding/json"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/series"
)

// number is a float64 that is null in JSON if it is NaN or an infinity.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if !series.Finite(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// instant is a time that is written in UTC, and null if it is zero.
type instant time.Time

func (t instant) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(time.Time(t).UTC().Format(time.RFC3339Nano))
}

// reference is the ID of something else, null if there is none.
type reference string

func (r reference) MarshalJSON() ([]byte, error) {
	if r == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(r))
}

// anomalyForm is an anomaly in JSON. Its field names are a contract.
type anomalyForm struct {
	ID         string         `json:"id"`
	Signal     string         `json:"signal"`
	Component  string         `json:"component"`
	Labels     model.LabelSet `json:"labels"`
	Scope      model.LabelSet `json:"scope"`
	Direction  string         `json:"direction"`
	State      string         `json:"state"`
	StartedAt  instant        `json:"started_at"`
	EndedAt    instant        `json:"ended_at"`
	Value      number         `json:"value"`
	Expected   number         `json:"expected"`
	Lower      number         `json:"lower"`
	Upper      number         `json:"upper"`
	Score      number         `json:"score"`
	IncidentID reference      `json:"incident_id"`
}

func formOfAnomaly(a anomaly) anomalyForm {
	return anomalyForm{
		ID: a.ID, Signal: a.Signal, Component: string(a.Component),
		Labels: labelsOf(a.Labels), Scope: labelsOf(a.Scope),
		Direction: string(a.Direction), State: a.state(),
		StartedAt: instant(a.StartedAt), EndedAt: instant(a.EndedAt),
		Value: number(a.Value), Expected: number(a.Expected),
		Lower: number(a.Lower), Upper: number(a.Upper), Score: number(a.Score),
		IncidentID: reference(a.IncidentID),
	}
}

// incidentForm is an incident in JSON. Its field names are a contract.
type incidentForm struct {
	ID           string         `json:"id"`
	Rule         string         `json:"rule"`
	State        string         `json:"state"`
	Severity     string         `json:"severity"`
	Scope        model.LabelSet `json:"scope"`
	Suspect      string         `json:"suspect"`
	Confidence   number         `json:"confidence"`
	Victims      []string       `json:"victims"`
	StartedAt    instant        `json:"started_at"`
	DetectedAt   instant        `json:"detected_at"`
	ResolvedAt   instant        `json:"resolved_at"`
	Summary      string         `json:"summary"`
	Description  string         `json:"description"`
	RunbookURL   reference      `json:"runbook_url"`
	Evidence     []evidenceForm `json:"evidence"`
	RuledOut     []ruledOutForm `json:"ruled_out"`
	Changes      []changeForm   `json:"changes"`
	Blind        []string       `json:"blind"`
	SupersededBy reference      `json:"superseded_by"`
	Held         bool           `json:"held"`
}

type evidenceForm struct {
	Signal    string         `json:"signal"`
	Component string         `json:"component"`
	Direction string         `json:"direction"`
	Since     instant        `json:"since"`
	Value     number         `json:"value"`
	Expected  number         `json:"expected"`
	Lower     number         `json:"lower"`
	Upper     number         `json:"upper"`
	Score     number         `json:"score"`
	Labels    model.LabelSet `json:"labels"`
}

type ruledOutForm struct {
	Component string `json:"component"`
	Because   string `json:"because"`
}

type changeForm struct {
	At     instant        `json:"at"`
	Kind   string         `json:"kind"`
	What   string         `json:"what"`
	Labels model.LabelSet `json:"labels"`
}

func (a *API) formOfIncident(in incident.Incident) incidentForm {
	v := in.Verdict
	return incidentForm{
		ID: in.ID, Rule: v.Rule, State: string(in.State), Severity: string(v.Severity),
		Scope: labelsOf(v.Scope), Suspect: string(v.Suspect), Confidence: number(v.Confidence),
		Victims:   texts(v.Victims),
		StartedAt: instant(in.StartedAt), DetectedAt: instant(in.DetectedAt), ResolvedAt: instant(in.ResolvedAt),
		Summary: v.Summary, Description: v.Description, RunbookURL: reference(a.absolute(v.Runbook)),
		Evidence:     formsOf(v.Evidence, formOfEvidence),
		RuledOut:     formsOf(v.RuledOut, formOfRuledOut),
		Changes:      formsOf(v.Changes, formOfChange),
		Blind:        texts(v.Blind),
		SupersededBy: reference(in.SupersededBy), Held: in.Held,
	}
}

func formOfEvidence(e rules.Evidence) evidenceForm {
	return evidenceForm{
		Signal: e.Signal, Component: string(e.Component), Direction: string(e.Direction),
		Since: instant(e.Since), Value: number(e.Value), Expected: number(e.Expected),
		Lower: number(e.Lower), Upper: number(e.Upper), Score: number(e.Score),
		Labels: labelsOf(e.Labels),
	}
}

func formOfRuledOut(r rules.RuledOut) ruledOutForm {
	return ruledOutForm{Component: string(r.Component), Because: r.Because}
}

func formOfChange(c rules.Change) changeForm {
	return changeForm{At: instant(c.At), Kind: c.Kind, What: c.What, Labels: labelsOf(c.Labels)}
}

// formsOf never returns nil, which JSON would show as null.
func formsOf[T, F any](items []T, form func(T) F) []F {
	out := make([]F, len(items))
	for i, item := range items {
		out[i] = form(item)
	}
	return out
}

func texts[T ~string](words []T) []string {
	return formsOf(words, func(w T) string { return string(w) })
}

func labelsOf(ls model.LabelSet) model.LabelSet {
	if ls == nil {
		return model.LabelSet{}
	}
	return ls
}
