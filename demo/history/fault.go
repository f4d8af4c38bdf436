package history

import (
	"slices"
	"time"

	"tidemark/demo/shop"
)

// Fault is something that was wrong with the shop for a while. It must leave most
// of the database's connections idle: queries that wait for one are not part of
// the theory.
type Fault struct {
	From, To time.Time

	Bypass float64 // share of the product pages for which the cache is not asked
	Slow   float64 // factor by which each query takes longer; 0 is 1

	// Release is deployed at From, and taken back at To; the zero value is none.
	// How often it asks the database for a checkout does not count here.
	Release shop.Release
}

// regime is how the shop behaves between two changes.
type regime struct {
	fault   Fault     // its Release is the one that runs
	started time.Time // when that was deployed
	idle    curve     // while the machine has nothing else to do
	busy    curve     // while it is as busy as it gets
}

// newRegime works out how the shop behaves with a fault, or with none.
func (p *shopPast) newRegime(f Fault, started time.Time) regime {
	m, o := p.o.Model, p.o
	return regime{
		fault: f, started: started,
		idle: newCurve(newSampler(m, f, o.Slack, p.rand), p.low, p.high),
		busy: newCurve(newSampler(m, f, o.Slack+o.Jitter, p.rand), p.low, p.high),
	}
}

// follow enters the regime of the step that ends at a time, if it is another one.
func (p *shopPast) follow(at time.Time) {
	i := slices.IndexFunc(p.o.Faults, func(f Fault) bool { return f.From.Before(at) && !f.To.Before(at) })
	before := p.regime
	switch {
	case i < 0 && before.fault == p.normal.fault, i >= 0 && p.o.Faults[i].From.Equal(before.fault.From):
		return
	case i < 0:
		p.regime = p.normal
		p.regime.started = before.fault.To
	default:
		f := p.o.Faults[i]
		if f.Release.Version == "" {
			f.Release = shop.Stable
		}
		p.regime = p.newRegime(f, f.From)
	}
	if p.regime.fault.Release.Version == before.fault.Release.Version {
		p.regime.started = before.started
	}
}
