package main

import (
	"fmt"
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
	fault  change
	before []change // harmless ones
	until  time.Duration
}

// figures returns the pictures of docs/detection.md.
func figures() []figure {
	nan := math.NaN()
	fault := func(c change) change {
		c.what, c.from, c.until = "fault", broken, mended
		return c
	}
	promotion := change{what: "promotion: traffic ×1.7", from: day + 18*time.Hour, until: day + 21*time.Hour, traffic: 1.7}
	of := func(name string, kind detector.Kind, dir detector.Direction) signal.Signal {
		return signal.Signal{Name: name, Kind: kind, Direction: dir}
	}
	latency := figure{
		name: "latency", title: "Latency p95 rises by 30 %", signal: of("latency_p95", detector.Latency, detector.Up),
		effect: detector.MinEffect{Relative: 0.10}, volume: 200, until: watched,
		sample: func(s slot) detector.Sample { return detector.Sample{Value: s.latency, Support: s.requests, Given: nan} },
		fault:  fault(change{latency: 1.3}),
	}
	errors := figure{
		name: "error_ratio", title: "Errors double, from 0.5 % to 1 %", signal: of("error_ratio", detector.Ratio, detector.Up),
		effect: detector.MinEffect{Relative: 0.15}, volume: 200, until: watched,
		sample: func(s slot) detector.Sample {
			return detector.Sample{Value: s.errorRatio, Support: s.requests, Given: nan}
		},
		fault: fault(change{errors: 2}),
	}
	few := errors
	few.name, few.title, few.volume = "few_requests", "One request per second: errors double", 1
	little := errors
	little.name, little.title, little.fault = "errors_slightly_up", "Errors rise by a fifth, from 0.5 % to 0.6 %", fault(change{errors: 1.2})
	stays := latency
	stays.name, stays.title, stays.until = "new_normal", "Latency rises by 50 % and stays there", mended+10*time.Hour
	stays.fault = change{what: "new release", from: broken, until: stays.until, latency: 1.5}
	return []figure{
		latency,
		{
			name: "traffic", title: "Requests fall to 60 %", signal: of("request_rate", detector.Rate, detector.Both),
			effect: detector.MinEffect{Relative: 0.20}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample { return detector.Sample{Value: s.requests, Support: nan, Given: nan} },
			fault:  fault(change{traffic: 0.6}),
		}, {
			name: "hit_ratio", title: "Cache hit ratio falls from 90 % to 85 %", signal: of("cache_hit_ratio", detector.Ratio, detector.Down),
			effect: detector.MinEffect{Absolute: 0.02}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample { return detector.Sample{Value: s.hitRatio, Support: s.lookups, Given: nan} },
			fault:  fault(change{hits: 0.85}),
		},
		errors,
		{
			name: "database_load", title: "Database queries ×1.4, judged by requests", given: true,
			signal: of("db_qps", detector.Rate, detector.Up), effect: detector.MinEffect{Relative: 0.15}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample {
				return detector.Sample{Value: s.queries, Support: nan, Given: s.requests}
			},
			fault: fault(change{queries: 1.4}), before: []change{promotion},
		}, {
			name: "database_latency", title: "Time per query ×1.5, judged by the database's load", given: true,
			signal: of("db_latency", detector.Latency, detector.Up), effect: detector.MinEffect{Relative: 0.10}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample {
				return detector.Sample{Value: s.queryTime, Support: s.queries, Given: s.queries}
			},
			fault: fault(change{queryTime: 1.5}), before: []change{promotion},
		}, {
			name: "gauge", title: "Database connections leak: 15 more in use",
			signal: of("db_connections", detector.Gauge, detector.Up), effect: detector.MinEffect{Relative: 0.10}, volume: 200, until: watched,
			sample: func(s slot) detector.Sample {
				return detector.Sample{Value: s.connections, Support: nan, Given: nan}
			},
			fault:  fault(change{held: 15}),
			before: []change{{what: "no data", from: day + 19*time.Hour, until: day + 21*time.Hour, silence: true}},
		},
		few, little, stays,
	}
}

// history is what the detector said of each sample of a figure.
type history struct {
	judged  []detector.Judgement
	learned time.Time // of the first sample that was judged

	// Of the first anomaly that was called during the fault, if any.
	called, onset time.Time

	// Anomalies that were called before the fault began.
	early int
}

// watch shows the detector the figure's samples.
func (f figure) watch(seed uint64) (history, error) {
	d, err := detector.New(detector.Options{
		Kind: f.signal.Kind, Direction: f.signal.Direction, Step: step, MinEffect: f.effect, Conditioned: f.given,
	})
	if err != nil {
		return history{}, err
	}
	var h history
	before := false
	for _, s := range (shop{seed: seed, volume: f.volume, changes: append(f.before, f.fault)}).run(f.until) {
		sample := f.sample(s)
		sample.Time = s.at
		j := d.Update(sample)
		h.judged = append(h.judged, j)
		if h.learned.IsZero() && j.State != detector.Learning {
			h.learned = s.at
		}
		began := j.Direction != "" && !before
		before = j.Direction != ""
		switch {
		case !began:
		case s.at.Before(monday.Add(f.fault.from)):
			h.early++
		case h.called.IsZero() && f.fault.covers(s.at.Sub(monday)):
			h.called, h.onset = s.at, j.Since
		}
	}
	return h, nil
}

// outcome says what became of the fault.
func (h history) outcome() string {
	if h.called.IsZero() {
		return "no anomaly"
	}
	return fmt.Sprintf("called at %s, onset %s", h.called.Format("15:04"), h.onset.Format("15:04"))
}
