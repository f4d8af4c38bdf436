package app

import (
	"context"
	"time"

	"tidemark/config"
	"tidemark/discover"
	"tidemark/ingest"
)

// Discover gives a configuration without signals those that its Prometheus has
// at a time, and logs what it chose. One with signals is returned as it is. The
// options need a logger.
func Discover(ctx context.Context, c *config.Config, at time.Time, o ingest.Options) (*config.Config, error) {
	if len(c.Signals) > 0 {
		return c, nil
	}
	source, err := ingest.New(c.Prometheus, nil, o)
	if err != nil {
		return nil, err
	}
	r, err := discover.Run(ctx, discover.Options{
		Prometheus: source, At: at, History: time.Duration(c.Prometheus.History),
		MaxSeries: c.Prometheus.MaxSeriesPerSignal, Prefer: c.Global.Scope,
	})
	if err != nil {
		return nil, err
	}
	o.Logger.Info("The scope is discovered", "scope", r.Scope, "because", r.ScopeWhy)
	for _, choice := range r.Choices {
		if taken := choice.Taken; taken != nil {
			o.Logger.Info("A signal is discovered", "signal", choice.Signal, "query", taken.Signal.Query, "from", taken.From, "series", taken.Series, "other_choices", len(choice.Others))
		}
	}
	for _, m := range r.Missing {
		o.Logger.Info("Nothing tells a signal", "signals", m.Signals, "what", m.What, "remedy", m.Remedy)
	}
	return c.With(r.Scope, r.Signals())
}
