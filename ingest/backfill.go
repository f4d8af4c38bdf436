package ingest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"tidemark/series"
)

const (
	// firstChunk is how many slots the first chunk spans, while nothing is known
	// about the number of series.
	firstChunk = 480

	// minChunk is how many slots are always asked for at once. A signal that is
	// too much for that is reported, not halved further.
	minChunk = 60

	// maxChunkValues bounds the values of all signals in a chunk: 16 MiB.
	maxChunkValues = 2 << 20

	// bytesPerPoint is what one sample takes in an answer: a timestamp with
	// milliseconds and 17 digits.
	bytesPerPoint = 40

	// attempts is how often a chunk is read before it is given up, and backoff
	// how long it waits after the first; each wait is twice the one before.
	attempts = 5
	backoff  = time.Second
)

// Backfill reads the slots in [from, to], oldest first, in chunks, and gives each
// chunk to yield as Read would return it: yield may keep the frames, and its
// error ends the backfill and is returned. How far it has come is
// g.End() − from out of to − from.
//
// A chunk that the source does not answer is read again after a pause, up to
// five times; one that is too large or too slow is read in halves. A signal that
// still cannot be read is yielded with Frame.Err; the error is non-nil if no
// signal could be read, or if ctx is done. What the cache has is not asked for.
func (s *Source) Backfill(ctx context.Context, from, to time.Time, step time.Duration, yield func(g series.Grid, frames []series.Frame) error) error {
	if err := checkGrid(series.Grid{Step: step}); err != nil {
		return err
	}
	span := series.Span(from, to, step)
	b := backfill{source: s, limit: s.config.PointsPerQuery, hopeless: map[string]bool{}}
	size := firstChunk
	for done := 0; done < span.N; {
		r, err := b.chunk(ctx, series.Grid{Start: span.At(done), Step: step, N: b.length(span, done, size)})
		if err != nil {
			return fmt.Errorf("backfill from %s: %w", span.At(done).Format(time.RFC3339), err)
		}
		if err := yield(r.grid, r.frames()); err != nil {
			return err
		}
		done += r.grid.N
		size = b.size(r)
	}
	return nil
}

// backfill is what one backfill has learned about its source.
type backfill struct {
	source   *Source
	limit    int             // slots per chunk
	hopeless map[string]bool // signals that are too much even for a small chunk
}

// length returns how many slots the next chunk spans. With a cache it ends where
// the chunks of other backfills do, wherever they begin, and before what is too
// new to be kept.
func (b *backfill) length(span series.Grid, done, size int) int {
	most := min(size, b.limit)
	if b.source.cache == nil || most < minChunk {
		return min(most, span.N-done)
	}
	aligned := minChunk
	for 2*aligned <= most {
		aligned *= 2
	}
	since := int(span.At(done).UnixNano() / int64(span.Step))
	n := aligned - since%aligned
	for aligned > minChunk && time.Since(span.At(done+n-1)) < settled {
		aligned /= 2
		n = aligned - since%aligned
	}
	return min(n, span.N-done)
}

// probe sends one small query, once, and returns an error if the source as a whole
// is of no use.
func (b *backfill) probe(ctx context.Context, g series.Grid) error {
	s := b.source
	if !s.probeFirst || s.probed.Load() || len(s.signals) == 0 {
		return nil
	}
	r := s.newReading(series.Grid{Start: g.Start, Step: g.Step, N: 1})
	r.read(ctx, []int{0})
	err := r.err(ctx)
	if ctx.Err() == nil && Remedy(err) == "" {
		s.probed.Store(true)
		return nil
	}
	return err
}

// chunk reads g, or as much of its beginning as the source can answer at once.
func (b *backfill) chunk(ctx context.Context, g series.Grid) (*reading, error) {
	r := b.source.newReading(g)
	r.keep = true
	which := r.recall()
	if len(which) > 0 {
		if err := b.probe(ctx, g); err != nil {
			return r, err
		}
	}
	for attempt := 1; ; {
		r.read(ctx, which)
		if ctx.Err() != nil {
			return r, r.err(ctx)
		}
		again, halve, wait := b.judge(r)
		switch {
		case attempt == attempts, !halve && len(again) == 0:
			r.report()
			return r, r.err(ctx)
		case halve:
			b.limit = max(r.grid.N/2, minChunk)
			r = b.source.newReading(series.Grid{Start: g.Start, Step: g.Step, N: min(b.limit, r.grid.N)})
			r.keep = true
			again = r.recall()
		}
		which = again
		if wait {
			if err := b.pause(ctx, attempt); err != nil {
				return r, err
			}
			attempt++
		}
	}
}

// judge says which signals to read again, whether in a smaller chunk, and
// whether after a pause.
func (b *backfill) judge(r *reading) (again []int, halve, wait bool) {
	for i, a := range r.answers {
		for _, err := range []error{a.frame.Err, a.supportErr} {
			switch {
			case err == nil || b.hopeless[a.frame.Signal]:
			case tooMuch(err) && r.grid.N > minChunk:
				halve = true
				wait = wait || down(err)
			case down(err):
				again = append(again, i)
				wait = true
			case tooMuch(err):
				// Small chunks do not help this signal, so they need not be
				// small for its sake.
				b.hopeless[a.frame.Signal] = true
				b.limit = b.source.config.PointsPerQuery
			}
		}
	}
	return again, halve, wait
}

// pause waits before the next attempt, and as long as the source asked for.
func (b *backfill) pause(ctx context.Context, attempt int) error {
	d := backoff << (attempt - 1)
	d = d/2 + rand.N(d) // replicas that start together must not come back together
	timer := time.NewTimer(max(d, b.source.client.wait()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("read signals: %w", context.Cause(ctx))
	}
}

// size returns how many slots the chunk after r should span, by the number of
// series in it.
func (b *backfill) size(r *reading) int {
	total, largest := 1, 1
	for _, a := range r.answers {
		n := len(a.frame.Series)
		total += n
		largest = max(largest, n)
	}
	return max(minChunk, min(
		maxChunkValues/total,
		int(b.source.config.MaxResponseBytes)/(bytesPerPoint*largest),
	))
}
