package backtest

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"tidemark/config"
)

// tuneOffsets are by how much a signal is made quieter at most, and the steps.
var tuneOffsets = []float64{0, 0.5, 1, 1.5, 2, 2.5}

// mostSensitivity is the quietest that is proposed: beyond it, the tails of a
// distribution are not known.
const mostSensitivity = 8

// Tuning is a proposal for sensitivities.
type Tuning struct {
	Report *Report // as configured
	Target float64 // pages per week

	// Tried are the settings that were run, from as configured to the quietest.
	Tried []Setting

	// Chosen is the index in Tried of the first that meets the target, and misses
	// no fault that the configuration finds; -1 if there is none.
	Chosen int
}

// Setting is a choice of sensitivities, and what it found.
type Setting struct {
	// Sensitivities are those that differ from the configuration, by signal.
	Sensitivities map[string]float64

	Report *Report
}

// pages counts the incidents that paged; if the faults are known, only those that
// are false.
func (s Setting) pages() int {
	if s.Report.Truth != nil {
		return len(s.Report.Truth.False)
	}
	return len(s.Report.pages())
}

// Rate returns the pages per week that count against the target.
func (s Setting) Rate() float64 {
	return float64(s.pages()) * float64(week) / float64(s.Report.Stats.length())
}

// Tune looks for the smallest change of sensitivities with which there would have
// been at most so many pages per week in the range. It makes signals quieter,
// never more eager, and only those that are evidence of a page that counts: each
// up to where it has no more anomalies per week than an allowance, which is the
// same for all of them and is lowered step by step.
//
// The range is run twice: once with all signals at each step, to know how many
// anomalies each has there, and once with the settings that follow.
func Tune(ctx context.Context, o Options, target float64) (*Tuning, error) {
	o.Other, o.WhatIf, o.Pictures, o.Read = nil, false, false, nil
	progress := o.Progress
	half := func(second int) func(done, total int) {
		if progress == nil {
			return nil
		}
		return func(done, total int) { progress(done+second*total, 2*total) }
	}
	o.Progress = half(0)
	report, others, err := o.run(ctx, shiftedBy(o.Config, tuneOffsets))
	if err != nil {
		return nil, err
	}
	t := &Tuning{Report: report, Target: target, Tried: []Setting{{Report: report}}}
	if t.choose(); t.Chosen == 0 {
		return t, nil
	}
	settings := settings(o.Config, report, append([]*Report{report}, others...))
	o.Progress = half(1)
	_, tried, err := o.run(ctx, configurations(o.Config, settings))
	if err != nil {
		return nil, err
	}
	for i, s := range settings {
		t.Tried = append(t.Tried, Setting{s, tried[i]})
	}
	t.choose()
	return t, nil
}

func (t *Tuning) choose() {
	t.Chosen = slices.IndexFunc(t.Tried, func(s Setting) bool {
		return s.Rate() <= t.Target && (s.Report.Truth == nil || s.Report.Truth.recall().n >= t.Report.Truth.recall().n)
	})
}

// settings returns the choices to try, from eager to quiet, by what each step of
// tuneOffsets has found.
func settings(c *config.Config, report *Report, steps []*Report) []map[string]float64 {
	guilty := evidenceOf(report)
	counts := make([]map[string]int, len(steps)) // anomalies by step and signal
	most := 0
	for i, r := range steps {
		counts[i] = columnOf(0, r).Anomalies
		for name := range guilty {
			most = max(most, counts[i][name])
		}
	}
	var out []map[string]float64
	for allowed := most; ; allowed /= 2 {
		s := map[string]float64{}
		for _, sig := range c.Signals {
			if !guilty[sig.Name] {
				continue
			}
			step := slices.IndexFunc(counts, func(of map[string]int) bool { return of[sig.Name] <= allowed })
			if step < 0 {
				step = len(tuneOffsets) - 1
			}
			if value := quieter(sig.Sensitivity, tuneOffsets[step]); value > sig.Sensitivity {
				s[sig.Name] = value
			}
		}
		if len(s) > 0 && (out == nil || !maps.Equal(s, out[len(out)-1])) {
			out = append(out, s)
		}
		if allowed == 0 {
			break
		}
	}
	quietest := map[string]float64{}
	for _, sig := range c.Signals {
		if guilty[sig.Name] {
			quietest[sig.Name] = quieter(sig.Sensitivity, tuneOffsets[len(tuneOffsets)-1])
		}
	}
	if out == nil || !maps.Equal(quietest, out[len(out)-1]) {
		out = append(out, quietest)
	}
	return out
}

func quieter(sensitivity, offset float64) float64 {
	return math.Round(100*max(sensitivity, min(sensitivity+offset, mostSensitivity))) / 100
}

// evidenceOf names the signals that the pages which count rest on.
func evidenceOf(r *Report) map[string]bool {
	incidents := r.pages()
	if r.Truth != nil {
		incidents = r.Truth.False
	}
	names := map[string]bool{}
	for _, in := range incidents {
		for _, e := range in.Verdict.Evidence {
			names[e.Signal] = true
		}
	}
	return names
}

func configurations(c *config.Config, settings []map[string]float64) []*config.Config {
	out := make([]*config.Config, len(settings))
	for i, s := range settings {
		other := *c
		other.Signals = slices.Clone(c.Signals)
		for n := range other.Signals {
			if value, ok := s[other.Signals[n].Name]; ok {
				other.Signals[n].Sensitivity = value
			}
		}
		out[i] = &other
	}
	return out
}

// listed writes sensitivities for a person.
func listed(sensitivities map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sensitivities)) {
		parts = append(parts, fmt.Sprintf("%s %g", name, sensitivities[name]))
	}
	return strings.Join(parts, ", ")
}
