// Package discover looks at what a Prometheus has and proposes a configuration:
// which signals to watch, by which queries, in which scope.
//
// Vocabulary: a catalogue entry describes one exporter or instrumentation; a
// source is an entry that was found, or one of several jobs of it (two caches are
// two sources); its part says what it tells about (web, cache, database, change),
// its level from where it looks (application, server, proxy, …); a candidate is a
// query of a source for a signal. The primary of a part and level is the source
// whose candidates are taken first.
//
// Each candidate is asked once, as an instant query, few at a time. A choice
// between candidates is never silent: the others stay in the result, with the
// reason. The package asks for nothing but metadata and instant queries, writes
// nothing, and does not judge whether what it finds is healthy.
package discover

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/ingest"
	"tidemark/signal"
)

// Prometheus answers what discovery asks. *ingest.Source is one. Calls overlap.
type Prometheus interface {
	// Instant returns what an expression gives at a time.
	Instant(ctx context.Context, expr string, at time.Time) (model.Vector, error)

	// MetricNames returns at least the names that have samples in the range.
	MetricNames(ctx context.Context, start, end time.Time) ([]string, error)

	// Address is the URL as it may be shown.
	Address() string
}

// Options say what to look at.
type Options struct {
	Prometheus Prometheus
	At         time.Time     // as of when
	History    time.Duration // how much history is wanted, and looked for
	MaxSeries  int           // what one signal may have
	Prefer     []string      // scope labels that are taken if they are there
}

// Result is what was found and chosen.
type Result struct {
	Address string
	At      time.Time

	Scope      []string // the labels of the global scope
	ScopeWhy   string
	OtherScope []string // label choices that were not taken, with their values, as text

	Sources []Source
	Choices []Choice // in the order of the catalogue's parts
	Missing []Missing
	Notes   []string // what a person should know before trusting the choices
}

// Source is one exporter or instrumentation that was found.
type Source struct {
	Title    string
	Metric   string        // by which it was recognised
	Selector string        // what tells it from others of its kind; empty if it is alone
	Series   int           // of that metric
	History  time.Duration // how far back it goes, at most Options.History
	Used     bool          // by a signal that was chosen
}

// Choice is one signal: the candidate that was taken, and those that were not.
// If Taken is nil, all need a person's decision.
type Choice struct {
	Signal string
	Taken  *Candidate
	Others []Candidate
}

// Candidate is one way to read a signal.
type Candidate struct {
	Signal signal.Signal // as it is declared, without defaults
	From   string        // title of the source
	Series int           // of the query's result
	Value  float64       // of the largest series; NaN if there is none
	Why    string        // why it was taken or not; may be empty
}

// Missing is something that nobody tells, and what would.
type Missing struct {
	Signals []string // one of them would do
	What    string
	Remedy  string
}

// Signals returns the signals that were chosen, without defaults.
func (r *Result) Signals() []signal.Signal {
	var out []signal.Signal
	for _, c := range r.Choices {
		if c.Taken != nil {
			out = append(out, c.Taken.Signal)
		}
	}
	return out
}

// nameRange is how long ago a metric may have had its last sample.
const nameRange = 10 * time.Minute

// Run looks at what there is and chooses. The error is one line that says what to
// do about it.
func Run(ctx context.Context, o Options) (*Result, error) {
	r, err := run(ctx, o)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("prometheus %s: %w", o.Prometheus.Address(), err)
		if remedy := ingest.Remedy(err); remedy != "" {
			err = fmt.Errorf("%w: %s", err, remedy)
		}
	}
	return r, err
}

func run(ctx context.Context, o Options) (*Result, error) {
	entries, err := load()
	if err != nil {
		return nil, err
	}
	names, err := o.Prometheus.MetricNames(ctx, o.At.Add(-nameRange), o.At)
	if err != nil {
		return nil, fmt.Errorf("ask for the names of its metrics: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("it has no metrics at %s: let it scrape something first (its page of targets says why it does not), or choose a time of which it still has data",
			o.At.UTC().Format(time.RFC3339))
	}
	s := &search{options: o, names: setOf(names)}
	if err := s.findSources(ctx, entries.Entries); err != nil {
		return nil, err
	}
	if err := s.probe(ctx); err != nil {
		return nil, err
	}
	r := s.choose()
	r.Missing = s.missing(entries.Wanted, r)
	if !r.judges() {
		return nil, fmt.Errorf("none of its %d metrics tells of requests, a cache or a database: scrape the application, or the exporters of its servers", len(names))
	}
	return r, nil
}

// judges reports whether there is a signal with a baseline.
func (r *Result) judges() bool {
	for _, s := range r.Signals() {
		if s.Kind != signal.Change && signal.Standard[s.Name].Kind != signal.Change {
			return true
		}
	}
	return false
}

// search is one discovery under way.
type search struct {
	options    Options
	names      map[string]bool
	scope      []string // the global scope
	web        *source  // the primary source of requests, or nil
	sources    []*source
	why        string
	other      []string
	notes      []string
	candidates []*candidate
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}
