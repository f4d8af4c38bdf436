// Package incident is the life of a verdict: it becomes pending, then firing,
// then resolved, keeps one identity from beginning to end, and gives way to a
// better diagnosis.
//
// The package is pure. It never resolves an incident because something could
// not be seen: only evidence that is back to normal ends it.
package incident

import (
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/rules"
	"tidemark/signal"
)

// State is where an incident stands.
type State string

// The states of an incident.
const (
	Pending  State = "pending"  // seen, but not for long enough to page
	Firing   State = "firing"   // pages
	Resolved State = "resolved" // over
)

// Incident is one verdict over its life. Values are immutable once published:
// copy before changing.
type Incident struct {
	ID         string
	State      State
	StartedAt  time.Time // onset, fixed once firing
	DetectedAt time.Time // the slot in which the verdict was first reached
	FiredAt    time.Time // zero while pending
	LastSeen   time.Time // the last slot that showed the evidence
	ResolvedAt time.Time // zero until resolved

	// Superseded holds the ID of the incident that took over from this one
	// because its diagnosis fits better; else it is empty.
	SupersededBy string

	// SuppressedBy names the suppression that keeps it from paging; empty if it
	// pages. While resolved, it is the last one.
	SuppressedBy string

	// Held is set while the evidence cannot be read: the incident stays as it is.
	Held bool

	// Accepted holds what operators took for the new normal of its evidence.
	Accepted []Acceptance

	// Verdict is the newest one; while resolved, the last one.
	Verdict rules.Verdict
}

// Open reports whether the incident is pending or firing.
func (i Incident) Open() bool { return i.State != Resolved }

// Anomaly is a lasting deviation of one series.
type Anomaly struct {
	ID         string
	Signal     string
	Component  signal.Component
	Labels     model.LabelSet
	Scope      model.LabelSet
	Direction  detector.Direction
	StartedAt  time.Time
	EndedAt    time.Time // zero while active
	Value      float64   // the newest one, as are those below
	Expected   float64
	Lower      float64
	Upper      float64
	Score      float64
	IncidentID string // the incident that it is evidence of, or empty
}

// Active reports whether the anomaly goes on.
func (a Anomaly) Active() bool { return a.EndedAt.IsZero() }

// Describe takes the numbers of a judgement.
func (a *Anomaly) Describe(j detector.Judgement) {
	a.Value, a.Expected, a.Lower, a.Upper, a.Score = j.Value, j.Expected, j.Lower, j.Upper, j.Score
}
