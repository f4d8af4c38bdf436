package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/alerting"
	"tidemark/audit"
	"tidemark/config"
	"tidemark/engine"
	"tidemark/ingest"
	"tidemark/signal"
)

// generation is what one configuration made. A reload makes the next one, which
// takes over the state of the engine.
type generation struct {
	config   *config.Config
	source   *ingest.Source
	engine   *engine.Engine
	auditor  *audit.Auditor
	sender   *alerting.Sender
	registry *prometheus.Registry
	expiry   expiry

	// learn holds the signals whose history is not learned yet.
	learn []signal.Signal
}

func (a *app) newGeneration(c *config.Config) (*generation, error) {
	g := &generation{config: c, registry: prometheus.NewRegistry(), learn: c.Signals}
	g.expiry = newExpiry(g.registry)
	a.noteExpired(g, time.Now())
	var err error
	g.source, err = ingest.New(c.Prometheus, c.Signals, ingest.Options{Logger: a.logger, Registerer: g.registry})
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	g.sender, err = alerting.New(c.Alerting, alerting.Options{
		Logger: a.logger, Registerer: g.registry,
		ExternalURL: a.external, ExternalLabels: c.Global.ExternalLabels, Interval: g.interval(),
		Ledger: a.store,
	})
	if err != nil {
		return nil, fmt.Errorf("alerting: %w", err)
	}
	g.engine, err = engine.New(engine.Options{
		Config: c.Global, Signals: c.Signals, Rules: c.Rules, Suppressions: c.Suppressions, Topology: c.Topology, Source: g.source,
		Publish: func(s *engine.Snapshot) { a.publish(g, s) },
		Logger:  a.logger, Registerer: g.registry,
	})
	if err != nil {
		return nil, err
	}
	audits := audit.Options{Source: g.source, Registerer: g.registry}
	if c.Audit.Interval > 0 {
		audits.Checks = c.Checks
	}
	if old := a.current.Load(); old != nil {
		audits.Before = old.auditor.Report()
	}
	g.auditor = audit.New(audits)
	return g, nil
}

func (g *generation) interval() time.Duration {
	return time.Duration(g.config.Global.EvaluationInterval)
}

// slot returns the newest slot that is due at a time of the wall clock.
func (g *generation) slot(now time.Time) time.Time {
	return now.Add(-time.Duration(g.config.Global.QueryOffset))
}

// restore puts the incidents of the last run back and offers them to the
// receivers at once: an alert that fires must not lapse because of a restart. It
// also puts back what was accepted or announced, which the history does not tell.
func (a *app) restore(g *generation) error {
	incidents, err := a.store.Current()
	if err != nil {
		return err
	}
	accepted, err := a.store.Acceptances()
	if err != nil {
		return err
	}
	if err := a.restoreEvents(); err != nil {
		return err
	}
	g.engine.Remember(accepted)
	g.engine.Restore(incidents, g.slot(time.Now()))
	g.sender.Notify(g.engine.Snapshot().Incidents)
	if len(incidents) > 0 {
		a.logger.Info("Incidents of the last run are restored", "incidents", len(incidents))
	}
	return nil
}

// publish hands what a cycle found to the receivers, then to the disk: sending
// never waits for storage.
func (a *app) publish(g *generation, s *engine.Snapshot) {
	g.sender.Notify(s.Incidents)
	if err := a.store.Save(s.Incidents, slices.Concat(s.Anomalies, s.Ended), s.Changes); err != nil {
		a.metrics.saveFailures.Inc()
		a.logger.Error("What the cycle found could not be saved, it will be again in the next one", "err", err)
	}
}

// startSender runs the generation's sender until stop is called, which waits
// for what is queued to be sent.
func (g *generation) startSender(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = g.sender.Run(ctx) // it ends only because ctx is done
	}()
	return func() {
		cancel()
		<-done
	}
}
