package history

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"tidemark/demo/shop"
)

// kinds of requests that differ in what they take.
const (
	hit      = iota // a product that the cache has
	miss            // a product that it does not have
	checkout        // always a query
	kinds
)

// steady is how the shop behaves while the customers come at one rate, in the
// long run.
type steady struct {
	rate     float64 // requests per second
	hitRatio float64
	busy     float64 // connections in use, on average
	timeouts float64 // share of the queries
	stretch  float64 // by which queries take longer than on an idle database

	// durations holds, by kind, the probability of each of shop.Buckets (not
	// cumulative, the last one is above all), and mean the mean in seconds.
	durations [kinds][]float64
	mean      [kinds]float64
}

// steadyAt works out the steady state.
//
// The cache never fills up, so a product is missed once after each expiry: its
// misses are a renewal process whose mean distance is the time to live plus the
// time until the next read. The database is nearly idle, so that its queries
// wait for nobody, and are stretched as the average of the others demands.
func (s sampler) steadyAt(rate float64) steady {
	m := s.model
	reads := rate * m.Reads
	misses := 0.0
	for _, p := range m.Popularity() {
		misses += 1 / (m.TTL.Seconds() + 1/(reads*p))
	}
	st := steady{rate: rate, hitRatio: 1 - misses/reads}
	work := (misses + rate - reads) * m.Query.Mean.Seconds()
	st.busy = work / (1 - work*m.Contention/float64(m.Connections))
	st.stretch = m.Stretch(st.busy)
	s.durationsOf(&st)
	return st
}

// sampler holds random parts of requests, from which the distribution of their
// durations at any rate is put together.
type sampler struct {
	model shop.Model
	slack time.Duration
	parts []part
}

type part struct{ work, get, set, query time.Duration }

// samples is how many requests stand for all: enough to know the share of the
// slowest hundredth to within three hundredths of it.
const samples = 100_000

func newSampler(m shop.Model, slack time.Duration, r *rand.Rand) sampler {
	s := sampler{model: m, slack: slack, parts: make([]part, samples)}
	for i := range s.parts {
		s.parts[i] = part{
			work:  m.Work.Draw(r, 1),
			get:   m.CacheCommand.Draw(r, 1),
			set:   m.CacheCommand.Draw(r, 1),
			query: m.Query.Draw(r, 1),
		}
	}
	return s
}

func (s sampler) durationsOf(st *steady) {
	for kind := range st.durations {
		st.durations[kind] = make([]float64, len(shop.Buckets)+1)
	}
	late := 0
	for _, p := range s.parts {
		query := time.Duration(st.stretch * float64(p.query))
		set := p.set + s.slack
		if query > s.model.QueryTimeout {
			late++
			query, set = s.model.QueryTimeout, 0
		}
		of := [kinds]time.Duration{
			hit:      p.work + p.get + 2*s.slack,
			miss:     p.work + p.get + query + set + 3*s.slack,
			checkout: p.work + query + 2*s.slack,
		}
		for kind, d := range of {
			st.durations[kind][sort.SearchFloat64s(shop.Buckets, d.Seconds())] += 1 / float64(len(s.parts))
			st.mean[kind] += d.Seconds() / float64(len(s.parts))
		}
	}
	st.timeouts = float64(late) / float64(len(s.parts))
}

// curve is the steady state as a function of the rate.
type curve []steady

// newCurve works out the steady state at rates from low to high.
func newCurve(s sampler, low, high float64) curve {
	const points = 12
	c := make(curve, points)
	for i := range c {
		c[i] = s.steadyAt(low + (high-low)*float64(i)/(points-1))
	}
	return c
}

// at interpolates between the two rates nearest to rate.
func (c curve) at(rate float64) steady {
	i, _ := slices.BinarySearchFunc(c, rate, func(st steady, rate float64) int {
		return int(math.Copysign(1, st.rate-rate))
	})
	i = min(max(i, 1), len(c)-1)
	a, b := c[i-1], c[i]
	return mix(a, b, min(max((rate-a.rate)/(b.rate-a.rate), 0), 1))
}

// mix interpolates between two states: 0 is a, 1 is b.
func mix(a, b steady, share float64) steady {
	between := func(x, y float64) float64 { return x + share*(y-x) }
	st := steady{
		rate:     between(a.rate, b.rate),
		hitRatio: between(a.hitRatio, b.hitRatio),
		busy:     between(a.busy, b.busy),
		timeouts: between(a.timeouts, b.timeouts),
		stretch:  between(a.stretch, b.stretch),
	}
	for kind := range st.durations {
		st.durations[kind] = make([]float64, len(a.durations[kind]))
		for j := range st.durations[kind] {
			st.durations[kind][j] = between(a.durations[kind][j], b.durations[kind][j])
		}
		st.mean[kind] = between(a.mean[kind], b.mean[kind])
	}
	return st
}
