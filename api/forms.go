package api

import (
	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
)

// Anomaly is an anomaly in JSON.
type Anomaly struct {
	ID         string         `json:"id"`
	Signal     string         `json:"signal"`
	Component  string         `json:"component"`
	Labels     model.LabelSet `json:"labels"`
	Scope      model.LabelSet `json:"scope"`
	Direction  string         `json:"direction"`
	State      string         `json:"state"`
	StartedAt  Instant        `json:"started_at"`
	EndedAt    Instant        `json:"ended_at"`
	Value      Number         `json:"value"`
	Expected   Number         `json:"expected"`
	Lower      Number         `json:"lower"`
	Upper      Number         `json:"upper"`
	Score      Number         `json:"score"`
	IncidentID Reference      `json:"incident_id"`
}

// AnomalyOf returns the form of an anomaly that goes on (active) or is over.
func AnomalyOf(a incident.Anomaly, active bool) Anomaly {
	state := "ended"
	if active {
		state = "active"
	}
	return Anomaly{
		ID: a.ID, Signal: a.Signal, Component: string(a.Component),
		Labels: labelsOf(a.Labels), Scope: labelsOf(a.Scope),
		Direction: string(a.Direction), State: state,
		StartedAt: Instant(a.StartedAt), EndedAt: Instant(a.EndedAt),
		Value: Number(a.Value), Expected: Number(a.Expected),
		Lower: Number(a.Lower), Upper: Number(a.Upper), Score: Number(a.Score),
		IncidentID: Reference(a.IncidentID),
	}
}

// Incident is an incident in JSON.
type Incident struct {
	ID           string         `json:"id"`
	Rule         string         `json:"rule"`
	Refinement   Reference      `json:"refinement"`
	State        string         `json:"state"`
	Severity     string         `json:"severity"`
	Scope        model.LabelSet `json:"scope"`
	Suspect      string         `json:"suspect"`
	Confidence   Number         `json:"confidence"`
	Victims      []string       `json:"victims"`            // components, then the services that call the suspect's or share what is suspected
	Suspects     []string       `json:"suspects,omitempty"` // services in the same trouble, the most suspect first
	StartedAt    Instant        `json:"started_at"`
	DetectedAt   Instant        `json:"detected_at"`
	ResolvedAt   Instant        `json:"resolved_at"`
	Summary      string         `json:"summary"`
	Description  string         `json:"description"`
	RunbookURL   Reference      `json:"runbook_url"`
	Evidence     []Evidence     `json:"evidence"`
	RuledOut     []RuledOut     `json:"ruled_out"`
	Changes      []Change       `json:"changes"`
	Blind        []string       `json:"blind"`
	SupersededBy Reference      `json:"superseded_by"`
	Held         bool           `json:"held"`
	Accepted     []Acceptance   `json:"accepted"`
	SuppressedBy Reference      `json:"suppressed_by"`

	Joined   []model.LabelSet `json:"joined,omitempty"` // other scopes in the same trouble
	Feedback *Feedback        `json:"feedback"`         // null if nobody gave any, or if it is not known
}

// Feedback is what a person says of an incident.
type Feedback struct {
	Verdict string    `json:"verdict"`
	Comment string    `json:"comment"`
	Author  Reference `json:"author"`
	At      Instant   `json:"at"`
}

// FeedbackOf returns the form of feedback.
func FeedbackOf(f incident.Feedback) Feedback {
	return Feedback{string(f.Verdict), f.Comment, Reference(f.Author), Instant(f.At)}
}

// Acceptance is an operator's word that a level is the new normal.
type Acceptance struct {
	At     Instant        `json:"at"`
	By     Reference      `json:"by"`
	Signal string         `json:"signal"`
	Labels model.LabelSet `json:"labels"`
}

// Evidence is a deviating series that speaks for an incident.
type Evidence struct {
	Signal    string         `json:"signal"`
	Component string         `json:"component"`
	Direction string         `json:"direction"`
	Since     Instant        `json:"since"`
	Value     Number         `json:"value"`
	Expected  Number         `json:"expected"`
	Lower     Number         `json:"lower"`
	Upper     Number         `json:"upper"`
	Score     Number         `json:"score"`
	Labels    model.LabelSet `json:"labels"`
}

// RuledOut is a component that is not the cause.
type RuledOut struct {
	Component string `json:"component"`
	Because   string `json:"because"`
}

// Change is a change event.
type Change struct {
	At     Instant        `json:"at"`
	Kind   string         `json:"kind"`
	What   string         `json:"what"`
	Labels model.LabelSet `json:"labels"`
}

// IncidentOf returns the form of an incident. Its runbook is given, since where
// that is found depends on who shows it.
func IncidentOf(in incident.Incident, runbook string) Incident {
	v := in.Verdict
	return Incident{
		ID: in.ID, Rule: v.Rule, Refinement: Reference(v.Refinement), State: string(in.State), Severity: string(v.Severity),
		Scope: labelsOf(v.Scope), Suspect: string(v.Suspect), Confidence: Number(v.Confidence),
		Victims:   append(texts(v.Victims), v.Callers...),
		Suspects:  texts(v.Suspects),
		StartedAt: Instant(in.StartedAt), DetectedAt: Instant(in.DetectedAt), ResolvedAt: Instant(in.ResolvedAt),
		Summary: v.Summary, Description: v.Description, RunbookURL: Reference(runbook),
		Evidence:     Forms(v.Evidence, evidenceOf),
		RuledOut:     Forms(v.RuledOut, ruledOutOf),
		Changes:      Forms(v.Changes, changeOf),
		Blind:        texts(v.Blind),
		SupersededBy: Reference(in.SupersededBy), Held: in.Held,
		Accepted:     Forms(in.Accepted, acceptanceOf),
		SuppressedBy: Reference(in.SuppressedBy), Joined: v.Joined,
	}
}

func acceptanceOf(a incident.Acceptance) Acceptance {
	return Acceptance{At: Instant(a.At), By: Reference(a.By), Signal: a.Signal, Labels: labelsOf(a.Labels)}
}

func evidenceOf(e rules.Evidence) Evidence {
	return Evidence{
		Signal: e.Signal, Component: string(e.Component), Direction: string(e.Direction),
		Since: Instant(e.Since), Value: Number(e.Value), Expected: Number(e.Expected),
		Lower: Number(e.Lower), Upper: Number(e.Upper), Score: Number(e.Score),
		Labels: labelsOf(e.Labels),
	}
}

func ruledOutOf(r rules.RuledOut) RuledOut {
	return RuledOut{Component: string(r.Component), Because: r.Because}
}

func changeOf(c rules.Change) Change {
	return Change{At: Instant(c.At), Kind: c.Kind, What: c.What, Labels: labelsOf(c.Labels)}
}
