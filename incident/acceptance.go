package incident

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/rules"
)

// Acceptance is an operator's word that the level of a series is its new normal.
type Acceptance struct {
	At     time.Time // the slot from which on it holds
	By     string    // who said so; empty if that is not known
	Signal string
	Labels model.LabelSet // of the series
}

// Accept notes an acceptance in the open incident of that ID. It does not end it:
// that is left to the evidence, which will be gone.
func (b *Book) Accept(id string, a Acceptance) {
	for _, p := range b.scopes {
		if in := p.open; in != nil && in.ID == id {
			in.Accepted = append(slices.Clip(in.Accepted), a)
		}
	}
}

// RestsOn reports whether a series of a signal is evidence of the incident.
func (i Incident) RestsOn(signal string, labels model.LabelSet) bool {
	return slices.ContainsFunc(i.Verdict.Evidence, func(e rules.Evidence) bool {
		return e.Signal == signal && e.Labels.Equal(labels)
	})
}
