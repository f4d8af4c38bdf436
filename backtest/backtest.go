// Package backtest shows what the service would have done in the past: it lets
// the engine learn the history before a range, judge the range slot by slot, and
// keeps every incident that fired and every anomaly.
//
// Vocabulary: the range is what is judged, the history what is learned from
// before it; a chunk is a run of slots that was read at once; a skipped chunk is
// one that Prometheus did not answer; a fault is what a person knows to have been
// wrong, which the incidents can be compared with.
//
// The engine is the one of the service, on the same slots, in the same order. It
// is shown each slot as Prometheus would have answered for it alone, so it knows
// nothing of what comes later. Only the reading differs: the samples are fetched
// in chunks, ahead of the engine. What the service saw of scrapes that arrived
// late, or of a Prometheus that did not answer then, cannot be known.
//
// The package sends no alerts and stores nothing.
package backtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/config"
	"tidemark/incident"
	"tidemark/ingest"
	"tidemark/series"
	"tidemark/signal"
)

// Options say what to judge.
type Options struct {
	Config *config.Config

	// Start and End bound the range; slots on either are part of it. An End
	// that is newer than the newest slot that the service would judge now means
	// that slot.
	Start, End time.Time

	// Faults, if there are any, are what the report is compared with; Grace is
	// how long after its end a fault may still be paged for.
	Faults []Fault
	Grace  time.Duration

	// Other, if it is not nil, is a configuration to compare Config with, and
	// OtherName the file that it was read from.
	Other     *config.Config
	OtherName string

	// WhatIf asks for the counts at other sensitivities, and Pictures for what
	// the evidence of each incident looked like.
	WhatIf, Pictures bool

	// Reading says how Prometheus is asked, and where its answers are kept.
	Reading ingest.Options

	// Progress is called with how many of all slots, of history and range, are
	// done. It must not block. Nil is nobody.
	Progress func(done, total int)

	// Read is shown what was read of Config's signals, in the order of time, the
	// history first; no frames are slots that could not be read. It must not
	// change them. Nil is nobody.
	Read func(series.Grid, []series.Frame)
}

// Report is what a backtest found.
type Report struct {
	Incidents  []incident.Incident // that fired, as they stood at the end, by onset; suppressed ones did not page
	Anomalies  []incident.Anomaly  // all, as they stood at the end, by onset
	Stats      Stats
	Truth      *Assessment // nil if there are no faults to compare with
	WhatIf     *WhatIf     // nil if nobody asked for it
	Comparison *Comparison // nil if there is no configuration to compare with
	Pictures   []Picture   // of the incidents' evidence, in their order; nil if nobody asked

	signals []signal.Signal // in the order of Stats.Signals
}

// Run judges the range. The error is one line that says what to do about it; a
// report with Stats.Partial set is no error.
func Run(ctx context.Context, o Options) (*Report, error) {
	var variants []*config.Config
	if o.WhatIf {
		variants = shiftedBy(o.Config, offsets)
	}
	report, others, err := o.run(ctx, variants)
	if err != nil {
		return report, err
	}
	if o.WhatIf {
		report.WhatIf = whatIf(o.Config.Signals, report, others)
	}
	return report, nil
}

// run judges the range with the configuration, and at the same time with others
// that ask the same questions, and returns what each of them found.
func (o Options) run(ctx context.Context, variants []*config.Config) (report *Report, others []*Report, err error) {
	begin := time.Now()
	history, span, err := o.grids(begin)
	if err != nil {
		return nil, nil, err
	}
	if o.Other != nil {
		if err := o.comparable(); err != nil {
			return nil, nil, err
		}
	}
	questions, feeds := o.questions()
	reading := o.Reading
	// A backfill is patient with a source that is down. Whoever waits for a
	// report rather wants to know at once.
	reading.ProbeFirst = true
	source, err := ingest.New(o.Config.Prometheus, questions, reading)
	if err != nil {
		return nil, nil, fmt.Errorf("prometheus: %w", err)
	}
	r, err := newRun(o, source, history.N+span.N)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range variants {
		if err := r.add(c, feeds[0]); err != nil {
			return nil, nil, err
		}
	}
	if o.Other != nil {
		if err := r.add(o.Other, feeds[1]); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.OtherName, err)
		}
	}
	if err := r.through(ctx, history, r.learn); err != nil {
		return nil, nil, remedy(err)
	}
	if err := r.through(ctx, span, r.judge); err != nil {
		return nil, nil, remedy(err)
	}
	stats := r.stats(history, span)
	stats.Queries, stats.Recalled = source.Queries()
	stats.Duration = time.Since(begin)
	for _, l := range r.lanes {
		found := l.report()
		found.Stats = stats
		if o.Faults != nil {
			found.Truth = found.Assess(o.Faults, o.Grace)
		}
		others = append(others, found)
	}
	report, others = others[0], others[1:]
	report.signals = o.Config.Signals
	if o.Other != nil {
		last := len(others) - 1
		report.Comparison = compare(o.OtherName, report, others[last])
		others = others[:last]
	}
	return report, others, stats.empty()
}

// add lets another configuration take part.
func (r *run) add(c *config.Config, f feed) error {
	l, err := newLane(c, f)
	r.lanes = append(r.lanes, l)
	return err
}

// questions returns all signals to read, and which of them each configuration is
// fed with. Those of Config come first, in their order.
func (o Options) questions() ([]signal.Signal, [2]feed) {
	if o.Other == nil {
		return gather(o.Config.Signals, nil, "")
	}
	return gather(o.Config.Signals, o.Other.Signals, o.OtherName)
}

// grids returns the slots of the history and of the range, as the service would
// have had them had it started just before the range.
func (o Options) grids(now time.Time) (history, span series.Grid, err error) {
	step := time.Duration(o.Config.Global.EvaluationInterval)
	newest := series.Align(now.Add(-time.Duration(o.Config.Global.QueryOffset)), step)
	switch {
	case !o.End.After(o.Start):
		return history, span, fmt.Errorf("the end %s is not after the start %s: exchange them, or write a later --end", show(o.End), show(o.Start))
	case o.End.After(now.Add(step)):
		return history, span, fmt.Errorf("the end %s lies in the future: write one that is not after %s", show(o.End), show(newest))
	}
	end := o.End
	if newest.Before(end) {
		end = newest
	}
	span = series.Span(o.Start, end, step)
	if span.N == 0 {
		return history, span, fmt.Errorf("there is no slot between the start %s and the end %s: choose a range of more than the evaluation interval, %s",
			show(o.Start), show(end), o.Config.Global.EvaluationInterval)
	}
	if span.N > mostSlots {
		return history, span, fmt.Errorf("there are %d slots between the start %s and the end %s: choose a range of at most %d, which are %s",
			span.N, show(o.Start), show(end), mostSlots, model.Duration(mostSlots*step))
	}
	last := span.Start.Add(-step)
	return series.Span(last.Add(-time.Duration(o.Config.Prometheus.History)), last, step), span, nil
}

// mostSlots bounds the range: nearly four years of minutes. More is a typing error.
const mostSlots = 2_000_000

func show(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// run is the state of a backtest under way.
type run struct {
	reader   reader
	lanes    []*lane // the first one is the configuration's
	census   *census
	judging  time.Duration
	progress func(done, total int)
	read     func(chunk)
	done     int
	total    int
}

func newRun(o Options, source backfiller, total int) (*run, error) {
	questions, feeds := o.questions()
	r := &run{
		reader: reader{source: source}, census: newCensus(questions),
		progress: o.Progress, total: total,
	}
	l, err := newLane(o.Config, feeds[0])
	if err != nil {
		return nil, err
	}
	if o.Pictures {
		l.film = newFilm()
	}
	r.read = func(c chunk) {
		if o.Read != nil {
			o.Read(c.grid, c.frames[:min(len(c.frames), len(o.Config.Signals))])
		}
	}
	r.lanes = []*lane{l}
	return r, nil
}

// through reads the slots of g and gives each chunk to take, while the next one
// is being read.
func (r *run) through(ctx context.Context, g series.Grid, take func(context.Context, chunk) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	chunks := make(chan chunk)
	var unread error
	go func() {
		defer close(chunks)
		unread = r.reader.read(ctx, g, chunks)
	}()
	var failed error
	for c := range chunks {
		if failed != nil {
			continue // until the reader has noticed
		}
		begin := time.Now()
		r.read(c)
		if failed = take(ctx, c); failed != nil {
			cancel()
		}
		r.judging += time.Since(begin)
	}
	if failed != nil {
		return failed
	}
	return unread
}

// learn shows the engines a chunk of the history.
func (r *run) learn(_ context.Context, c chunk) error {
	r.census.history(c)
	progress := float64(r.done+c.grid.N) / float64(r.total)
	err := r.each(func(_ int, l *lane) error {
		l.learn(c, progress)
		return nil
	})
	r.advance(c.grid.N)
	return err
}

// judge lets the engines judge a chunk of the range. Progress is that of the
// first.
func (r *run) judge(ctx context.Context, c chunk) error {
	r.census.judged(c)
	return r.each(func(n int, l *lane) error {
		return l.judge(ctx, c, func() {
			if n == 0 {
				r.advance(1)
			}
		})
	})
}

// each lets every lane do something, at the same time, and returns the error of
// the first that has one.
func (r *run) each(do func(n int, l *lane) error) error {
	errs := make([]error, len(r.lanes))
	var wg sync.WaitGroup
	for n, l := range r.lanes {
		wg.Go(func() { errs[n] = do(n, l) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) advance(slots int) {
	r.done += slots
	if r.progress != nil {
		r.progress(r.done, r.total)
	}
}

// report returns what the lane found.
func (l *lane) report() *Report {
	r := &Report{Incidents: l.ledger.fired(), Anomalies: l.ledger.seen()}
	if l.film != nil {
		r.Pictures = l.film.pictures(r.Incidents)
	}
	return r
}
