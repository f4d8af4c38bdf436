package backtest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"tidemark/series"
)

// chunk is a run of slots that was read at once.
type chunk struct {
	grid    series.Grid
	frames  []series.Frame // none if skipped
	skipped bool           // Prometheus did not answer
}

// backfiller reads the past in chunks that Prometheus can answer.
type backfiller interface {
	// Backfill yields the slots in [from, to], oldest first. The error is
	// non-nil if a chunk could not be read at all; what was yielded before is
	// good.
	Backfill(ctx context.Context, from, to time.Time, step time.Duration, yield func(series.Grid, []series.Frame) error) error
}

// reader reads chunks and keeps account of what could not be read.
type reader struct {
	source  backfiller
	waited  time.Duration // for Prometheus, answers decoded
	chunks  int
	skipped int
	missing int   // slots in skipped chunks
	last    error // why the last chunk was skipped
}

// skipAfter is how many slots are skipped where nothing tells how large the
// chunk was that could not be read.
const skipAfter = 480

// read sends the slots of g in chunks. A chunk that Prometheus does not answer
// is skipped if others were read and the next one can be: two in a row mean that
// it is gone, and nothing read at all that it was never there.
func (r *reader) read(ctx context.Context, g series.Grid, out chan<- chunk) error {
	size, failures := skipAfter, 0
	var resumed time.Time
	send := func(c chunk) error {
		r.waited += time.Since(resumed)
		defer func() { resumed = time.Now() }()
		select {
		case out <- c:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for next := 0; next < g.N; {
		resumed = time.Now()
		err := r.source.Backfill(ctx, g.At(next), g.End(), g.Step, func(grid series.Grid, frames []series.Frame) error {
			size, failures = grid.N, 0
			next += grid.N
			r.chunks++
			return send(chunk{grid: grid, frames: frames})
		})
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			r.waited += time.Since(resumed)
			return nil
		case r.chunks == 0, failures > 0:
			return err
		}
		failures++
		c := chunk{grid: series.Grid{Start: g.At(next), Step: g.Step, N: min(size, g.N-next)}, skipped: true}
		next += c.grid.N
		r.skipped++
		r.missing += c.grid.N
		r.last = err
		if err := send(c); err != nil {
			return err
		}
	}
	return nil
}

// replay is the source of an engine that works through a chunk.
type replay struct{ chunk chunk }

// Read implements engine.Source. A frame holds the series that have a sample in
// g, as in an answer of Prometheus for g alone: of one that appears later in the
// chunk the engine must not know. Slots outside the chunk are gaps.
func (r *replay) Read(_ context.Context, g series.Grid) ([]series.Frame, error) {
	frames := make([]series.Frame, len(r.chunk.frames))
	from := int(g.Start.Sub(r.chunk.grid.Start) / g.Step)
	for n, f := range r.chunk.frames {
		frames[n] = series.Frame{Signal: f.Signal, Err: f.Err}
		for _, s := range f.Series {
			values, found := cut(s.Values, from, g.N)
			if !found {
				continue
			}
			part := series.Series{Labels: s.Labels, Values: values}
			if s.Support != nil {
				part.Support, _ = cut(s.Support, from, g.N)
			}
			frames[n].Series = append(frames[n].Series, part)
		}
	}
	return frames, nil
}

// cut returns n values from index i on, NaN where there are none, and whether
// any of them is a value.
func cut(values []float64, i, n int) (part []float64, found bool) {
	if i >= 0 && i+n <= len(values) {
		part = values[i : i+n : i+n]
	} else {
		part = series.Gaps(n)
		for k := range part {
			if i+k >= 0 && i+k < len(values) {
				part[k] = values[i+k]
			}
		}
	}
	for _, v := range part {
		if !math.IsNaN(v) {
			return part, true
		}
	}
	return part, false
}

// remedies are what to do about an error of reading, by words in it.
var remedies = []struct{ words, do string }{
	{"is down", "start it, or correct prometheus.url"},
	{"refuses the credentials", "correct the credentials in the section prometheus"},
	{"asks for too much", "aggregate the queries by recording rules, or raise the limits of Prometheus (--query.max-samples, --query.timeout)"},
	{"gave up", "aggregate the queries by recording rules, or raise the limits of Prometheus (--query.max-samples, --query.timeout)"},
	{"no complete answer within", "raise prometheus.timeout, or aggregate the queries by recording rules"},
}

// remedy adds what to do about an error of reading.
func remedy(err error) error {
	for _, r := range remedies {
		if strings.Contains(err.Error(), r.words) {
			return fmt.Errorf("%w: %s", err, r.do)
		}
	}
	return err
}
