package backtest

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/config"
	"tidemark/engine"
	"tidemark/series"
	"tidemark/signal"
)

// lane is one configuration under test. Lanes are shown the same samples, and
// know nothing of each other.
type lane struct {
	engine *engine.Engine
	replay *replay
	ledger *ledger
	film   *film // nil if nobody looks at pictures
	feed   feed
}

func newLane(c *config.Config, f feed) (*lane, error) {
	l := &lane{replay: &replay{}, ledger: newLedger(), feed: f}
	var err error
	l.engine, err = engine.New(engine.Options{
		Config: c.Global, Signals: c.Signals, Rules: c.Rules, Suppressions: c.Suppressions, Topology: c.Topology, Source: l.replay,
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	return l, err
}

// learn shows the engine a chunk of the history.
func (l *lane) learn(c chunk, progress float64) {
	if !c.skipped {
		l.engine.Learn(c.grid, l.feed.of(c.frames), progress)
	}
}

// judge lets the engine judge a chunk of the range, and calls advance after each
// slot. The slots of a skipped chunk are ones in which the service could read
// nothing: for up to an hour they are caught up with, as gaps.
func (l *lane) judge(ctx context.Context, c chunk, advance func()) error {
	l.replay.chunk = chunk{grid: c.grid, frames: l.feed.of(c.frames), skipped: c.skipped}
	for i := range c.grid.N {
		if !c.skipped {
			if err := l.engine.Eval(ctx, c.grid.At(i)); err != nil {
				return err
			}
			s := l.engine.Snapshot()
			l.ledger.note(s)
			if l.film != nil {
				l.film.note(s)
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		advance()
	}
	return nil
}

// feed says which of the frames that were read are a lane's signals.
type feed []feedEntry

type feedEntry struct {
	name  string // of the signal in the lane
	frame int
}

// of returns the frames of a lane. It shares their series.
func (f feed) of(frames []series.Frame) []series.Frame {
	if frames == nil {
		return nil
	}
	out := make([]series.Frame, len(f))
	for i, e := range f {
		out[i] = frames[e.frame]
		out[i].Signal = e.name
	}
	return out
}

// gather returns all signals to read so that both configurations can be fed, each
// question once, and the feed of each. What only the second one asks comes last.
// Its signals are named as ones of the file name where the first has another of
// that name.
func gather(first, second []signal.Signal, name string) (all []signal.Signal, feeds [2]feed) {
	index := map[string]int{} // by question
	taken := map[string]bool{}
	for n, signals := range [][]signal.Signal{first, second} {
		for _, s := range signals {
			key := question(s)
			i, known := index[key]
			if !known || n == 0 {
				i = len(all)
				index[key] = i
				read := s
				if taken[s.Name] {
					read.Name = s.Name + " of " + name
				}
				taken[read.Name] = true
				all = append(all, read)
			}
			feeds[n] = append(feeds[n], feedEntry{s.Name, i})
		}
	}
	return all, feeds
}

// question is all of a signal that decides what is read for it.
func question(s signal.Signal) string {
	scope := slices.Clone(s.Scope)
	slices.Sort(scope)
	return strings.Join([]string{s.Query, s.Support, s.Step.String(), strings.Join(scope, ",")}, "\xff")
}
