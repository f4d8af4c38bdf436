package main

import (
	"math"
	"slices"
	"strings"
	"time"

	"tidemark/detector"
)

// watched is a signal of the stack and how it is judged.
type watched struct {
	name    string
	options detector.Options
	sample  func(slot) detector.Sample
	effects []effectOf
	band    bool // is judged by the other detectors, too
	sparse  bool // is of the type that Grafana's rules drop when sparse
}

type effectOf struct {
	name   string
	change change
}

func sampleOf(s slot, value, support, given float64) detector.Sample {
	return detector.Sample{Time: s.at, Value: value, Support: support, Given: given}
}

// signals are the ones of the tables, with the minimum effects of the standard
// signals.
func (s settings) signals() []watched {
	return slices.DeleteFunc(signals(s.step), func(w watched) bool { return !strings.Contains(w.name, s.signal) })
}

func signals(step time.Duration) []watched {
	nan := math.NaN()
	options := func(kind detector.Kind, dir detector.Direction, e detector.MinEffect, given bool) detector.Options {
		return detector.Options{Kind: kind, Direction: dir, Step: step, MinEffect: e, Conditioned: given}
	}
	queries := []effectOf{
		{"x1.3", change{queries: 1.3}}, {"x1.5", change{queries: 1.5}}, {"x2", change{queries: 2}},
	}
	return []watched{
		{
			name:    "latency",
			options: options(detector.Latency, detector.Up, detector.MinEffect{Relative: 0.10}, false),
			sample:  func(s slot) detector.Sample { return sampleOf(s, s.latency, s.requests, nan) },
			band:    true,
			effects: []effectOf{
				{"+15%", change{latency: 1.15}}, {"+30%", change{latency: 1.3}},
				{"+50%", change{latency: 1.5}}, {"x2", change{latency: 2}},
			},
		}, {
			name:    "hit ratio",
			options: options(detector.Ratio, detector.Down, detector.MinEffect{Absolute: 0.02}, false),
			sample:  func(s slot) detector.Sample { return sampleOf(s, s.hitRatio, s.lookups, nan) },
			band:    true,
			effects: []effectOf{
				{".87", change{hits: 0.87}}, {".85", change{hits: 0.85}}, {".80", change{hits: 0.80}}, {".60", change{hits: 0.60}},
			},
		}, {
			name:    "hit ratio, support not known",
			options: options(detector.Ratio, detector.Down, detector.MinEffect{Absolute: 0.02}, false),
			sample:  func(s slot) detector.Sample { return sampleOf(s, s.hitRatio, nan, nan) },
			effects: []effectOf{{".80", change{hits: 0.80}}, {".60", change{hits: 0.60}}},
		}, {
			name:    "error ratio",
			options: options(detector.Ratio, detector.Up, detector.MinEffect{Relative: 0.15}, false),
			sample:  func(s slot) detector.Sample { return sampleOf(s, s.errorRatio, s.requests, nan) },
			band:    true,
			effects: []effectOf{
				{"x1.2", change{errors: 1.2}}, {"x1.5", change{errors: 1.5}},
				{"x2", change{errors: 2}}, {"x5", change{errors: 5}},
			},
		}, {
			name:    "DB queries given requests",
			options: options(detector.Rate, detector.Up, detector.MinEffect{Relative: 0.10}, true),
			sample:  func(s slot) detector.Sample { return sampleOf(s, s.queries, nan, s.requests) },
			effects: queries,
		}, {
			name:    "DB time per query given queries",
			options: options(detector.Latency, detector.Up, detector.MinEffect{Relative: 0.10}, true),
			sample:  func(s slot) detector.Sample { return sampleOf(s, s.queryTime, s.queries, s.queries) },
			effects: []effectOf{
				{"x1.3", change{queryTime: 1.3}}, {"x1.5", change{queryTime: 1.5}}, {"x2", change{queryTime: 2}},
			},
		}, {
			name:    "DB queries",
			options: options(detector.Rate, detector.Up, detector.MinEffect{Relative: 0.15}, false),
			sample:  func(s slot) detector.Sample { return sampleOf(s, s.queries, nan, nan) },
			band:    true,
			sparse:  true,
			effects: queries,
		}, {
			name:    "traffic",
			options: options(detector.Rate, detector.Both, detector.MinEffect{Relative: 0.20}, false),
			sample:  func(s slot) detector.Sample { return sampleOf(s, s.requests, nan, nan) },
			band:    true,
			sparse:  true,
			effects: []effectOf{
				{"x1.3", change{traffic: 1.3}}, {"x1.5", change{traffic: 1.5}},
				{"x2", change{traffic: 2}}, {"x0.3", change{traffic: 0.3}},
			},
		},
	}
}
