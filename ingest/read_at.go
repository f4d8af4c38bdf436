package ingest

import (
	"context"
	"time"

	"tidemark/series"
	"tidemark/signal"
)

// ReadAt evaluates one expression as of ts, bounded, checked and counted as the
// query of a signal, and returns the series that have a finite value then: each
// has one slot. It may be called while the signals are read.
func (s *Source) ReadAt(ctx context.Context, expr string, ts time.Time) ([]series.Series, error) {
	g := series.Grid{Start: ts.Truncate(time.Millisecond), Step: time.Minute, N: 1}
	c, err := s.query(ctx, signal.Signal{}, expr, g, g)
	if err != nil {
		return nil, err
	}
	var out []series.Series
	for _, one := range c.series {
		if series.Finite(one.Values[0]) {
			out = append(out, one)
		}
	}
	return out, nil
}
