package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// site is one web stack: its proportions, drawn from a seed. What it does is
// invented, but its proportions are those of real ones.
type site struct {
	volume      float64 // requests per second on an average workday
	replicas    int
	reads       float64 // per request, which may be served from the cache
	writes      float64 // queries per request that never are
	keys        float64
	skew        float64
	ttl         float64 // seconds
	evicts      bool    // is full at the busiest hours, usually
	workers     int
	service     float64 // seconds per query
	busy        float64 // share of the workers, on an average workday
	pool        float64
	work        float64 // seconds per request in the application alone
	dependency  float64 // seconds per request in another service
	errors      float64 // share of requests that fail anyway
	window      int     // minutes over which rates are formed
	location    *time.Location
	bursts      float64 // legitimate ones per day
	deploysADay float64 // of versions that change nothing
	batch       float64 // load of the nightly batch job, as a share of the database

	batchMinutes int // that the job takes
	batchJitter  int // minutes by which it may begin later than at two
}

// newSite draws a site. Volume is chosen if it is not 0.
func newSite(r *rand.Rand, volume float64) site {
	s := site{
		volume:      logBetween(r, 20, 500),
		replicas:    2 + r.IntN(5),
		reads:       between(r, 1, 3),
		writes:      between(r, 0.05, 0.3),
		skew:        between(r, 0.75, 1.05),
		ttl:         logBetween(r, 300, 3600),
		evicts:      r.Float64() < 0.3,
		service:     logBetween(r, 0.002, 0.008),
		work:        logBetween(r, 0.015, 0.06),
		dependency:  logBetween(r, 0.005, 0.03),
		errors:      logBetween(r, 0.001, 0.006),
		window:      2 + r.IntN(4),
		location:    time.UTC,
		bursts:      1,
		deploysADay: 0.7,

		batchMinutes: 20,
	}
	if r.Float64() < 0.5 {
		s.batch = between(r, 0.1, 0.3)
	}
	if volume > 0 {
		s.volume = volume
	}
	hits := between(r, 0.85, 0.97)
	s.keys = keysFor(hits, s.volume*s.reads, s.skew, s.ttl)
	// The database is as large as an operator would buy it: busy by a fifth to
	// two fifths with the usual misses.
	usual := s.volume * (s.reads*(1-hits) + s.writes)
	s.workers = max(2, int(math.Ceil(usual*s.service/between(r, 0.2, 0.4))))
	if s.workers > 32 {
		s.service *= 32 / float64(s.workers)
		s.workers = 32
	}
	s.busy = usual * s.service / float64(s.workers)
	s.pool = math.Round(float64(s.workers)*between(r, 1.5, 4)) + 2
	return s
}

// keysFor returns how many keys give this hit ratio in equilibrium.
func keysFor(hits, lookups, skew, ttl float64) float64 {
	low, high := 50.0, 1e9
	for range 50 {
		mid := math.Sqrt(low * high)
		c := newCache(mid, skew)
		if c.step(lookups, 1e6, ttl, math.Inf(1)).hit > hits {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// rhythm is the traffic at a local time, 1 on an average workday.
func rhythm(local time.Time) float64 {
	hour := float64(local.Hour()) + float64(local.Minute())/60
	x := 2 * math.Pi * (hour - 15) / 24
	day := 0.91 * math.Exp(0.55*math.Cos(x)+0.12*math.Cos(2*x))
	// The weekend, 0.7, comes and goes over six hours around midnight.
	const low, ramp = 0.7, 3.0
	into := math.Remainder(float64(local.Weekday())*24+hour, 7*24) // from Sunday, 0:00
	part := math.Min(into+24+ramp, 24+ramp-into) / (2 * ramp)
	return day * (1 - (1-low)*math.Min(math.Max(part, 0), 1))
}
