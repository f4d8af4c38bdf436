package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/engine"
	"tidemark/incident"
	"tidemark/series"
)

// Result is what came of a scenario.
type Result struct {
	Fired    []incident.Incident // as they stood at the end, by when they fired
	Problems []string            // what was expected and did not happen, or the other way round; none is good
}

// Run replays the scenario and compares what fires with what is expected.
func (s *Scenario) Run(ctx context.Context) (*Result, error) {
	src := &source{data: s.data, times: &s.times}
	e, err := engine.New(engine.Options{
		Config: s.config.Global, Signals: s.config.Signals, Rules: s.config.Rules, Suppressions: s.config.Suppressions, Topology: s.config.Topology, Source: src,
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", s.File, configSection, err)
	}
	g := s.data.grid
	if n := s.data.first; n > 0 {
		history := series.Grid{Start: g.Start, Step: g.Step, N: n}
		e.Learn(history, src.frames(history), 1)
	}
	last := map[string]incident.Incident{}
	for i := s.data.first; i < g.N; i++ {
		if err := e.Eval(ctx, g.At(i)); err != nil && !errors.Is(err, errOutage) {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for _, in := range e.Snapshot().Incidents {
			if !in.FiredAt.IsZero() {
				last[in.ID] = in
			}
		}
	}
	r := &Result{}
	for _, id := range sortedKeys(last) {
		r.Fired = append(r.Fired, last[id])
	}
	slices.SortStableFunc(r.Fired, func(a, b incident.Incident) int {
		return cmp.Or(a.FiredAt.Compare(b.FiredAt), cmp.Compare(a.Verdict.Rule, b.Verdict.Rule))
	})
	r.Problems = s.compare(r.Fired)
	return r, nil
}

var errOutage = errors.New("an outage of the scenario")

// source shows the engine a scenario.
type source struct {
	data  *data
	times *times
}

// Read implements engine.Source.
func (s *source) Read(_ context.Context, g series.Grid) ([]series.Frame, error) {
	frames := s.frames(g)
	for _, o := range s.times.Outages {
		if !o.holds(g.End(), s.times.Start) {
			continue
		}
		if len(o.Signals) == 0 {
			return nil, errOutage
		}
		for i := range frames {
			if o.of(frames[i].Signal) {
				frames[i] = series.Frame{Signal: frames[i].Signal, Err: errOutage}
			}
		}
	}
	return frames, nil
}

// frames returns the samples of all signals in g, which lies in the grid of the
// scenario.
func (s *source) frames(g series.Grid) []series.Frame {
	from, _ := s.data.grid.Index(g.Start)
	frames := make([]series.Frame, len(s.data.names))
	for n, name := range s.data.names {
		frames[n].Signal = name
		lines := s.data.lines[name]
		for _, key := range sortedKeys(lines) {
			l := lines[key]
			part := series.Series{Labels: l.labels, Values: l.values[from : from+g.N : from+g.N]}
			if !slices.ContainsFunc(part.Values, series.Finite) {
				continue // Prometheus would not show it
			}
			if l.support != nil {
				part.Support = l.support[from : from+g.N : from+g.N]
			}
			frames[n].Series = append(frames[n].Series, part)
		}
	}
	return frames
}
