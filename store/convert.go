package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tidemark/incident"
	"tidemark/rules"
)

func incidentRow(in incident.Incident) (row, error) {
	record, err := json.Marshal(incidentRecord{
		ID: in.ID, State: in.State,
		StartedAt: in.StartedAt.UTC(), DetectedAt: in.DetectedAt.UTC(), FiredAt: in.FiredAt.UTC(),
		LastSeen: in.LastSeen.UTC(), ResolvedAt: in.ResolvedAt.UTC(),
		SupersededBy: in.SupersededBy, SuppressedBy: in.SuppressedBy, Held: in.Held, Verdict: recordOfVerdict(in.Verdict),
		Accepted: each(in.Accepted, recordOfAcceptance),
	})
	if err != nil {
		return row{}, fmt.Errorf("encode incident %s: %w", in.ID, err)
	}
	return row{id: in.ID, start: in.StartedAt, end: in.ResolvedAt, record: record}, nil
}

func incidentOf(record []byte) (incident.Incident, error) {
	var r incidentRecord
	if err := json.Unmarshal(record, &r); err != nil {
		return incident.Incident{}, fmt.Errorf("decode incident: %w", err)
	}
	return incident.Incident{
		ID: r.ID, State: r.State,
		StartedAt: r.StartedAt, DetectedAt: r.DetectedAt, FiredAt: r.FiredAt, LastSeen: r.LastSeen, ResolvedAt: r.ResolvedAt,
		SupersededBy: r.SupersededBy, SuppressedBy: r.SuppressedBy, Held: r.Held, Verdict: verdictOf(r.Verdict),
		Accepted: each(r.Accepted, acceptanceOfRecord),
	}, nil
}

func recordOfVerdict(v rules.Verdict) verdictRecord {
	return verdictRecord{
		Rule: v.Rule, Alert: v.Alert, Suspect: v.Suspect, Severity: v.Severity, Scope: v.Scope,
		Confidence: number(v.Confidence), Onset: v.Onset.UTC(), NewestOnset: v.NewestOnset.UTC(), Plain: v.Plain, Victims: v.Victims,
		Joined: v.Joined, Callers: v.Callers, Suspects: v.Suspects,
		Refinement: v.Refinement, Rank: v.Rank, Summary: v.Summary, Description: v.Description, Runbook: v.Runbook,
		Evidence: each(v.Evidence, func(e rules.Evidence) evidenceRecord {
			return evidenceRecord{
				Signal: e.Signal, Title: e.Title, Component: e.Component, Direction: e.Direction, Since: e.Since.UTC(),
				numbers:  numbers{number(e.Value), number(e.Expected), number(e.Lower), number(e.Upper), number(e.Score)},
				Surprise: number(e.Surprise), Labels: e.Labels, Needed: e.Needed,
			}
		}),
		RuledOut: each(v.RuledOut, func(r rules.RuledOut) ruledOutRecord { return ruledOutRecord(r) }),
		Changes:  each(v.Changes, recordOfChange),
		Blind:    v.Blind, For: v.For, KeepFiringFor: v.KeepFiringFor, Settle: v.Settle,
	}
}

func verdictOf(r verdictRecord) rules.Verdict {
	return rules.Verdict{
		Rule: r.Rule, Alert: r.Alert, Suspect: r.Suspect, Severity: r.Severity, Scope: r.Scope,
		Confidence: float64(r.Confidence), Onset: r.Onset, NewestOnset: r.NewestOnset, Plain: r.Plain, Victims: r.Victims,
		Joined: r.Joined, Callers: r.Callers, Suspects: r.Suspects,
		Refinement: r.Refinement, Rank: r.Rank, Summary: r.Summary, Description: r.Description, Runbook: r.Runbook,
		Evidence: each(r.Evidence, func(e evidenceRecord) rules.Evidence {
			return rules.Evidence{
				Signal: e.Signal, Title: e.Title, Component: e.Component, Direction: e.Direction, Since: e.Since,
				Value: float64(e.Value), Expected: float64(e.Expected), Lower: float64(e.Lower), Upper: float64(e.Upper),
				Score: float64(e.Score), Surprise: float64(e.Surprise), Labels: e.Labels, Needed: e.Needed,
			}
		}),
		RuledOut: each(r.RuledOut, func(o ruledOutRecord) rules.RuledOut { return rules.RuledOut(o) }),
		Changes:  each(r.Changes, changeOfRecord),
		Blind:    r.Blind, For: r.For, KeepFiringFor: r.KeepFiringFor, Settle: r.Settle,
	}
}

func anomalyRow(a incident.Anomaly) (row, error) {
	record, err := json.Marshal(anomalyRecord{
		ID: a.ID, Signal: a.Signal, Component: a.Component, Labels: a.Labels, Scope: a.Scope, Direction: a.Direction,
		StartedAt: a.StartedAt.UTC(), EndedAt: a.EndedAt.UTC(),
		numbers:    numbers{number(a.Value), number(a.Expected), number(a.Lower), number(a.Upper), number(a.Score)},
		IncidentID: a.IncidentID,
	})
	if err != nil {
		return row{}, fmt.Errorf("encode anomaly %s: %w", a.ID, err)
	}
	return row{id: a.ID, start: a.StartedAt, end: a.EndedAt, record: record}, nil
}

func anomalyOf(record []byte) (incident.Anomaly, error) {
	var r anomalyRecord
	if err := json.Unmarshal(record, &r); err != nil {
		return incident.Anomaly{}, fmt.Errorf("decode anomaly: %w", err)
	}
	return incident.Anomaly{
		ID: r.ID, Signal: r.Signal, Component: r.Component, Labels: r.Labels, Scope: r.Scope, Direction: r.Direction,
		StartedAt: r.StartedAt, EndedAt: r.EndedAt,
		Value: float64(r.Value), Expected: float64(r.Expected), Lower: float64(r.Lower), Upper: float64(r.Upper), Score: float64(r.Score),
		IncidentID: r.IncidentID,
	}, nil
}

// changeRow makes a row of a change event, which has no identity but its
// content. It ends when it begins.
func changeRow(c rules.Change) (row, error) {
	record, err := json.Marshal(recordOfChange(c))
	if err != nil {
		return row{}, fmt.Errorf("encode change %s: %w", c.What, err)
	}
	sum := sha256.Sum256(record)
	return row{id: hex.EncodeToString(sum[:8]), start: c.At, end: c.At, record: record}, nil
}

func changeOf(record []byte) (rules.Change, error) {
	var r changeRecord
	if err := json.Unmarshal(record, &r); err != nil {
		return rules.Change{}, fmt.Errorf("decode change: %w", err)
	}
	return changeOfRecord(r), nil
}

func recordOfChange(c rules.Change) changeRecord {
	return changeRecord{At: c.At.UTC(), Kind: c.Kind, Component: c.Component, What: c.What, Labels: c.Labels}
}

func changeOfRecord(r changeRecord) rules.Change {
	return rules.Change{At: r.At, Kind: r.Kind, Component: r.Component, What: r.What, Labels: r.Labels}
}

// each applies f to every element; nil stays nil.
func each[A, B any](in []A, f func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}
