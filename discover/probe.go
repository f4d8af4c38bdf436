package discover

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"tidemark/signal"
)

// candidate is a query of a source for a signal, and what it gave.
type candidate struct {
	Candidate
	source  *source
	refused string // why it cannot be chosen; empty if it can
	never   bool   // nor can those of other sources then
}

// probe makes the candidates of all sources and asks each once.
func (s *search) probe(ctx context.Context) error {
	for _, src := range s.sources {
		given := map[string]bool{}
		for _, t := range src.entry.templates() {
			if c := s.candidate(src, t); c != nil && !given[t.Name] {
				given[t.Name] = true
				s.candidates = append(s.candidates, c)
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for _, c := range s.candidates {
		g.Go(func() error { return s.test(ctx, c) })
	}
	return g.Wait()
}

// candidate expands a template, or returns nil if the source has not all that
// it asks for.
func (s *search) candidate(src *source, t template) *candidate {
	sig := t.Signal
	var ok bool
	if sig.Query, ok = s.expand(src, t.Query, src.by); !ok {
		return nil
	}
	if t.Support != "" {
		if sig.Support, ok = s.expand(src, t.Support, src.by); !ok {
			return nil
		}
	}
	if !src.shared {
		sig.Scope = []string{}
		if t.Query != sig.Query { // it has labels
			sig.Scope = append(sig.Scope, src.by...)
		}
	}
	return &candidate{source: src, Candidate: Candidate{Signal: sig, From: src.title(), Value: math.NaN()}}
}

// test asks a candidate's query, and that of its support.
func (s *search) test(ctx context.Context, c *candidate) error {
	v, err := s.ask(ctx, c.Signal.Query, s.options.At)
	if err != nil {
		return err
	}
	c.Series = len(v)
	for _, sample := range v {
		if value := float64(sample.Value); math.IsNaN(c.Value) || value > c.Value {
			c.Value = value
		}
	}
	switch {
	case c.source.entry.Suggest != "":
		c.refused = c.source.entry.Suggest
	case c.Series > s.options.MaxSeries:
		c.refused = fmt.Sprintf("it has %d series, more than max_series_per_signal (%d)", c.Series, s.options.MaxSeries)
	case c.Signal.Name == "cache_served_ratio" && c.Value > 1:
		c.refused, c.never = "more is served from the cache than there are requests, so it is no share", true
	}
	if c.Signal.Support == "" || c.Series == 0 {
		return nil
	}
	support, err := s.ask(ctx, c.Signal.Support, s.options.At)
	if len(support) == 0 {
		c.Signal.Support = ""
	}
	return err
}

// isChange reports whether the signal is watched for changes only.
func isChange(sig signal.Signal) bool {
	return sig.Kind == signal.Change || signal.Standard[sig.Name].Kind == signal.Change
}
