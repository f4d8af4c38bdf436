package store

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// number is a float64 of which JSON can hold every value: NaN is null, the
// infinities are the texts "+Inf" and "-Inf".
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	switch v := float64(n); {
	case math.IsNaN(v):
		return []byte("null"), nil
	case math.IsInf(v, 0):
		return strconv.AppendQuote(nil, strconv.FormatFloat(v, 'g', -1, 64)), nil
	default:
		return json.Marshal(v)
	}
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(text []byte) error {
	switch s := string(text); s {
	case "null":
		*n = number(math.NaN())
	case `"+Inf"`:
		*n = number(math.Inf(1))
	case `"-Inf"`:
		*n = number(math.Inf(-1))
	default:
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("number %s: %w", s, err)
		}
		*n = number(v)
	}
	return nil
}

// numbers are the values that go with a judgement.
type numbers struct {
	Value    number `json:"value"`
	Expected number `json:"expected"`
	Lower    number `json:"lower"`
	Upper    number `json:"upper"`
	Score    number `json:"score"`
}

type incidentRecord struct {
	ID           string         `json:"id"`
	State        incident.State `json:"state"`
	StartedAt    time.Time      `json:"started_at,omitzero"`
	DetectedAt   time.Time      `json:"detected_at,omitzero"`
	FiredAt      time.Time      `json:"fired_at,omitzero"`
	LastSeen     time.Time      `json:"last_seen,omitzero"`
	ResolvedAt   time.Time      `json:"resolved_at,omitzero"`
	SupersededBy string         `json:"superseded_by,omitempty"`
	SuppressedBy string         `json:"suppressed_by,omitempty"`
	Held         bool           `json:"held,omitempty"`
	Verdict      verdictRecord  `json:"verdict"`

	Accepted []acceptanceRecord `json:"accepted,omitempty"`
}

type acceptanceRecord struct {
	At     time.Time      `json:"at,omitzero"`
	By     string         `json:"by,omitempty"`
	Signal string         `json:"signal"`
	Labels model.LabelSet `json:"labels,omitempty"`
}

type verdictRecord struct {
	Rule          string             `json:"rule"`
	Alert         string             `json:"alert"`
	Suspect       signal.Component   `json:"suspect"`
	Severity      rules.Severity     `json:"severity"`
	Scope         model.LabelSet     `json:"scope,omitempty"`
	Confidence    number             `json:"confidence"`
	Onset         time.Time          `json:"onset,omitzero"`
	NewestOnset   time.Time          `json:"newest_onset,omitzero"`
	Plain         bool               `json:"plain,omitempty"`
	Refinement    string             `json:"refinement,omitempty"`
	Rank          int                `json:"rank,omitempty"`
	Victims       []signal.Component `json:"victims,omitempty"`
	Joined        []model.LabelSet   `json:"joined,omitempty"`
	Callers       []string           `json:"callers,omitempty"`
	Suspects      []string           `json:"suspects,omitempty"`
	Summary       string             `json:"summary"`
	Description   string             `json:"description"`
	Runbook       string             `json:"runbook,omitempty"`
	Evidence      []evidenceRecord   `json:"evidence,omitempty"`
	RuledOut      []ruledOutRecord   `json:"ruled_out,omitempty"`
	Changes       []changeRecord     `json:"changes,omitempty"`
	Blind         []string           `json:"blind,omitempty"`
	For           time.Duration      `json:"for_ns,omitempty"`
	KeepFiringFor time.Duration      `json:"keep_firing_for_ns,omitempty"`
	Settle        int                `json:"settle,omitempty"`
}

type evidenceRecord struct {
	Signal    string             `json:"signal"`
	Title     string             `json:"title"`
	Component signal.Component   `json:"component"`
	Direction detector.Direction `json:"direction"`
	Since     time.Time          `json:"since,omitzero"`
	numbers
	Surprise number         `json:"surprise"`
	Labels   model.LabelSet `json:"labels,omitempty"`
	Needed   bool           `json:"needed,omitempty"`
}

type ruledOutRecord struct {
	Component signal.Component `json:"component"`
	Because   string           `json:"because"`
}

type changeRecord struct {
	At        time.Time        `json:"at,omitzero"`
	Kind      string           `json:"kind"`
	Component signal.Component `json:"component"`
	What      string           `json:"what"`
	Labels    model.LabelSet   `json:"labels,omitempty"`
}

type eventRecord struct {
	ID string `json:"id"`
	changeRecord
}

type dismissalRecord struct {
	Check  string         `json:"check"`
	Labels model.LabelSet `json:"labels,omitempty"`
	By     string         `json:"by,omitempty"`
	Reason string         `json:"reason"`
	At     time.Time      `json:"at,omitzero"`
	Until  time.Time      `json:"until,omitzero"`
}

type feedbackRecord struct {
	IncidentID string           `json:"incident_id"`
	At         time.Time        `json:"at,omitzero"`
	Verdict    incident.Opinion `json:"verdict"`
	Comment    string           `json:"comment,omitempty"`
	Author     string           `json:"author,omitempty"`
}

type anomalyRecord struct {
	ID        string             `json:"id"`
	Signal    string             `json:"signal"`
	Component signal.Component   `json:"component"`
	Labels    model.LabelSet     `json:"labels,omitempty"`
	Scope     model.LabelSet     `json:"scope,omitempty"`
	Direction detector.Direction `json:"direction"`
	StartedAt time.Time          `json:"started_at,omitzero"`
	EndedAt   time.Time          `json:"ended_at,omitzero"`
	numbers
	IncidentID string `json:"incident_id,omitempty"`
}
