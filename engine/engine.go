// Package engine runs tidemark's cycle: it reads the signals, lets the detectors
// judge them, weighs the rules in each scope, moves the incidents on, and
// publishes an immutable snapshot.
//
// Live operation, cold start and backtest run the same code on the same grid of
// slots. The engine has no clock: the time of a cycle is an argument. One
// goroutine calls Learn and Eval; Snapshot may be called from any.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
	"tidemark/suppression"
	"tidemark/topology"
)

// Source reads the signals.
type Source interface {
	// Read returns one frame for each signal, in the order of the
	// configuration, each over the grid g. A signal that cannot be read has
	// Frame.Err set. The error is non-nil only if nothing at all could be read.
	Read(ctx context.Context, g series.Grid) ([]series.Frame, error)
}

// Options are what an engine needs to run.
type Options struct {
	Config  Config
	Signals []signal.Signal
	Rules   *rules.Set
	Source  Source

	// Suppressions keep incidents from paging.
	Suppressions suppression.List

	// Topology is the service graph; its queries are among the signals.
	Topology topology.Config

	// Publish is called after each cycle with what is known then. It must not
	// block. Nil is nobody.
	Publish func(*Snapshot)

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Engine holds the state of all series and incidents.
type Engine struct {
	opts    Options
	step    time.Duration
	signals []*watched
	byName  map[string]*watched
	scopes  *scopes         // nil after series came or went
	graph   *topology.Graph // of the services; nil if it is to be drawn, or there is none
	changes []rules.Change  // newest first
	book    *incident.Book

	accepted []incident.Acceptance // the ledger

	last     time.Time // the newest slot that was observed
	blind    error     // why the last cycle could read nothing
	progress float64
	ready    bool
	ended    []incident.Anomaly // ended in this cycle

	snapshot atomic.Pointer[Snapshot]
	metrics  *metrics
}

// New returns an engine that knows nothing yet. The configuration and the
// signals must have been checked.
func New(o Options) (*Engine, error) {
	e := &Engine{
		opts:    o,
		step:    time.Duration(o.Config.EvaluationInterval),
		byName:  map[string]*watched{},
		book:    incident.NewBook(incident.Options{Settle: o.Config.Settle}),
		metrics: newMetrics(o.Registerer),
	}
	for i := range o.Signals {
		w := &watched{signal: &o.Signals[i], index: map[string]*track{}}
		w.options = w.signal.Options(o.Config.Location(), time.Duration(o.Config.RelearnAfter))
		w.options.Holidays = o.Config.Holidays
		e.signals = append(e.signals, w)
		e.byName[w.signal.Name] = w
	}
	for _, w := range e.signals {
		if given := w.signal.Given; given != "" {
			if w.given = e.byName[given]; w.given == nil {
				return nil, fmt.Errorf("signal %q is given %q, which is not configured", w.signal.Name, given)
			}
		}
	}
	e.publish()
	return e, nil
}

// Restore puts incidents of an earlier run back, before the first cycle. Which of
// them are suppressed is decided as of ts.
func (e *Engine) Restore(incidents []incident.Incident, ts time.Time) {
	e.book.Restore(incidents)
	e.suppress(ts)
	e.publish()
}

// Adopt takes over the state of every signal of old that is declared the same
// way here, with the ledger of changes and the incidents, as of a reload. Other
// holidays hold from now on. It returns the signals that have to learn from the
// beginning. Old must not be used any more.
func (e *Engine) Adopt(old *Engine) (fresh []signal.Signal) {
	e.last, e.changes, e.ready, e.accepted = old.last, old.changes, old.ready, old.accepted
	e.book.Restore(old.book.Incidents())
	for _, w := range e.signals {
		o := old.byName[w.signal.Name]
		if o == nil || !reflect.DeepEqual(o.signal, w.signal) || !o.options.Alike(w.options) {
			fresh = append(fresh, *w.signal)
			continue
		}
		w.tracks, w.index, w.err = o.tracks, o.index, o.err
		for _, t := range w.tracks {
			if t.detector != nil {
				t.detector.Keep(w.options.Holidays)
			}
		}
	}
	if e.ready { // else the first cycle will
		e.suppress(e.last)
	}
	e.publish()
	return fresh
}

// Learn shows the engine a stretch of the past: the detectors of the signals
// that have a frame learn from it and the changes in it are recorded, but no
// verdict is reached. Progress, 0 to 1, is what the snapshot shows meanwhile.
func (e *Engine) Learn(g series.Grid, frames []series.Frame, progress float64) {
	win := e.open(g, frames)
	for i := range g.N {
		e.observe(g.At(i), win, i)
	}
	e.ended = nil // the past is learned from, not reported
	e.progress = progress
	e.publish()
}

// Eval runs the cycle as of ts: it reads and judges every slot after the last
// one up to ts, so that slots missed while the source was away, or the process
// was slow, are caught up with. If nothing can be read, the incidents are held
// as they are, the slots stay due, and the error says why.
func (e *Engine) Eval(ctx context.Context, ts time.Time) error {
	ts = series.Align(ts, e.step)
	from := ts
	if !e.last.IsZero() {
		if !ts.After(e.last) {
			return nil
		}
		from = e.last.Add(e.step)
	}
	if limit := ts.Add(-maxCatchUp); from.Before(limit) {
		e.opts.Logger.Warn("Slots are skipped, nothing could be read for too long", "from", from, "to", limit)
		from = limit
	}
	g := series.Span(from, ts, e.step)
	frames, err := e.opts.Source.Read(ctx, g)
	if err != nil {
		e.blind = err
		e.book.Hold()
		e.suppress(ts)
		e.metrics.failed.Inc()
		e.publish()
		e.notify()
		return fmt.Errorf("read the signals of %s: %w", ts.Format(time.RFC3339), err)
	}
	e.blind = nil
	e.ready, e.progress = true, 1
	e.ended = nil
	win := e.open(g, frames)
	for i := range g.N {
		e.observe(g.At(i), win, i)
		e.judge(g.At(i))
	}
	e.metrics.cycles.Inc()
	e.metrics.missed.Add(float64(g.N - 1))
	e.publish()
	e.notify()
	return nil
}

// maxCatchUp is how far back Eval reads slots that it missed. What is older has
// become history; the detectors see a gap.
const maxCatchUp = time.Hour

func (e *Engine) notify() {
	if e.opts.Publish != nil {
		e.opts.Publish(e.Snapshot())
	}
}

// Snapshot returns what the engine knew after its last cycle. It is never nil.
func (e *Engine) Snapshot() *Snapshot { return e.snapshot.Load() }
