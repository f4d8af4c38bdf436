package main

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

const step = time.Minute

// monday is when the simulation begins.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// change multiplies what the shop does in [from, until), which are distances
// from the start. Zero factors change nothing.
type change struct {
	what        string
	harmless    bool
	from, until time.Duration
	traffic     float64
	latency     float64
	errors      float64
	queries     float64
	queryTime   float64
	hits        float64 // what the hit ratio becomes
	held        float64 // database connections that are not given back
	silence     bool    // nothing is measured
}

func (c change) covers(d time.Duration) bool { return d >= c.from && d < c.until }

// slot is what is measured in one minute: rates per second, times in seconds.
// Everything is NaN if it is missing.
type slot struct {
	at                            time.Time
	requests, lookups, queries    float64
	errorRatio, hitRatio, latency float64
	queryTime, connections        float64
}

// shop simulates a web shop: diurnal traffic with correlated noise, binomial
// and Poisson counts, latencies with bursts, and a database whose queries
// become slower the more of them there are.
type shop struct {
	seed    uint64
	volume  float64 // requests per second, on average
	changes []change
}

func (s shop) run(length time.Duration) []slot {
	r := rand.New(rand.NewPCG(s.seed, 11))
	traffic, latency := newWander(r, 20*time.Minute, 0.05), newWander(r, 15*time.Minute, 0.05)
	queries, queryTime := newWander(r, 20*time.Minute, 0.04), newWander(r, 15*time.Minute, 0.05)
	hits, errors := newWander(r, time.Hour, 0.08), newWander(r, time.Hour, 0.10)
	connections := newWander(r, 10*time.Minute, 2)
	out := make([]slot, length/step)
	for i := range out {
		since := time.Duration(i) * step
		c := s.effect(since)
		hour := since.Hours()
		load := rhythm(hour) * math.Exp(traffic.next()) * c.traffic
		n := poisson(r, load*s.volume*step.Seconds())
		looked := poisson(r, 2*load*s.volume*step.Seconds())
		pHit := 1 / (1 + math.Exp(-math.Log(c.hits/(1-c.hits))-hits.next()))
		pError := 0.005 * math.Exp(errors.next()) * c.errors
		asked := load * math.Exp(queries.next()) * c.queries
		out[i] = slot{
			at:          monday.Add(since),
			requests:    n / step.Seconds(),
			lookups:     looked / step.Seconds(),
			queries:     poisson(r, asked*s.volume*step.Seconds()) / step.Seconds(),
			hitRatio:    binomial(r, looked, pHit) / looked,
			errorRatio:  binomial(r, n, pError) / n,
			latency:     0.2 * math.Pow(load, 0.25) * math.Exp(latency.next()+0.02*r.NormFloat64()) * c.latency * burst(r),
			queryTime:   0.004 * (1 + 0.35*asked*asked) * math.Exp(queryTime.next()) * c.queryTime,
			connections: math.Round(20 + 12*load + connections.next() + c.held),
		}
		if c.silence {
			nan := math.NaN()
			out[i] = slot{out[i].at, nan, nan, nan, nan, nan, nan, nan, nan}
		}
	}
	return out
}

// effect multiplies the changes that are in force at a distance from the start.
func (s shop) effect(since time.Duration) change {
	out := change{traffic: 1, latency: 1, errors: 1, queries: 1, queryTime: 1, hits: 0.9}
	for _, c := range s.changes {
		if !c.covers(since) {
			continue
		}
		for _, f := range []struct {
			of *float64
			by float64
		}{
			{&out.traffic, c.traffic}, {&out.latency, c.latency}, {&out.errors, c.errors},
			{&out.queries, c.queries}, {&out.queryTime, c.queryTime},
		} {
			if f.by > 0 {
				*f.of *= f.by
			}
		}
		if c.hits > 0 {
			out.hits = c.hits
		}
		out.held += c.held
		out.silence = out.silence || c.silence
	}
	return out
}

// rhythm is the traffic at an hour since midnight, 1 on average.
func rhythm(hour float64) float64 {
	x := 2 * math.Pi * (hour - 15) / 24
	return 0.93 * math.Exp(0.5*math.Cos(x)+0.1*math.Cos(2*x))
}

// burst is 1 except in three of a thousand minutes, in which it is up to many
// times as much.
func burst(r *rand.Rand) float64 {
	if r.Float64() > 0.003 {
		return 1
	}
	return 1 + 0.3*math.Pow(1-r.Float64(), -1/1.5)
}

// wander is normal noise that is correlated over time.
type wander struct {
	rand        *rand.Rand
	keep, sd, x float64
}

func newWander(r *rand.Rand, memory time.Duration, sd float64) *wander {
	return &wander{rand: r, keep: math.Exp(-step.Seconds() / memory.Seconds()), sd: sd}
}

func (w *wander) next() float64 {
	w.x = w.keep*w.x + math.Sqrt(1-w.keep*w.keep)*w.sd*w.rand.NormFloat64()
	return w.x
}

func poisson(r *rand.Rand, mean float64) float64 { return distuv.Poisson{Lambda: mean, Src: r}.Rand() }

func binomial(r *rand.Rand, n, p float64) float64 {
	if n == 0 {
		return 0
	}
	return distuv.Binomial{N: n, P: p, Src: r}.Rand()
}
