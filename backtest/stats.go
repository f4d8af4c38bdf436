package backtest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/series"
	"tidemark/signal"
)

// Stats say what a report rests on.
type Stats struct {
	Start, End time.Time // first and last slot of the range
	Step       time.Duration
	Slots      int // of the range

	// HistoryStart is the first slot that was learned from; zero if there was
	// no sample before the range.
	HistoryStart time.Time

	// HistoryWanted is the first slot that was asked for to learn from.
	HistoryWanted time.Time

	// DataStart and DataEnd are the first and the last slot of the range in which
	// any signal has a sample; zero if there is none.
	DataStart, DataEnd time.Time

	Series         int // that had a sample in the range
	Samples        int // in the range
	HistorySamples int
	Services       int           // scopes that have a sample in the range and are not part of another
	Signals        []SignalStats // in the order of the configuration

	Chunks        int // that were read, of history and range
	SkippedChunks int
	SkippedSlots  int
	SkippedWhy    error // of the last one

	// Partial is set if something could not be read that a query asked for, or if
	// the data begins late in the range, or ends early.
	Partial bool

	Queries  int // that were sent
	Recalled int // that were not, since their answers were kept from an earlier time

	Duration time.Duration
	Reading  time.Duration // of it waiting for Prometheus, while judging goes on
	Judging  time.Duration // of it the engine's
}

// SignalStats say what was read of a signal in the range.
type SignalStats struct {
	Name       string
	Series     int
	Samples    int
	BlindSlots int   // in which it could not be read
	Err        error // why, for the last of them, or that it has no sample
}

// census counts what is read.
type census struct {
	signals        []signal.Signal
	stats          []SignalStats
	series         []map[string]bool // by labels
	scopes         map[string]model.LabelSet
	historySamples int
	historyStart   time.Time
	first, last    time.Time // slots of the range with a sample
	partial        bool
}

func newCensus(signals []signal.Signal) *census {
	c := &census{
		signals: signals, stats: make([]SignalStats, len(signals)),
		series: make([]map[string]bool, len(signals)), scopes: map[string]model.LabelSet{},
	}
	for i, s := range signals {
		c.stats[i].Name = s.Name
		c.series[i] = map[string]bool{}
	}
	return c
}

func (c *census) history(ch chunk) {
	for i, f := range ch.frames {
		if f.Err != nil {
			c.partial = true
			c.stats[i].Err = fmt.Errorf("its history: %w", f.Err)
		}
		for _, s := range f.Series {
			n, first, _ := count(s.Values)
			c.historySamples += n
			if at := ch.grid.At(first); n > 0 && (c.historyStart.IsZero() || at.Before(c.historyStart)) {
				c.historyStart = at
			}
		}
	}
}

func (c *census) judged(ch chunk) {
	for i, f := range ch.frames {
		stats := &c.stats[i]
		if f.Err != nil {
			c.partial = true
			stats.Err = f.Err
			stats.BlindSlots += ch.grid.N
		}
		for _, s := range f.Series {
			n, first, last := count(s.Values)
			if n == 0 {
				continue
			}
			stats.Samples += n
			if at := ch.grid.At(first); c.first.IsZero() || at.Before(c.first) {
				c.first = at
			}
			if at := ch.grid.At(last); at.After(c.last) {
				c.last = at
			}
			if key := s.Labels.String(); !c.series[i][key] {
				c.series[i][key] = true
				scope := c.signals[i].ScopeOf(s.Labels)
				c.scopes[scope.String()] = scope
			}
			if s.Support == nil && c.signals[i].Support != "" {
				c.partial = true
				stats.Err = fmt.Errorf("its support could not be read, so it is judged without from %s to %s", show(ch.grid.Start), show(ch.grid.End()))
			}
		}
	}
}

// services counts the scopes that are not part of another: the database that two
// services share is no service.
func (c *census) services() int {
	n := 0
	for _, s := range c.scopes {
		part := false
		for _, other := range c.scopes {
			part = part || len(other) > len(s) && agree(s, other)
		}
		if !part {
			n++
		}
	}
	return n
}

// count returns how many values there are, and the indexes of the first and the
// last.
func count(values []float64) (n, first, last int) {
	for i, v := range values {
		if !math.IsNaN(v) {
			if n == 0 {
				first = i
			}
			last = i
			n++
		}
	}
	return n, first, last
}

func (r *run) stats(history, span series.Grid) Stats {
	s := Stats{
		HistoryWanted: history.Start, DataStart: r.census.first, DataEnd: r.census.last,
		Start: span.Start, End: span.End(), Step: span.Step, Slots: span.N,
		HistoryStart: r.census.historyStart, HistorySamples: r.census.historySamples,
		Signals: r.census.stats, Services: r.census.services(),
		Chunks: r.reader.chunks, SkippedChunks: r.reader.skipped, SkippedSlots: r.reader.missing, SkippedWhy: r.reader.last,
		Partial: r.census.partial || r.reader.skipped > 0,
		Reading: r.reader.waited, Judging: r.judging,
	}
	for i := range s.Signals {
		sig := &s.Signals[i]
		sig.Series = len(r.census.series[i])
		s.Series += sig.Series
		s.Samples += sig.Samples
		if sig.Samples == 0 && sig.Err == nil {
			sig.Err = errNoData
		}
	}
	s.Partial = s.Partial || s.late() || s.early()
	return s
}

var errNoData = fmt.Errorf("no data in the range: correct its query, or choose a range that Prometheus still holds")

// noticeable is how much data has to be missing at either end of a range to be
// told. Rates need a few minutes before they have a first value.
const noticeable = 15 * time.Minute

// late reports whether the data begins late in the range.
func (s Stats) late() bool { return s.Samples > 0 && s.DataStart.Sub(s.Start) > noticeable }

// early reports whether the data ends early in the range.
func (s Stats) early() bool { return s.Samples > 0 && s.End.Sub(s.DataEnd) > noticeable }

// empty returns an error if no signal has a sample.
func (s Stats) empty() error {
	if s.Samples > 0 {
		return nil
	}
	var names []string
	for _, sig := range s.Signals {
		if sig.BlindSlots > 0 {
			return fmt.Errorf("no data between %s and %s: signal %s: %w", show(s.Start), show(s.End), sig.Name, remedy(sig.Err))
		}
		names = append(names, sig.Name)
	}
	return fmt.Errorf("no data between %s and %s of any signal (%s): choose a range that Prometheus still holds (see its --storage.tsdb.retention.time), or correct the queries",
		show(s.Start), show(s.End), strings.Join(names, ", "))
}

// Warnings are what somebody who reads the report must know about its gaps, a
// line each.
func (s Stats) Warnings() []string {
	var out []string
	if s.SkippedChunks > 0 {
		out = append(out, fmt.Sprintf("partial: %d slots are skipped, in %d of %d chunks: %v", s.SkippedSlots, s.SkippedChunks, s.Chunks+s.SkippedChunks, remedy(s.SkippedWhy)))
	}
	if s.late() {
		out = append(out, fmt.Sprintf("partial: no signal has data from %s to %s: Prometheus does not hold it any more (see its --storage.tsdb.retention.time), or did not scrape yet", show(s.Start), show(s.DataStart)))
	}
	if s.early() {
		out = append(out, fmt.Sprintf("partial: no signal has data from %s to %s: nothing was scraped, or the queries have changed", show(s.DataEnd), show(s.End)))
	}
	for _, sig := range s.Signals {
		switch {
		case sig.BlindSlots > 0:
			out = append(out, fmt.Sprintf("partial: signal %s could not be read in %d of %d slots: %v", sig.Name, sig.BlindSlots, s.Slots, remedy(sig.Err)))
		case sig.Err != nil:
			out = append(out, fmt.Sprintf("signal %s: %v", sig.Name, remedy(sig.Err)))
		}
	}
	switch {
	case s.HistorySamples == 0:
		out = append(out, fmt.Sprintf("there is no data before %s to learn from: nothing is found until the detectors have learned from the range itself", show(s.Start)))
	case s.Start.Sub(s.HistoryStart) < aDay && s.HistoryStart.Sub(s.HistoryWanted) > noticeable:
		out = append(out, fmt.Sprintf("there are only %s of data before %s to learn from: the hours of the day are not known yet, so less is found in the first day", inDays(s.Start.Sub(s.HistoryStart)), show(s.Start)))
	}
	return out
}

const aDay = 24 * time.Hour
