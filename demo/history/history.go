// Package history makes the past of the demo shop: the metrics that it would
// have left in Prometheus had it been open for two weeks.
//
// The past comes from the same model as the present (shop.Model): the rate of
// requests is the same function of the time, and hit ratio, load of the
// database, durations and timeouts follow from it by queueing theory. Each step
// is then drawn at random around that, as the customers are in the live shop.
//
// Nothing breaks in the past but the faults that it is told of (Fault). What
// follows from one comes from the same theory.
package history

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"tidemark/demo/shop"
)

// Options say what past to make.
type Options struct {
	Model      shop.Model
	Start, End time.Time
	Step       time.Duration     // distance between samples
	Labels     map[string]string // of each series: what the scrape adds, and the shop's own service
	Slack      time.Duration     // by how much the machine oversleeps, see MeasureSlack
	Jitter     time.Duration     // by how much more it does so while it has other things to do
	Faults     []Fault           // in the order of time, one at a time
	Seed       uint64

	// Block is how much time a block of the storage spans: 2h, 6h, 18h or 54h, as
	// Prometheus itself makes them. 0 is 2h, long enough at steps of seconds.
	Block time.Duration
}

// shopPast is the state of the shop at one time of the past: all counters, as
// they are scraped.
type shopPast struct {
	o         Options
	low, high float64 // bounds of the rate of requests
	normal    regime
	regime    regime  // now
	other     float64 // logarithm of what else the machine does, a slow random walk about 0
	rand      *rand.Rand
	src       rand.Source

	requests map[requestKey]float64
	buckets  []float64 // by shop.Buckets and one above, not cumulative
	duration float64

	lookups, hits      float64
	gets, sets         total
	queries, poolWaits total
	timeouts           float64
	inUse              float64
}

type requestKey struct{ handler, code string }

// total is a sum and how many were added up.
type total struct{ sum, count float64 }

func newShopPast(o Options) *shopPast {
	src := rand.NewPCG(o.Seed, 0x9a57)
	r := rand.New(src)
	low, high := math.Inf(1), 0.0
	for at := o.Start; at.Before(o.End); at = at.Add(10 * time.Minute) {
		rate := o.Model.Traffic.Rate(at)
		low, high = min(low, rate), max(high, rate)
	}
	p := &shopPast{
		o: o, src: src, rand: r, low: 0.98 * low, high: 1.02 * high,
		requests: map[requestKey]float64{},
		buckets:  make([]float64, len(shop.Buckets)+1),
	}
	p.normal = p.newRegime(Fault{Release: shop.Stable}, o.Start)
	p.regime = p.normal
	for _, handler := range []string{shop.HandlerProduct, shop.HandlerCheckout} {
		for _, code := range []string{shop.CodeOK, shop.CodeInternal, shop.CodeUnavailable} {
			p.requests[requestKey{handler, code}] = 0
		}
	}
	return p
}

// advance lets one step pass, at the end of which it is at.
func (p *shopPast) advance(at time.Time) {
	p.follow(at)
	m, f := p.o.Model, p.regime.fault
	load := p.load()
	slack := p.o.Slack + time.Duration(load*float64(p.o.Jitter))
	rate := m.Traffic.Rate(at.Add(-p.o.Step / 2))
	st := mix(p.regime.idle.at(rate), p.regime.busy.at(rate), load)
	seconds := p.o.Step.Seconds()

	reads := p.poisson(st.rate * m.Reads * seconds)
	checkouts := p.poisson(st.rate * (1 - m.Reads) * seconds)
	past := p.binomial(reads, f.Bypass)
	lookups := reads - past
	hits := p.binomial(lookups, st.hitRatio)
	misses := lookups - hits
	latePast, lateMisses, lateCheckouts := p.binomial(past, st.timeouts), p.binomial(misses, st.timeouts), p.binomial(checkouts, st.timeouts)

	p.answer(shop.HandlerProduct, reads, lateMisses+latePast)
	p.answer(shop.HandlerCheckout, checkouts, lateCheckouts)
	for kind, n := range [kinds]float64{hit: hits, miss: misses, bypass: past, checkout: checkouts} {
		p.duration += n * st.mean[kind]
		left, share := n, 1.0
		for i, probability := range st.durations[kind] {
			if left == 0 || share <= 0 {
				break
			}
			in := p.binomial(left, min(probability/share, 1))
			p.buckets[i] += in
			left, share = left-in, share-probability
		}
	}

	p.lookups += lookups
	p.hits += hits
	p.commands(&p.gets, lookups, slack)
	p.commands(&p.sets, misses-lateMisses, slack)
	p.query(misses+past+checkouts, lateMisses+latePast+lateCheckouts, st, slack)
}

// load returns how busy the machine is with other things, from 0 to 1: mostly a
// quarter, rarely more than half, and about the same as some minutes ago. No
// machine has its days for itself, and a past without a trace of that would
// make every trace of it in the present look strange.
func (p *shopPast) load() float64 {
	const (
		usual  = 0.25
		spread = 0.7
		memory = 5 * time.Minute
	)
	keep := math.Exp(-p.o.Step.Seconds() / memory.Seconds())
	p.other = keep*p.other + math.Sqrt(1-keep*keep)*spread*p.rand.NormFloat64()
	return min(usual*math.Exp(p.other), 1)
}

// answer counts the codes of n requests of which so many came too late.
func (p *shopPast) answer(handler string, n, late float64) {
	internal := p.binomial(n-late, p.o.Model.Errors+p.regime.fault.Release.Errors)
	p.requests[requestKey{handler, shop.CodeUnavailable}] += late
	p.requests[requestKey{handler, shop.CodeInternal}] += internal
	p.requests[requestKey{handler, shop.CodeOK}] += n - late - internal
}

// commands adds n cache commands. There are enough of them for their sum to be
// normally distributed.
func (p *shopPast) commands(t *total, n float64, slack time.Duration) {
	d := p.o.Model.CacheCommand
	spread := math.Sqrt(math.Expm1(d.Sigma * d.Sigma))
	t.count += n
	t.sum += n*(d.Mean+slack).Seconds() + math.Sqrt(n)*spread*d.Mean.Seconds()*p.rand.NormFloat64()
}

// idleWait is the time it takes to get a connection that is free.
const idleWait = time.Microsecond

func (p *shopPast) query(n, late float64, st steady, slack time.Duration) {
	m := p.o.Model
	for range int(n - late) {
		d := m.QueryTimeout + 1
		for d > m.QueryTimeout {
			d = m.Query.Draw(p.rand, st.stretch)
		}
		p.queries.sum += (d + slack).Seconds()
	}
	p.queries.count += n - late
	p.timeouts += late
	p.poolWaits.count += n
	p.poolWaits.sum += n * idleWait.Seconds() * math.Exp(0.2*p.rand.NormFloat64())
	p.inUse = min(p.poisson(st.busy), float64(m.Connections))
}

func (p *shopPast) poisson(mean float64) float64 {
	return distuv.Poisson{Lambda: mean, Src: p.src}.Rand()
}

func (p *shopPast) binomial(n, probability float64) float64 {
	switch {
	case n <= 0 || probability <= 0:
		return 0
	case probability >= 1:
		return n
	}
	return distuv.Binomial{N: n, P: probability, Src: p.src}.Rand()
}
