package discover

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/ingest"
)

const (
	// defaultWindow is the window of rates: four scrapes and more lie in it.
	defaultWindow = 5 * time.Minute

	// scrapes is how many of them a window holds at least.
	scrapes = 4

	// look is the span in which a sample is looked for, and scrapes are counted.
	look = 10 * time.Minute
)

// ask asks one query. An answer that concerns the query alone, such as that it is
// too large, is taken as no data; an error says that there is no point in going
// on.
func (s *search) ask(ctx context.Context, query string, at time.Time) (model.Vector, error) {
	v, err := s.options.Prometheus.Instant(ctx, query, at)
	if err != nil && (ctx.Err() != nil || ingest.Remedy(err) != "") {
		return nil, fmt.Errorf("query %s: %w", query, err)
	}
	return v, nil
}

// age measures how far back the source goes, and how often it is scraped.
func (s *search) age(ctx context.Context, src *source) error {
	metric := src.metric + src.selector()
	there := func(back time.Duration) (bool, error) {
		v, err := s.ask(ctx, fmt.Sprintf("group(last_over_time(%s[%s]))", metric, window(look)), s.options.At.Add(-back))
		return len(v) > 0, err
	}
	known, unknown := time.Duration(0), s.options.History
	old, err := there(unknown)
	if err != nil {
		return err
	}
	if old {
		known = unknown
	}
	// By halves, until what is not known is a tenth, or a minute.
	for unknown-known > max(time.Minute, known/10) {
		middle := (known + unknown) / 2
		old, err := there(middle)
		switch {
		case err != nil:
			return err
		case old:
			known = middle
		default:
			unknown = middle
		}
	}
	src.history = known
	if known < look {
		return nil // too short to count scrapes
	}
	v, err := s.ask(ctx, fmt.Sprintf("max(count_over_time(%s[%s]))", metric, window(look)), s.options.At)
	if err != nil || len(v) == 0 || v[0].Value < 1 {
		return err
	}
	interval := look.Seconds() / float64(v[0].Value)
	minutes := math.Ceil(scrapes * math.Round(interval) / 60)
	src.window = max(defaultWindow, time.Duration(minutes)*time.Minute)
	return nil
}

// window writes a duration for PromQL.
func window(d time.Duration) string { return model.Duration(d).String() }
