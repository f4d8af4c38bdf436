package backtest

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/incident"
)

// DefaultGrace is how long after its end a fault may still be paged for: it must
// last for some slots, and what it did to a cache or a queue outlives it.
const DefaultGrace = 15 * time.Minute

// month is the month of rates.
const month = 30 * 24 * time.Hour

// Assessment compares the incidents with the faults that a person knows of.
//
// A suppressed incident, of which nobody was told, counts for nothing. An incident
// belongs to a fault if the time for which it paged, from when it
// fired to when it was resolved, overlaps the fault's start to its end plus the
// grace, and if its scope and the fault's have the same value for every label
// that both have. It may belong to several faults.
type Assessment struct {
	Grace    time.Duration
	Faults   []FoundFault        // that overlap the range, as the file has them
	Outside  int                 // faults that do not: they are neither found nor missed
	False    []incident.Incident // that belong to no fault, by onset
	Services int
	Months   float64 // judged

	incidents int
}

// FoundFault is a fault with the incidents that belong to it, the first page
// first. Without any, it was missed.
type FoundFault struct {
	Fault
	Incidents []incident.Incident
}

// Found reports whether somebody was paged for the fault.
func (f FoundFault) Found() bool { return len(f.Incidents) > 0 }

// Delay is from the fault's start to the first page. It is negative if that was
// earlier than the fault is said to have begun.
func (f FoundFault) Delay() time.Duration { return f.Incidents[0].FiredAt.Sub(f.Start) }

// CauseRight reports whether the first page names the component. Known is false
// if the fault was missed or its component is not given.
func (f FoundFault) CauseRight() (right, known bool) {
	if !f.Found() || f.Component == "" {
		return false, false
	}
	return f.Incidents[0].Verdict.Suspect == f.Component, true
}

// KindRight is CauseRight for the kind, which is the name of a rule.
func (f FoundFault) KindRight() (right, known bool) {
	if !f.Found() || f.Kind == "" {
		return false, false
	}
	return f.Incidents[0].Verdict.Rule == f.Kind, true
}

// Assess compares the report with faults.
func (r *Report) Assess(faults []Fault, grace time.Duration) *Assessment {
	s, incidents := r.Stats, r.pages()
	a := &Assessment{
		Grace: grace, Services: s.Services,
		Months:    float64(s.Slots-s.SkippedSlots) * float64(s.Step) / float64(month),
		incidents: len(incidents),
	}
	belongs := map[string]bool{}
	for _, f := range faults {
		found := FoundFault{Fault: f}
		for _, in := range incidents {
			if f.concerns(in, grace) {
				found.Incidents = append(found.Incidents, in)
				belongs[in.ID] = true
			}
		}
		slices.SortStableFunc(found.Incidents, func(a, b incident.Incident) int { return a.FiredAt.Compare(b.FiredAt) })
		if f.Start.After(s.End) || f.End.Before(s.Start) {
			a.Outside++
			continue
		}
		a.Faults = append(a.Faults, found)
	}
	for _, in := range incidents {
		if !belongs[in.ID] {
			a.False = append(a.False, in)
		}
	}
	return a
}

func (f Fault) concerns(in incident.Incident, grace time.Duration) bool {
	if in.FiredAt.After(f.End.Add(grace)) || !in.Open() && in.ResolvedAt.Before(f.Start) {
		return false
	}
	return agree(f.Scope, in.Verdict.Scope)
}

// agree reports whether two label sets have the same value for every label that
// both have.
func agree(a, b model.LabelSet) bool {
	for k, v := range a {
		if w, ok := b[k]; ok && w != v {
			return false
		}
	}
	return true
}

// share is n of a total. It is NaN of nothing.
type share struct{ n, of int }

func (s share) value() float64 { return float64(s.n) / float64(s.of) }

// precision is the share of incidents that belong to a fault.
func (a *Assessment) precision() share { return share{a.incidents - len(a.False), a.incidents} }

// recall is the share of faults that were found.
func (a *Assessment) recall() share {
	return a.shareOf(func(f FoundFault) (bool, bool) { return f.Found(), true })
}

// oneIncident is the share of found faults that paged once.
func (a *Assessment) oneIncident() share {
	return a.shareOf(func(f FoundFault) (bool, bool) { return len(f.Incidents) == 1, f.Found() })
}

func (a *Assessment) causes() share { return a.shareOf(FoundFault.CauseRight) }
func (a *Assessment) kinds() share  { return a.shareOf(FoundFault.KindRight) }

func (a *Assessment) shareOf(right func(FoundFault) (right, known bool)) share {
	var s share
	for _, f := range a.Faults {
		yes, known := right(f)
		if known {
			s.of++
		}
		if yes {
			s.n++
		}
	}
	return s
}

// falsePerServiceMonth is NaN if no service was seen.
func (a *Assessment) falsePerServiceMonth() float64 {
	if a.Services == 0 {
		return math.NaN()
	}
	return float64(len(a.False)) / (float64(a.Services) * a.Months)
}

// delays returns the delays of the faults that were found, in ascending order.
// One that is negative counts as 0.
func (a *Assessment) delays() []time.Duration {
	var out []time.Duration
	for _, f := range a.Faults {
		if f.Found() {
			out = append(out, max(0, f.Delay()))
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}

// quantile returns the least of the sorted delays that the share q of them does
// not exceed. It needs at least one.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
