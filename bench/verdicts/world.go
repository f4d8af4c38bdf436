package main

import (
	"math"
	"math/rand/v2"
	"time"
)

const minuteSeconds = 60.0

// growth is how the logarithm of the traffic grows per minute: 10 % a month.
var growth = math.Log(1.1) / (30 * 24 * 60)

// trouble is what is wrong in one minute. The zero value is nothing.
type trouble struct {
	traffic      float64 // factors, in addition to 1
	slowQueries  float64
	slowWork     float64
	moreErrors   float64
	slowDepend   float64
	bypass       float64 // share of requests that go past the cache
	unkeyed      float64 // share of lookups whose key is never found
	ttl          float64 // factor, in place of 1, if it is not 0
	capacity     float64 // of the cache, as a share of its usual size, if it is not 0
	flush        bool    // the cache loses what it holds in this minute
	cold         float64 // share of the lookups that a cache which is warming up cannot answer
	cacheDown    bool
	cacheSlow    float64 // seconds that each lookup takes longer
	leaked       float64 // share of the connections
	moreQueries  float64 // per request
	batch        float64 // share of the database that a batch job takes
	deploy       bool    // a new version from this minute on
	restart      bool    // the application's counters start again
	lost         float64 // share of a minute's counts that are lost with an old process
	cacheRestart bool
	noScrape     bool // of the application
	noExporters  bool // of the cache's and the database's own exporters
	noScrapes    bool // of anything
	cacheGone    bool // the cache's exporter is no target any more
}

// counters of one minute.
type counters struct {
	requests, errors, reads, lookups, hits, cacheErrors, cacheTime float64
	misses, bypassed, extra                                        float64 // what the queries come from; not scraped
	evicted, expired                                               float64
	attempted, completed, failed, dbQueries, dbTime, poolWait      float64
	dependencyTime                                                 float64
	duration                                                       [buckets]float64
}

// minute is what happened in one step, and what was to be expected of it: the
// quantities before chance.
type minute struct {
	counters
	trouble
	up, used, limit float64
	version         int
	started, warmed time.Time // start of the application and of the cache
	expected        expectation
}

// expectation is the state of the stack in one minute, without counting noise.
type expectation struct {
	rate, lookupsPerRequest, hit, queriesPerRequest, queryTime, poolWait, errors float64
	latency                                                                      mixture
}

// world is a site in operation. A copy of it goes on as the original would.
type world struct {
	site
	env, count                                       rand.PCG // of the weather, and of counting
	cache                                            cache
	database                                         database
	usualSize                                        float64
	traffic, queries, work, errors, depend, perQuery wobble
	day                                              int
	dayFrom, dayTo                                   float64
	burst, burstLeft                                 float64
	hiccup                                           int
	version                                          int
	started, warmed                                  time.Time
}

func newWorld(s site, seed uint64) *world {
	w := &world{
		site: s,
		env:  *rand.NewPCG(seed, 1), count: *rand.NewPCG(seed, 2),
		cache:    newCache(s.keys, s.skew),
		database: database{workers: s.workers, service: s.service, pool: s.pool, timeout: 1},
		traffic:  newWobble(20, 0.06), queries: newWobble(20, 0.03), work: newWobble(15, 0.04),
		errors: newWobble(60, 0.1), depend: newWobble(15, 0.05), perQuery: newWobble(15, 0.05),
		day: -1, version: 1,
	}
	w.cache.step(s.volume*s.reads, 1e6, s.ttl, math.Inf(1))
	w.usualSize = sizeOf(&w.cache.keys, &w.cache.held)
	w.cache.capacity = 1.5 * w.usualSize
	if s.evicts {
		w.cache.capacity = 0.98 * w.usualSize
	}
	return w
}

// step simulates minute i, which begins at ts.
func (w *world) step(i int, ts time.Time, t trouble) minute {
	env, count := rand.New(&w.env), rand.New(&w.count)
	local := ts.In(w.location)
	if w.started.IsZero() || t.restart || t.deploy {
		w.started = ts
	}
	if w.warmed.IsZero() || t.cacheRestart {
		w.warmed = ts
	}
	if t.deploy {
		w.version++
	}
	m := minute{trouble: t, version: w.version, started: w.started, warmed: w.warmed, up: 1}

	rate := w.volume * rhythm(local) * math.Exp(w.traffic.next(env)+growth*float64(i)) * w.days(env, local) * w.bursting(env)
	rate *= 1 + t.traffic
	m.requests = poisson(count, rate*minuteSeconds)
	missed := w.read(count, &m)
	w.query(env, count, &m, missed)
	w.answer(env, count, &m)
	m.expected.rate = rate
	return m
}

// days is a factor of single days, which changes from noon to noon.
func (w *world) days(env *rand.Rand, local time.Time) float64 {
	shifted := local.Add(-12 * time.Hour)
	if d := shifted.YearDay(); d != w.day {
		w.day = d
		w.dayFrom, w.dayTo = w.dayTo, 0.04*env.NormFloat64()
	}
	part := (float64(shifted.Hour()) + float64(shifted.Minute())/60) / 24
	return math.Exp(w.dayFrom*(1-part) + w.dayTo*part)
}

// bursting is the factor of a legitimate burst of traffic, which lasts for 5 to
// 20 minutes.
func (w *world) bursting(env *rand.Rand) float64 {
	if w.burstLeft > 0 {
		w.burstLeft--
	} else if w.burst = 1; env.Float64() < w.bursts/(24*60) {
		w.burst, w.burstLeft = between(env, 1.15, 1.5), math.Round(between(env, 5, 20))
	}
	return w.burst
}

// read sends the reads of the minute through the cache and returns the
// probability that one of them needs the database.
func (w *world) read(count *rand.Rand, m *minute) (missed float64) {
	m.reads = poisson(count, m.requests*w.reads)
	m.bypassed = binomial(count, m.reads, m.bypass)
	m.lookups = m.reads - m.bypassed
	ttl := w.ttl
	if m.ttl > 0 {
		ttl *= m.ttl
	}
	m.limit = math.Round(w.cache.capacity)
	if m.capacity > 0 {
		m.limit = math.Round(m.capacity * w.usualSize)
	}
	if m.flush {
		w.cache.flush(0)
	}
	if m.cacheDown {
		w.cache.flush(0)
		m.up = 0
		m.cacheErrors = m.lookups
		m.expected.lookupsPerRequest = w.reads * (1 - m.bypass)
		return 1
	}
	out := w.cache.step(m.lookups/minuteSeconds, minuteSeconds, ttl, m.limit)
	hit := out.hit * (1 - m.unkeyed) * (1 - m.cold)
	m.hits = binomial(count, m.lookups, hit)
	m.misses = m.lookups - m.hits
	m.evicted = poisson(count, out.evicted*minuteSeconds)
	m.expired = poisson(count, out.expired*minuteSeconds)
	m.expected.hit, m.expected.lookupsPerRequest = hit, w.reads*(1-m.bypass)
	return 1 - hit*(1-m.bypass)
}

// query sends what the cache did not answer to the database.
func (w *world) query(env, count *rand.Rand, m *minute, missed float64) {
	more := math.Exp(w.queries.next(env))
	m.extra = poisson(count, m.requests*(w.writes*more+m.moreQueries))
	m.attempted = m.misses + m.bypassed + m.cacheErrors + m.extra
	perRequest := w.reads*missed + w.writes*more + m.moreQueries

	batch := 0.0
	if m.batch > 0 {
		batch = m.batch * float64(w.workers) / w.service
	}
	slow := math.Exp(w.perQuery.next(env)) * (1 + m.slowQueries)
	q := w.database.serve(m.attempted/minuteSeconds, batch, slow, m.leaked)
	failing := 0.0
	if m.attempted > 0 {
		failing = q.failed / (q.failed + q.completed)
	}
	m.failed = binomial(count, m.attempted, failing)
	m.completed = m.attempted - m.failed
	m.dbQueries = m.completed + poisson(count, batch*minuteSeconds)
	m.dbTime = m.dbQueries * q.inServer * math.Exp(count.NormFloat64()/math.Sqrt(m.dbQueries+1))
	m.poolWait = m.attempted * q.waiting * math.Exp(2*count.NormFloat64()/math.Sqrt(m.attempted+1))
	m.used = math.Round(q.used*w.pool) / w.pool
	m.expected.queriesPerRequest = perRequest * (1 - failing)
	m.expected.queryTime, m.expected.poolWait, m.expected.errors = q.inServer, q.waiting, failing
}
