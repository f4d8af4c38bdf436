package app

import (
	"context"
	"log/slog"
	"time"

	"tidemark/config"
	"tidemark/discover"
	"tidemark/ingest"
)

// Discover gives a configuration without signals those that its Prometheus has
// at a time, and logs what it chose. One with signals is returned as it is.
func Discover(ctx context.Context, c *config.Config, at time.Time, logger *slog.Logger) (*config.Config, error) {
	if len(c.Signals) > 0 {
		return c, nil
	}
	source, err := ingest.New(c.Prometheus, nil, ingest.Options{})
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
	logger.Info("The scope is discovered", "scope", r.Scope, "because", r.ScopeWhy)
	for _, choice := range r.Choices {
		if taken := choice.Taken; taken != nil {
			logger.Info("A signal is discovered", "signal", choice.Signal, "query", taken.Signal.Query, "from", taken.From, "series", taken.Series, "other_choices", len(choice.Others))
		}
	}
	for _, m := range r.Missing {
		logger.Info("Nothing tells a signal", "signals", m.Signals, "what", m.What, "remedy", m.Remedy)
	}
	return c.With(r.Scope, r.Signals())
}
