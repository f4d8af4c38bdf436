package app

import (
	"context"
	"time"

	"tidemark/config"
	"tidemark/ingest"
	"tidemark/series"
)

// reloadRequest asks the loop to read the configuration again.
type reloadRequest struct {
	done chan error
}

// requestReload reads the configuration again and returns once it is in force,
// or says why it is not.
func (a *app) requestReload(ctx context.Context) error {
	r := reloadRequest{make(chan error, 1)}
	select {
	case a.reloads <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loop owns the engine. It learns the history, then runs a cycle whenever a slot
// is due, until ctx is done.
func (a *app) loop(ctx context.Context, g *generation) {
	// The sender outlives ctx for as long as it takes to stop the cycles.
	stopSender := g.startSender(context.WithoutCancel(ctx))
	defer func() { stopSender() }()
	stopAudits := a.startAudits(ctx, g)
	defer func() { stopAudits() }()

	renew := func() error {
		next, err := a.reload(ctx, g)
		if err != nil {
			return err
		}
		g = next
		stopAudits()
		stopAudits = a.startAudits(ctx, g)
		stopSender()
		stopSender = g.startSender(context.WithoutCancel(ctx))
		a.logger.Info("The configuration is reloaded", "signals", len(g.config.Signals), "to_learn", len(g.learn))
		return nil
	}
	reload := func() error {
		err := renew()
		if err != nil {
			a.logger.Error("The configuration is not reloaded, the old one stays in force", "err", err)
		}
		return err
	}

	discoverIn := time.Duration(0)
	for {
		learned, stopLearning := a.startLearning(ctx, g)
		timer := time.NewTimer(0)
		if learned != nil {
			timer.Stop()
		}
		// Without signals there is nothing to do but to look for some.
		var discovery <-chan time.Time
		if len(g.config.Signals) == 0 {
			timer.Stop()
			discovery = time.After(discoverIn)
			discoverIn = learnRetry
		}
	cycles:
		for {
			select {
			case <-ctx.Done():
				stopLearning()
				return
			case <-learned:
				learned = nil
				timer.Reset(0)
			case <-discovery:
				if err := renew(); err != nil {
					a.logger.Warn("The signals cannot be discovered, it will be tried again", "err", err, "retry_seconds", learnRetry.Seconds())
				}
				break cycles
			case <-timer.C:
				a.cycle(ctx, g)
				timer.Reset(untilNext(g))
			case r := <-a.accepts:
				a.accept(g, r, learned == nil)
			case r := <-a.reloads:
				stopLearning()
				r.done <- reload()
				break cycles
			case <-a.opts.Reload:
				stopLearning()
				_ = reload() // it is logged and counted
				break cycles
			}
		}
		timer.Stop()
	}
}

// untilNext is how long it takes until the next slot of the grid is due.
func untilNext(g *generation) time.Duration {
	due := g.slot(time.Now())
	return series.Align(due, g.interval()).Add(g.interval()).Sub(due)
}

func (a *app) cycle(ctx context.Context, g *generation) {
	ctx, cancel := context.WithTimeout(ctx, max(g.interval(), minCycleTimeout))
	defer cancel()
	start := time.Now()
	a.noteExpired(g, start)
	g.engine.Record(a.events.take())
	if err := g.engine.Eval(ctx, g.slot(start)); err != nil {
		a.logger.Warn("Nothing could be read, incidents are held as they are", "err", err)
	}
	a.metrics.cycleSeconds.Observe(time.Since(start).Seconds())
}

// minCycleTimeout lets a cycle that catches up take longer than a short
// interval.
const minCycleTimeout = 30 * time.Second

// load reads the configuration and keeps account of whether it could.
func (a *app) load() (*config.Config, error) {
	c, err := config.Load(a.opts.ConfigFile)
	a.metrics.loaded(err == nil)
	return c, err
}

// reload makes the next generation from the file, and discovers the signals if it
// has none. An error leaves the old one as it is.
func (a *app) reload(ctx context.Context, old *generation) (*generation, error) {
	c, err := a.load()
	if err != nil {
		return nil, err
	}
	if c, err = Discover(ctx, c, time.Now(), ingest.Options{Logger: a.logger}); err != nil {
		a.metrics.loaded(false)
		return nil, err
	}
	next, err := a.newGeneration(c)
	if err != nil {
		a.metrics.loaded(false)
		return nil, err
	}
	fresh := next.engine.Adopt(old.engine)
	if len(old.learn) == 0 {
		next.learn = fresh
	}
	// Somebody was told of what is suppressed from now on, and hears that it is over.
	next.sender.Notify(old.engine.Snapshot().Incidents)
	next.sender.Notify(next.engine.Snapshot().Incidents)
	a.current.Store(next)
	return next, nil
}

// startLearning learns the history of the signals that need it, in a goroutine
// that has the engine to itself until learned is closed or stop has returned. A
// nil channel says that there is nothing to learn.
func (a *app) startLearning(ctx context.Context, g *generation) (learned chan struct{}, stop func()) {
	if len(g.learn) == 0 {
		return nil, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	learned = make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if a.learnHistory(ctx, g) {
			g.learn = nil
			close(learned)
		}
	}()
	return learned, func() {
		cancel()
		<-ended
	}
}

// learnRetry is how long to wait before the history is asked for again.
const learnRetry = 5 * time.Second

// learnHistory reads the history and lets the engine learn it. It goes on after
// what is learned already when the source fails, until it succeeds or ctx is
// done, and reports whether it succeeded.
func (a *app) learnHistory(ctx context.Context, g *generation) bool {
	source, err := g.learningSource()
	if err != nil {
		a.logger.Error("The history cannot be read", "err", err)
		return false
	}
	step := g.interval()
	start := time.Now()
	to := series.Align(g.slot(start), step)
	from := to.Add(-time.Duration(g.config.Prometheus.History))
	if last := g.engine.Snapshot().Time; !last.IsZero() && len(g.learn) < len(g.config.Signals) {
		to = last // the signals that are learned already are there
	}
	a.logger.Info("Learning the history", "from", from, "to", to, "signals", len(g.learn))
	begin, logged := from, 0.0
	for {
		err := source.Backfill(ctx, begin, to, step, func(grid series.Grid, frames []series.Frame) error {
			progress := float64(grid.End().Sub(from)) / float64(to.Sub(from))
			g.engine.Learn(grid, frames, progress)
			begin = grid.End().Add(step)
			if progress >= logged+0.1 {
				logged = progress
				a.logger.Info("Learning the history", "progress_percent", int(100*progress))
			}
			return nil
		})
		if err == nil {
			a.logger.Info("The history is learned", "seconds", time.Since(start).Seconds())
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		a.logger.Warn("The history cannot be read, it will be tried again", "err", err, "retry_seconds", learnRetry.Seconds())
		select {
		case <-ctx.Done():
			return false
		case <-time.After(learnRetry):
		}
	}
}

// learningSource reads only the signals that have to be learned.
func (g *generation) learningSource() (*ingest.Source, error) {
	if len(g.learn) == len(g.config.Signals) {
		return g.source, nil
	}
	return g.source.With(g.config.Prometheus, g.learn)
}
