package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tidemark/series"
)

// reading is one pass over the signals for one grid. A backfill may read some of
// them again.
type reading struct {
	source  *Source
	grid    series.Grid
	answers []answer // one per signal
	keep    bool     // in the cache

	mu       sync.Mutex
	answered bool  // the source answered a query, if only by refusing it
	waiting  int   // queries under way
	silent   int   // queries that it did not answer
	last     error // of the last of them
}

// answer is what reading one signal gave.
type answer struct {
	asked      bool
	frame      series.Frame
	supportErr error
}

func (s *Source) newReading(g series.Grid) *reading {
	return &reading{source: s, grid: g, answers: make([]answer, len(s.signals))}
}

// all returns the index of every signal.
func (r *reading) all() []int {
	which := make([]int, len(r.answers))
	for i := range which {
		which[i] = i
	}
	return which
}

// read reads the signals with the given indexes, a bounded number at once, and
// replaces their answers.
func (r *reading) read(ctx context.Context, which []int) {
	r.answered, r.silent = false, 0
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(r.source.config.Concurrency, len(which)) {
		wg.Go(func() {
			for i := range next {
				r.answers[i] = r.signal(ctx, i)
			}
		})
	}
	for _, i := range which {
		next <- i
	}
	close(next)
	wg.Wait()
}

// signal reads one signal and its support.
func (r *reading) signal(ctx context.Context, i int) answer {
	sig := r.source.signals[i]
	a := answer{frame: series.Frame{Signal: sig.Name}}
	ask, err := asked(sig, r.grid)
	if err != nil {
		a.asked = true
		a.frame.Err = fmt.Errorf("query %s: %w", sig.Name, &queryError{badQuery, err.Error()})
		return a
	}
	if ask.N == 0 {
		return a
	}
	a.asked = true
	query := func(expr string) (checked, error) {
		if err := r.begin(ctx); err != nil {
			return checked{}, err
		}
		c, err := r.source.query(ctx, sig, expr, ask, r.grid)
		r.end(err)
		if err == nil && r.keep {
			r.source.remember(expr, ask, r.grid, c)
		}
		return c, err
	}
	c, err := query(sig.Query)
	if err != nil {
		a.frame.Err = fmt.Errorf("query %s: %w", sig.Name, err)
		return a
	}
	a.frame.Series = c.series
	if sig.Support == "" || len(c.series) == 0 {
		return a
	}
	support, err := query(sig.Support)
	if err != nil {
		a.supportErr = fmt.Errorf("query support of %s: %w", sig.Name, err)
		return a
	}
	c.support(support)
	return a
}

// minSilent is how many queries a source must leave unanswered, at least, before
// it counts as one that answers none: a single query may just be slow.
const minSilent = 3

// begin counts a query as under way, or returns an error if it is of no use: the
// caller has gone, or the source has answered no query and left one without an
// answer for as long as it may take, while the others began no later. So a
// source that hangs costs one timeout, however many signals there are.
func (r *reading) begin(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !r.answered && r.silent > 0 && r.silent+r.waiting >= max(r.source.config.Concurrency, minSilent) {
		return fmt.Errorf("not asked, since other queries failed: %w", r.last)
	}
	r.waiting++
	return nil
}

func (r *reading) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting--
	if down(err) {
		r.silent++
		r.last = err
	} else if err == nil || reasonOf(err) != "" {
		r.answered = true
	}
}

func (r *reading) frames() []series.Frame {
	frames := make([]series.Frame, len(r.answers))
	for i, a := range r.answers {
		frames[i] = a.frame
	}
	return frames
}

// err returns why nothing at all could be read, and nil if something could.
func (r *reading) err(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read signals: %w", context.Cause(ctx))
	}
	var first error
	isDown, asked := true, 0
	for _, a := range r.answers {
		if !a.asked {
			continue
		}
		asked++
		if a.frame.Err == nil {
			return nil
		}
		if first == nil {
			first = a.frame.Err
		}
		isDown = isDown && down(a.frame.Err)
	}
	switch address := r.source.config.address(); {
	case asked == 0:
		return nil
	case isDown:
		return fmt.Errorf("prometheus %s is down: %w", address, first)
	default:
		return fmt.Errorf("none of %d signals can be read from prometheus %s: %w", asked, address, first)
	}
}

// report tells metrics and log how the reading went.
func (r *reading) report() {
	s := r.source
	total := 0
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range r.answers {
		if !a.asked || a.frame.Err != nil {
			continue
		}
		total += len(a.frame.Series)
		s.metrics.lastSuccess.Set(float64(time.Now().UnixMilli()) / 1e3)
		if a.supportErr != nil {
			s.metrics.supportErrors.Inc()
		}
		switch was := s.unsupported[a.frame.Signal]; {
		case a.supportErr != nil && !was:
			s.logger.Warn("The support of a signal cannot be read, so it is judged without.", "signal", a.frame.Signal, "err", a.supportErr)
		case a.supportErr == nil && was:
			s.logger.Info("The support of a signal can be read again.", "signal", a.frame.Signal)
		}
		s.unsupported[a.frame.Signal] = a.supportErr != nil
	}
	s.metrics.series.Set(float64(total))
}
