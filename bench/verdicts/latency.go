package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

const (
	buckets     = 21
	firstBucket = 0.004 // seconds
	bucketRatio = 1.5
)

// edges are the upper bounds of the histogram's buckets; the last one is open.
var edges = func() (e [buckets]float64) {
	for i := range e {
		e[i] = firstBucket * math.Pow(bucketRatio, float64(i))
	}
	e[buckets-1] = math.Inf(1)
	return e
}()

// mixture is how long requests take: those that are answered without the
// database, and those that wait for it.
type mixture struct {
	plain, queried float64 // medians, seconds
	share          float64 // of requests that query the database
	plainSpread    float64 // standard deviations of the logarithm
	queriedSpread  float64
}

// below returns the share of requests that take less than t seconds.
func (m mixture) below(t float64) float64 {
	if math.IsInf(t, 1) {
		return 1
	}
	return (1-m.share)*normal(math.Log(t/m.plain)/m.plainSpread) + m.share*normal(math.Log(t/m.queried)/m.queriedSpread)
}

// quantile solves below(t) = q.
func (m mixture) quantile(q float64) float64 {
	low, high := 1e-4, 100.0
	for range 40 {
		mid := math.Sqrt(low * high)
		if m.below(mid) < q {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// draw puts n requests into the buckets.
func (m mixture) draw(r *rand.Rand, n float64) (counts [buckets]float64) {
	left, before := n, 0.0
	for i := range edges {
		upTo := m.below(edges[i])
		p := 1.0
		if before < 1 {
			p = (upTo - before) / (1 - before)
		}
		counts[i] = binomial(r, left, p)
		left -= counts[i]
		before = upTo
	}
	return counts
}

// histogramQuantile is what Prometheus makes of the buckets: linear within one.
func histogramQuantile(q float64, counts []float64) float64 {
	n := 0.0
	for _, c := range counts {
		n += c
	}
	if !(n > 0) {
		return math.NaN()
	}
	rank, sum := q*n, 0.0
	i := slices.IndexFunc(counts, func(c float64) bool {
		sum += c
		return sum >= rank && c > 0
	})
	if i < 0 || i == len(counts)-1 {
		return edges[len(counts)-2]
	}
	low := 0.0
	if i > 0 {
		low = edges[i-1]
	}
	return low + (edges[i]-low)*(rank-(sum-counts[i]))/counts[i]
}

const (
	cacheAnswer  = 0.0006 // seconds
	giveUp       = 2.0    // seconds after which a request has failed
	hiccupChance = 0.0015 // per minute
)

// answer is how long the requests took, and how many failed.
func (w *world) answer(env, count *rand.Rand, m *minute) {
	if w.hiccup > 0 {
		w.hiccup--
	} else if env.Float64() < hiccupChance {
		w.hiccup = 1 + env.IntN(3)
	}
	work := w.work.next(env)
	if w.hiccup > 0 {
		work += 0.3 * math.Pow(env.Float64(), 2)
	}
	lookup := cacheAnswer + m.cacheSlow
	m.cacheTime = m.lookups * lookup * math.Exp(count.NormFloat64()/math.Sqrt(m.lookups+1))
	depend := w.dependency * math.Exp(w.depend.next(env)) * (1 + m.slowDepend)
	m.dependencyTime = m.requests * depend * math.Exp(count.NormFloat64()/math.Sqrt(m.requests+1))

	e := &m.expected
	plain := w.site.work*math.Exp(work)*(1+m.slowWork) + depend + e.lookupsPerRequest*lookup
	perRequest := 0.0
	if m.requests > 0 {
		perRequest = m.attempted / m.requests
	}
	share := 1 - math.Exp(-perRequest)
	each := 1.0
	if share > 0 {
		each = perRequest / share
	}
	e.latency = mixture{
		plain: plain, queried: plain + each*(e.queryTime+e.poolWait),
		share: share, plainSpread: 0.35, queriedSpread: 0.45,
	}
	m.duration = e.latency.draw(count, m.requests)

	failing := 1 - math.Pow(1-e.errors, perRequest)
	usual := w.site.errors * math.Exp(w.errors.next(env)) * (1 + m.moreErrors)
	late := 1 - e.latency.below(giveUp)
	e.errors = 1 - (1-math.Min(usual, 1))*(1-failing)*(1-late)
	m.errors = binomial(count, m.requests, e.errors)
}
