package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// story is a few hours of a stack that are written down as a scenario, with what
// has to page; alert is nil if nothing may.
type story struct {
	name  string
	about string
	days  int           // of history; 0 is three
	own   *kind         // of fault; nil is the one of kinds that has the name
	calm  *calm         // nil if it is a fault
	from  time.Duration // of quiet hours, since the midnight that ends the history
	grain int           // minutes that the means of the history are of; 0 is an hour, and ten minutes of what shows a batch job
	alert *expected
	waits int // minutes that the rule waits before it pages
}

// expected is the page that a fault has to raise.
type expected struct {
	rule, severity string
	refinement     string // not checked if empty
}

const (
	storyLead   = 40  // minutes before the fault
	storyFault  = 30  // that it lasts
	storyTrail  = 40  // after it
	storyQuiet  = 180 // of quiet hours
	storySeeds  = 100 // to look for a fault that matters
	soonEnough  = 5   // minutes after which it has to, not to be one of the smallest
	foundWithin = 10  // minutes after that, in which it has to page
	hour        = 60
	overWithin  = 25 // minutes after the fault, in which the page has to be over
)

func pages(rule, severity, refinement string) *expected { return &expected{rule, severity, refinement} }

// stampede is a flush of keys that are soon asked for again.
var stampede = kind{"stampede", byCache, func(*rand.Rand, *site) (string, plan) {
	return "all keys at once", func(into, _ int, t *trouble) { t.flush = into == 0 }
}}

// cold is one of the two ways to a cold cache. Keys that are kept for
// long take long to come back.
func cold(name string, restart bool) *kind {
	return &kind{name, byCache, func(_ *rand.Rand, s *site) (string, plan) {
		s.ttl = 3600
		s.keys = keysFor(0.93, s.volume*s.reads, s.skew, s.ttl)
		return "all keys", func(into, _ int, t *trouble) {
			t.flush = into == 0
			t.cacheRestart = into == 0 && restart
		}
	}}
}

// faulty are the rows of the failure modes, and their variants.
var faulty = []story{
	{name: "bypass_full", about: "Cache bypass: nearly all reads go past the cache.", alert: pages("cache_bypass", "critical", "")},
	{name: "bypass_replica", about: "Cache bypass: one of several replicas goes past the cache.", alert: pages("cache_bypass", "critical", "")},
	{name: "bypass_silent", about: "Cache bypass: nothing is looked up any more, so that the hit ratio has no value.", alert: pages("cache_bypass", "critical", "")},
	{name: "postmortem", about: "Key misconfiguration: a third of the keys is never found, and a fifth more requests fail.", alert: pages("cache_misses", "critical", "")},
	{name: "key_change", about: "Key misconfiguration: lookups ask for keys of other names.", alert: pages("cache_misses", "critical", "")},
	{name: "ttl", about: "TTL misconfiguration: keys expire too early.", alert: pages("cache_misses", "critical", "early_expiry")},
	{name: "eviction_storm", about: "Eviction storm: the cache was made too small for what it holds.", alert: pages("cache_misses", "critical", "eviction_storm")},
	{name: "flush", about: "Flush: the cache is empty, and fills slowly.", own: cold("flush", false), alert: pages("cache_misses", "critical", "cache_flush"), waits: 8},
	{name: "cold_restart", about: "Cold restart: the cache was restarted, and fills slowly.", own: cold("cold_restart", true), alert: pages("cache_cold", "critical", ""), waits: 10},
	{name: "stampede", about: "Stampede: all keys are gone at once, and come back as they are asked for.", own: &stampede, alert: pages("cache_misses", "critical", ""), waits: 8},
	{name: "cache_down", about: "Cache down: no lookup is answered.", alert: pages("cache_down", "critical", "")},
	{name: "cache_gone", about: "Cache down: no lookup is answered, and its exporter is no target any more.", alert: pages("cache_down", "critical", "")},
	{name: "cache_slow_dead", about: "Cache slow: lookups take long, and some minutes later none is answered.", alert: pages("cache_slow", "critical", "cache_down")},
	{name: "db_slow", about: "Slow database: queries take longer without more load.", alert: pages("database_slow", "critical", "")},
	{name: "pool_leak", about: "Pool exhaustion: connections are not given back.", alert: pages("database_pool_exhausted", "critical", "")},
	{name: "n_plus_one", about: "N+1 after a deploy: each request asks the database more often.", alert: pages("bad_deploy", "critical", "n_plus_one"), waits: 6},
	{name: "deploy_errors", about: "Bad deploy: a new version fails more often.", alert: pages("bad_deploy", "critical", "")},
	{name: "deploy_latency", about: "Bad deploy: a new version is slower.", alert: pages("bad_deploy", "critical", "")},
	{name: "deploy_both", about: "Bad deploy: a new version is slower, and fails more often.", alert: pages("bad_deploy", "critical", "")},
	{name: "surge", about: "Traffic surge: more requests than the database is made for.", alert: pages("traffic_surge", "warning", "")},
	{name: "slow_dependency", about: "Slow dependency: another service takes longer.", alert: pages("dependency_slow", "critical", "")},
}

// anHourIn returns an event of so many minutes that begins with the second of the
// judged hours.
func anHourIn(length int, apply func(into int, t *trouble)) func(*rand.Rand, span) []event {
	return func(_ *rand.Rand, hours span) []event {
		from := hours.from + 60
		return []event{{span{from, from + length}, apply}}
	}
}

// calmHours are the cases that must not page.
var calmHours = []story{
	{name: "quiet_nightly_batch", about: "A nightly batch job loads the database, as in each night before.", from: time.Hour, grain: 10,
		calm: &calm{alter: func(s *site) { s.batch, s.batchMinutes, s.batchJitter = 0.45, 100, 10 }}},
	{name: "quiet_daily_rhythm", about: "The steepest hours of a day: traffic doubles in a morning.", from: 6 * time.Hour, calm: &calm{}},
	{name: "quiet_weekend", about: "The first Saturday after five days of work.", days: 5, from: 7 * time.Hour, calm: &calm{}},
	{name: "quiet_monday", about: "The first morning of work after a weekend.", days: 7, from: 6 * time.Hour, calm: &calm{}},
	{name: "quiet_dst", about: "The first morning of summer time, an hour earlier than all before.", days: 6, from: 5 * time.Hour,
		calm: &calm{zone: "Europe/Berlin", start: time.Date(2026, 3, 23, 0, 0, 0, 0, time.UTC)}},
	{name: "quiet_bursts", about: "A burst of traffic of half as much again, for a quarter of an hour.", from: 14 * time.Hour,
		calm: &calm{events: anHourIn(15, func(_ int, t *trouble) { t.traffic = 0.5 })}},
	{name: "quiet_low_traffic", about: "Two requests a second, and fewer at night: ratios of a handful of events.", from: 2 * time.Hour, calm: &calm{volume: 2}},
	{name: "quiet_scrape_gap", about: "The application is not scraped for eight minutes.", from: 10 * time.Hour,
		calm: &calm{events: anHourIn(8, func(_ int, t *trouble) { t.noScrape = true })}},
	{name: "quiet_exporters_gone", about: "The exporters of the cache and the database are not scraped for eight minutes.", from: 10 * time.Hour,
		calm: &calm{events: anHourIn(8, func(_ int, t *trouble) { t.noExporters = true })}},
	{name: "quiet_counter_resets", about: "The application's processes restart: counters start again, counts are lost, and what they held in memory is gone.", from: 11 * time.Hour,
		calm: &calm{events: anHourIn(4, func(into int, t *trouble) {
			if into == 0 {
				t.restart, t.lost = true, 0.7
			}
			t.cold = 0.4 * (1 - float64(into)/4)
		})}},
	{name: "quiet_prometheus_restart", about: "Prometheus restarts, and scrapes nothing for three minutes.", from: 15 * time.Hour,
		calm: &calm{events: anHourIn(3, func(_ int, t *trouble) { t.noScrapes = true })}},
	{name: "quiet_slow_growth", about: "Traffic that grows by three hundredths a day.", days: 7, from: 13 * time.Hour,
		calm: &calm{events: func(_ *rand.Rand, hours span) []event {
			return []event{{span{0, hours.until}, func(into int, t *trouble) { t.traffic = 0.03 * float64(into) / (24 * 60) }}}
		}}},
	{name: "quiet_warm_up", about: "A cache is restarted on purpose, and warm again after four minutes.", from: 12 * time.Hour,
		calm: &calm{events: anHourIn(4, func(into int, t *trouble) {
			t.cacheRestart = into == 0
			t.cold = 0.7 * (1 - float64(into)/4)
		})}},
	{name: "quiet_good_deploy", about: "A deploy of a version that is as good as the one before.", from: 10 * time.Hour,
		calm: &calm{events: func(r *rand.Rand, hours span) []event { return []event{goodDeploy(r, hours.from+60)} }}},
}

// told is a story with its minutes.
type told struct {
	story
	seed     uint64
	strength string
	zone     string
	start    time.Time // of the history
	first    int       // the minute in which judging begins
	onset    int
	effect   int // the minute from which on the fault matters
	minutes  []minute
	window   int
	nightly  bool // a batch job asks the database at night
}

// play simulates the story with the first seed from one on of which the fault soon
// matters.
func (s story) play(first uint64) (*told, error) {
	s.days, s.grain = cmp.Or(s.days, 3), cmp.Or(s.grain, hour)
	if s.calm != nil {
		return s.playCalm(first)
	}
	for seed := first; seed < first+storySeeds; seed++ {
		if t := s.playFault(seed); t.effect >= t.onset && t.effect < t.onset+soonEnough {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%s: it matters with none of %d seeds", s.name, storySeeds)
}

// fault returns the sort of fault that the story is about.
func (s story) fault() *kind {
	if s.own != nil {
		return s.own
	}
	return kindOf(s.name)
}

// storyStart is a Monday.
var storyStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func (s story) playFault(seed uint64) *told {
	k := s.fault()
	r := random(k.name, seed)
	site := newSite(random("site of "+k.name, seed), 0)
	t := &told{story: s, seed: seed, zone: "UTC", start: storyStart, effect: -1}
	t.onset = s.days*24*60 + storyLead + r.IntN(22*60)
	t.first = t.onset - storyLead
	var plan plan
	t.strength, plan = k.draw(r, &site)
	fault := event{span{t.onset, t.onset + storyFault + storyTrail/2}, func(into int, tr *trouble) { plan(into, storyFault, tr) }}
	minutes := t.onset + storyFault + storyTrail
	with, without := play(newWorld(site, r.Uint64()), t.start, minutes, routine(r, &site, t.start, minutes), fault)
	t.minutes, t.window, t.nightly = with, site.window, site.batch > 0
	if i := mattersFrom(with[t.onset:t.onset+storyFault], without[0]); i >= 0 {
		t.effect = t.onset + i
	}
	return t
}

func (s story) playCalm(seed uint64) (*told, error) {
	r := random(s.name, seed)
	site := newSite(random("site of "+s.name, seed), s.calm.volume)
	t := &told{story: s, seed: seed, zone: "UTC", start: storyStart, first: s.days*24*60 + int(s.from/time.Minute)}
	if s.calm.zone != "" {
		var err error
		if site.location, err = time.LoadLocation(s.calm.zone); err != nil {
			return nil, fmt.Errorf("load the time zone: %w", err)
		}
		t.zone, t.start = s.calm.zone, s.calm.start
	}
	if s.calm.alter != nil {
		s.calm.alter(&site)
	}
	minutes := t.first + storyQuiet
	events := routine(r, &site, t.start, minutes)
	if s.calm.events != nil {
		events = append(events, s.calm.events(r, span{t.first, minutes})...)
	}
	t.minutes, _ = play(newWorld(site, r.Uint64()), t.start, minutes, events)
	t.window, t.nightly = site.window, site.batch > 0
	return t, nil
}

// writeStories writes a scenario of each story to a directory, with seeds from the
// first on.
func writeStories(dir string, first uint64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write scenarios: %w", err)
	}
	for _, s := range slices.Concat(faulty, calmHours) {
		t, err := s.play(first)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, s.name+".txtar"), []byte(t.text()), 0o644); err != nil {
			return fmt.Errorf("write scenarios: %w", err)
		}
	}
	return nil
}
