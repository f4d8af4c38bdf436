package history

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"tidemark/demo/shop"
)

// kinds of requests that differ in what they take.
const (
	hit      = iota // a product that the cache has
	miss            // a product that it does not have
	bypass          // a product that it is not asked for
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
// What the cache is not asked for does not count as a miss. The cache never fills
// up, so a product is missed once after each expiry: its misses are a renewal
// process whose mean distance is the time to live plus the time until the next
// read. An answer that comes too late is not stored, and the next read misses,
// too. The database is nearly idle, so that its queries wait for nobody, and are
// stretched as the average of the others demands. Nor does a request wait for a
// worker: most of them are idle.
func (s sampler) steadyAt(rate float64) steady {
	m := s.model
	lookups := rate * m.Reads * (1 - s.fault.Bypass)
	slow := max(1, s.fault.Slow)
	st := steady{rate: rate, stretch: slow}
	popularity := m.Popularity()
	for range 8 { // each is closer to what misses, queries and their time agree on
		inTime, spent := s.query(st.stretch)
		misses := 0.0
		if lookups > 0 {
			for _, p := range popularity {
				misses += 1 / (inTime*m.TTL.Seconds() + 1/(lookups*p))
			}
			st.hitRatio = 1 - misses/lookups
		}
		st.busy = (misses + rate - lookups) * spent
		st.stretch = slow * m.Stretch(st.busy)
	}
	s.durationsOf(&st)
	return st
}

// query returns the share of the queries that are answered before the timeout, and
// for how long one keeps its connection on average, in seconds.
func (s sampler) query(stretch float64) (inTime, spent float64) {
	q, timeout := s.model.Query, s.model.QueryTimeout.Seconds()
	mean := stretch * q.Mean.Seconds()
	median := math.Log(mean) - q.Sigma*q.Sigma/2
	inTime = distuv.LogNormal{Mu: median, Sigma: q.Sigma}.CDF(timeout)
	// The part of the mean that is below the timeout is that of the distribution
	// weighted by length, which is as wide and sigma² further up.
	below := distuv.LogNormal{Mu: median + q.Sigma*q.Sigma, Sigma: q.Sigma}.CDF(timeout)
	return inTime, mean*below + timeout*(1-inTime)
}

// sampler holds random parts of requests, from which the distribution of their
// durations at any rate is put together.
type sampler struct {
	model shop.Model
	fault Fault
	slack time.Duration
	parts []part
}

type part struct{ work, get, set, query time.Duration }

// samples is how many requests stand for all: enough to know the share of the
// slowest hundredth to within three hundredths of it.
const samples = 100_000

func newSampler(m shop.Model, f Fault, slack time.Duration, r *rand.Rand) sampler {
	s := sampler{model: m, fault: f, slack: slack, parts: make([]part, samples)}
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
			bypass:   p.work + query + 2*s.slack,
			checkout: p.work + query + 2*s.slack,
		}
		for kind, d := range of {
			d = time.Duration(float64(d) * max(1, s.fault.Release.Slowdown))
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
