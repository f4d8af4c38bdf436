package main

import (
	"math"
	"time"

	"tidemark/detector"
	"tidemark/signal"
)

const (
	day     = 24 * time.Hour
	broken  = 2*day + 14*time.Hour
	mended  = broken + 2*time.Hour
	watched = mended + 2*time.Hour
)

// figure is one picture: a signal of the shop, and what happens to it.
type figure struct {
	name   string // of the file, less its extension
	title  string
	signal signal.Signal // how values are written
	given  bool          // judged by its load
	effect detector.MinEffect
	volume float64 // requests per second
	sample func(slot) detector.Sample
	before []change // what happens before the event
	event  change   // what the figure is about
	until  time.Duration
}

// figures returns the pictures of docs/detection.md.
func figures() []figure {
	nan := math.NaN()
	fault := func(c change) change {
		c.what, c.from, c.until = "fault", broken, mended
		return c
	}
	promotion := change{what: "promotion: traffic ×1.7", harmless: true, from: day + 18*time.Hour, until: day + 21*time.Hour, traffic: 1.7}
	of := func(name string, kind detector.Kind, dir detector.Direction) signal.Signal {
		return signal.Signal{Name: name, Kind: kind, Direction: dir}
	}
	latency := figure{
		name: "latency", title: "Latency p95 rises by 30 %", signal: of("latency_p95", detector.Latency, detector.Up),
		effect: detector.MinEffect{Relative: 0.10}, volume: 200, until: watched,
		sample: func(s slot) detector.Sample {
			return detector.Sample{Value: s.latency, Support: s.requests, Given: nan}
		},
		event: fault(change{latency: 1.3}),
	}
	errors := figure{
		name: "error_ratio", title: "Errors double, from 0.5 % to 1 %", signal: of("error_ratio", detector.Ratio, detector.Up),
		effect: detector.MinEffect{Relative: 0.15}, volume: 200, until: watched,
		sample: func(s slot) detector.Sample {
			return detector.Sample{Value: s.errorRatio, Support: s.requests, Given: nan}
		},
		event: fault(change{errors: 2}),
	}
	few := errors
	few.name, few.title = "few_requests", "Traffic is drained to 1 %: single errors of few requests"
	few.event = change{what: "drained", harmless: true, from: broken, until: mended, traffic: 0.01}
	little := errors
	little.name, little.title, little.event = "errors_slightly_up", "Errors rise by a fifth, from 0.5 % to 0.6 %", fault(change{errors: 1.2})
	stays := latency
	stays.name, stays.title, stays.until = "new_normal", "Latency rises by 50 % and stays there", mended+10*time.Hour
	stays.event = change{what: "new release", from: broken, until: stays.until, latency: 1.5}
	return []figure{
		latency,
		{
			name: "traffic", title: "Requests fall to 60 %", signal: of("request_rate", detector.Rate, detector.Both),
			effect: detector.MinEffect{Relative: 0.20}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample { return detector.Sample{Value: s.requests, Support: nan, Given: nan} },
			event:  fault(change{traffic: 0.6}),
		}, {
			name: "hit_ratio", title: "Cache hit ratio falls from 90 % to 85 %", signal: of("cache_hit_ratio", detector.Ratio, detector.Down),
			effect: detector.MinEffect{Absolute: 0.02}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample {
				return detector.Sample{Value: s.hitRatio, Support: s.lookups, Given: nan}
			},
			event: fault(change{hits: 0.85}),
		},
		errors,
		{
			name: "database_load", title: "Database queries ×1.4, judged by requests", given: true,
			signal: of("db_qps", detector.Rate, detector.Up), effect: detector.MinEffect{Relative: 0.15}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample {
				return detector.Sample{Value: s.queries, Support: nan, Given: s.requests}
			},
			event: fault(change{queries: 1.4}), before: []change{promotion},
		}, {
			name: "database_latency", title: "Time per query ×1.5, judged by the database's load", given: true,
			signal: of("db_latency", detector.Latency, detector.Up), effect: detector.MinEffect{Relative: 0.10}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample {
				return detector.Sample{Value: s.queryTime, Support: s.queries, Given: s.queries}
			},
			event: fault(change{queryTime: 1.5}), before: []change{promotion},
		}, {
			name: "gauge", title: "Database connections leak: 15 more in use",
			signal: of("db_connections", detector.Gauge, detector.Up), effect: detector.MinEffect{Relative: 0.10}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample {
				return detector.Sample{Value: s.connections, Support: nan, Given: nan}
			},
			event:  fault(change{held: 15}),
			before: []change{{what: "no data", harmless: true, from: day + 19*time.Hour, until: day + 21*time.Hour, silence: true}},
		},
		few, little, stays,
	}
}
