package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tidemark/suppression"
)

// expiry keeps account of the suppressions of a generation that have expired.
type expiry struct {
	expired prometheus.Gauge
	warned  map[string]bool // by name
}

func newExpiry(reg prometheus.Registerer) expiry {
	return expiry{
		expired: promauto.With(reg).NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_suppressions_expired", Help: "Configured suppressions that have expired, and suppress nothing any more.",
		}),
		warned: map[string]bool{},
	}
}

// noteExpired warns of each suppression once when it has expired.
func (a *app) noteExpired(g *generation, now time.Time) {
	expired := g.config.Suppressions.Expired(now)
	g.expiry.expired.Set(float64(len(expired)))
	for _, s := range expired {
		if !g.expiry.warned[s.Name] {
			g.expiry.warned[s.Name] = true
			a.logger.Warn("A suppression has expired, its incidents page again: remove it, or write a later until", "suppression", s.Name, "until", s.Until, "reason", s.Reason)
		}
	}
}

// Suppressions implements httpapi.Configuration.
func (a *app) Suppressions() suppression.List { return a.current.Load().config.Suppressions }

// Location implements httpapi.Configuration.
func (a *app) Location() *time.Location { return a.current.Load().config.Global.Location() }
