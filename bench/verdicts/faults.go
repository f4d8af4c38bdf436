package main

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"tidemark/signal"
)

// kind is a sort of fault.
type kind struct {
	name  string
	truth []signal.Component // what may be suspected; the first is the cause
	draw  func(r *rand.Rand, s *site) (strength string, plan plan)
}

// plan adds a fault to minute into of its length minutes. It is also called for
// minute length, the first one after the fault, in which a repair may happen.
type plan func(into, length int, t *trouble)

// during is a plan that is the same in every minute of the fault.
func during(f func(t *trouble)) plan {
	return func(into, length int, t *trouble) {
		if into < length {
			f(t)
		}
	}
}

// deployed is a fault that comes with a new version and goes with the next one.
func deployed(p plan) plan {
	return func(into, length int, t *trouble) {
		if into == 0 || into == length {
			t.deploy, t.lost = true, 0.3
		}
		p(into, length, t)
	}
}

var (
	byCache    = []signal.Component{signal.Cache}
	byDatabase = []signal.Component{signal.Database}
	byDeploy   = []signal.Component{signal.Deploy}
	byTraffic  = []signal.Component{signal.Traffic}
)

// kinds are all sorts of faults, with every strength from those that hardly
// matter to those that nobody can miss.
var kinds = []kind{
	{"bypass_full", byCache, func(r *rand.Rand, _ *site) (string, plan) {
		share := between(r, 0.9, 0.995)
		p := during(func(t *trouble) { t.bypass = share })
		if r.Float64() < 0.3 {
			return fmt.Sprintf("%.0f %% of reads, by a deploy", 100*share), deployed(p)
		}
		return fmt.Sprintf("%.0f %% of reads", 100*share), p
	}},
	{"bypass_replica", byCache, func(_ *rand.Rand, s *site) (string, plan) {
		share := 1 / float64(s.replicas)
		return fmt.Sprintf("1 of %d replicas", s.replicas), during(func(t *trouble) { t.bypass = share })
	}},
	{"bypass_silent", byCache, func(*rand.Rand, *site) (string, plan) {
		return "no lookups", during(func(t *trouble) { t.bypass = 1 })
	}},
	{"postmortem", byCache, func(*rand.Rand, *site) (string, plan) {
		return "a third of keys, errors +20 %", during(func(t *trouble) { t.unkeyed, t.moreErrors = 1./3, 0.2 })
	}},
	{"key_change", byCache, func(r *rand.Rand, _ *site) (string, plan) {
		share := logBetween(r, 0.05, 1)
		return fmt.Sprintf("%.0f %% of keys", 100*share), during(func(t *trouble) { t.unkeyed = share })
	}},
	{"ttl", byCache, func(r *rand.Rand, _ *site) (string, plan) {
		factor := logBetween(r, 0.01, 0.5)
		return fmt.Sprintf("x%.2g", factor), during(func(t *trouble) { t.ttl = factor })
	}},
	{"eviction_storm", byCache, func(r *rand.Rand, _ *site) (string, plan) {
		share := logBetween(r, 0.02, 0.7)
		return fmt.Sprintf("room for %.0f %%", 100*share), during(func(t *trouble) { t.capacity = share })
	}},
	{"flush", byCache, func(r *rand.Rand, s *site) (string, plan) {
		// Keys that are kept for long take long to come back.
		s.ttl = between(r, 0.4, 1.2) * 3600
		s.keys = keysFor(0.93, s.volume*s.reads, s.skew, s.ttl)
		restart := r.Float64() < 0.5
		word := "flushed"
		if restart {
			word = "restarted"
		}
		return word, func(into, _ int, t *trouble) {
			t.flush = into == 0
			t.cacheRestart = into == 0 && restart
		}
	}},
	{"cache_down", byCache, func(*rand.Rand, *site) (string, plan) {
		return "down", during(func(t *trouble) { t.cacheDown = true })
	}},
	{"cache_gone", byCache, func(*rand.Rand, *site) (string, plan) {
		return "down, and no target any more", during(func(t *trouble) { t.cacheDown, t.cacheGone = true, true })
	}},
	{"cache_slow_dead", byCache, func(r *rand.Rand, _ *site) (string, plan) {
		slow, minutes := logBetween(r, 0.003, 0.1), 1+r.IntN(10)
		return fmt.Sprintf("+%.0f ms, dead after %d min", 1000*slow, minutes), func(into, length int, t *trouble) {
			switch {
			case into < minutes:
				t.cacheSlow = slow
			case into < length:
				t.cacheDown = true
			}
		}
	}},
	{"db_slow", byDatabase, func(r *rand.Rand, _ *site) (string, plan) {
		more := logBetween(r, 0.2, 6)
		return fmt.Sprintf("+%.0f %%", 100*more), during(func(t *trouble) { t.slowQueries = more })
	}},
	{"pool_leak", byDatabase, func(r *rand.Rand, s *site) (string, plan) {
		// What is left is from nothing to three times what is needed.
		needed := s.volume * (s.reads*0.1 + s.writes) * s.service / s.pool
		share, ramp := 1-needed*between(r, 0, 3), between(r, 2, 25)
		return fmt.Sprintf("%.0f %% in %.0f min", 100*share, ramp), func(into, length int, t *trouble) {
			if into < length {
				t.leaked = share * min(1, float64(into+1)/ramp)
			}
		}
	}},
	{"n_plus_one", byDeploy, func(r *rand.Rand, s *site) (string, plan) {
		more := logBetween(r, 0.1, 3)
		return fmt.Sprintf("+%.2g queries per request", more), deployed(during(func(t *trouble) { t.moreQueries = more }))
	}},
	{"deploy_errors", byDeploy, func(r *rand.Rand, _ *site) (string, plan) {
		more := logBetween(r, 0.3, 50)
		return fmt.Sprintf("errors +%.0f %%", 100*more), deployed(during(func(t *trouble) { t.moreErrors = more }))
	}},
	{"deploy_latency", byDeploy, func(r *rand.Rand, _ *site) (string, plan) {
		more := logBetween(r, 0.15, 4)
		return fmt.Sprintf("work +%.0f %%", 100*more), deployed(during(func(t *trouble) { t.slowWork = more }))
	}},
	{"deploy_both", byDeploy, func(*rand.Rand, *site) (string, plan) {
		return "work +40 %, errors +20 %", deployed(during(func(t *trouble) { t.slowWork, t.moreErrors = 0.4, 0.2 }))
	}},
	{"surge", byTraffic, func(r *rand.Rand, s *site) (string, plan) {
		// The database is not made for it: two thirds of it are busy on any day.
		s.workers = max(2, int(float64(s.workers)*s.busy/0.66))
		s.pool = float64(2*s.workers + 2)
		more, ramp := logBetween(r, 0.8, 8), between(r, 1, 10)
		return fmt.Sprintf("x%.1f in %.0f min", 1+more, ramp), func(into, length int, t *trouble) {
			if into < length {
				t.traffic = more * min(1, float64(into+1)/ramp, float64(length-into)/ramp)
			}
		}
	}},
	{"slow_dependency", []signal.Component{signal.Dependency, signal.Unknown}, func(r *rand.Rand, _ *site) (string, plan) {
		more := logBetween(r, 0.3, 20)
		return fmt.Sprintf("+%.0f %%", 100*more), during(func(t *trouble) { t.slowDepend = more })
	}},
}

// kindOf returns the sort of fault that has the name.
func kindOf(name string) *kind {
	return &kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })]
}
