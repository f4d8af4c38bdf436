package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/engine"
	"tidemark/series"
	"tidemark/signal"
)

// A fleet is many services of different size that one engine watches for weeks, in
// some of which something fails once or twice. Their clocks change on the way.
const (
	fleetDays  = 21
	fleetZone  = "Europe/Berlin"
	grace      = 15 * time.Minute // after a fault, in which its page is not late
	distance   = 5 * 60           // minutes between two faults of a service, at least
	benignEach = 3                // events per service that must not page, beside the routine
)

// fleetStart is two weeks before the end of the winter time; minute 0 ends a minute
// later.
var fleetStart = time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC)

// member is a service of a fleet.
type member struct {
	name   string
	window int     // minutes over which its rates are formed
	record *record // what Prometheus shows, if no real one does
	faults []happened
}

// happened is a fault of a service, and what became of it.
type happened struct {
	kind     kind
	strength string
	from, to time.Time
	effect   time.Time // first minute in which it mattered; zero if it never did
	hurts    bool      // users, at some time
	decoy    bool      // a good deploy came shortly before
	pages    []page
}

// newMember simulates a service, and returns it with its minutes. Faults and what
// only looks like one happen after the days of history. Its window is chosen if it is
// not 0.
func newMember(seed uint64, days, window int) (member, []minute, error) {
	name := fmt.Sprintf("s%03d", seed)
	r := random("fleet", seed)
	volume := 0.0 // any
	if r.Float64() < 0.15 {
		volume = logBetween(r, 2, 20)
	}
	s := newSite(random("site of fleet", seed), volume)
	zone, err := time.LoadLocation(fleetZone)
	if err != nil {
		return member{}, nil, fmt.Errorf("load the time zone: %w", err)
	}
	s.location = zone
	if window > 0 {
		s.window = window
	}
	m := member{name: name, window: s.window}
	minutes := fleetDays * 24 * 60
	judged := span{days * 24 * 60, minutes - 3*60}
	var faults []event
	var decoys []event
	for n := pick(r, 0.45, 0.35, 0.2); n > 0; n-- {
		length := 30 + r.IntN(61)
		from := judged.from + lead + r.IntN(judged.until-judged.from-lead-length)
		if slices.ContainsFunc(faults, func(e event) bool { return from < e.until+distance && e.from < from+length+distance }) {
			continue
		}
		k := kinds[r.IntN(len(kinds))]
		strength, plan := k.draw(r, &s)
		at := fleetStart.Add(time.Duration(from+1) * time.Minute)
		h := happened{kind: k, strength: strength, from: at, to: at.Add(time.Duration(length) * time.Minute)}
		if k.truth[0] != signal.Deploy && r.Float64() < 0.3 {
			h.decoy = true
			decoys = append(decoys, goodDeploy(r, from-2-r.IntN(13)))
		}
		m.faults = append(m.faults, h)
		faults = append(faults, event{span{from, from + length + 1}, func(into int, t *trouble) { plan(into, length, t) }})
	}
	roomy := r.Float64() < 0.3
	if roomy {
		s.workers *= 3
		s.pool *= 3
	}
	events := append(routine(r, &s, fleetStart, minutes), decoys...)
	for range benignEach {
		e := benign(r, judged, roomy)
		if !slices.ContainsFunc(faults, func(f event) bool { return e.from < f.until && f.from < e.until+30 }) {
			events = append(events, e)
		}
	}
	with, without := play(newWorld(s, r.Uint64()), fleetStart, minutes, events, faults...)
	for i, e := range faults {
		m.faults[i].look(with[e.from:e.until], without[i])
	}
	return m, with, nil
}

// look notes when the fault matters, and whether it hurts, by its minutes and what
// they would have been.
func (h *happened) look(with, without []minute) {
	if i := mattersFrom(with, without); i >= 0 {
		h.effect = h.from.Add(time.Duration(i) * time.Minute)
	}
	for i := range with {
		h.hurts = h.hurts || hurts(&with[i].expected, &without[i].expected)
	}
}

// pick returns i with the probability of the i-th share.
func pick(r *rand.Rand, shares ...float64) int {
	x := r.Float64()
	for i, p := range shares {
		if x < p {
			return i
		}
		x -= p
	}
	return len(shares) - 1
}

// benign draws one event of those that fill quiet weeks. A promotion is for a
// service that has room for it.
func benign(r *rand.Rand, week span, roomy bool) event {
	names := []string{"scrape_gaps", "restarts", "warm_ups"}
	if roomy {
		names = append(names, "promotions")
	}
	name := names[r.IntN(len(names))]
	c := calms[slices.IndexFunc(calms, func(c calm) bool { return c.name == name })]
	all := c.events(r, week)
	return all[r.IntN(len(all))]
}

// fleet is what Prometheus shows of all services; it is an engine.Source.
type fleet []member

// Read implements engine.Source.
func (f fleet) Read(ctx context.Context, g series.Grid) ([]series.Frame, error) {
	out := make([]series.Frame, len(names))
	for n, name := range names {
		out[n].Signal = name
	}
	for i := range f {
		frames, err := f[i].record.Read(ctx, g)
		if err != nil {
			return nil, err
		}
		for n := range frames {
			for _, s := range frames[n].Series {
				s.Labels["service"] = model.LabelValue(f[i].name)
				out[n].Series = append(out[n].Series, s)
			}
		}
	}
	return out, nil
}

// watched is a source without some of its signals.
type watched struct {
	engine.Source
	without []string
}

// Read implements engine.Source.
func (w watched) Read(ctx context.Context, g series.Grid) ([]series.Frame, error) {
	frames, err := w.Source.Read(ctx, g)
	for i := range frames {
		if slices.Contains(w.without, frames[i].Signal) {
			frames[i].Series = nil
		}
	}
	return frames, err
}

// slowest returns the longest of the windows, in minutes: one query asks for all.
func (f fleet) slowest() int {
	window := 0
	for i := range f {
		window = max(window, f[i].window)
	}
	return window
}

// judge lets one engine watch the fleet, without some of the signals, and returns
// the pages.
func (f fleet) judge(without []string, trial trial) ([]page, error) {
	past := f[0].record.grid(trial.days * 24 * 60)
	return judge(watched{f, without}, f.slowest(), past, fleetDays*24*60, fleetZone, trial)
}

// assign gives each fault its pages, and returns the others.
func (f fleet) assign(pages []page) (strays []page) {
	for _, p := range pages {
		if h := f.about(p); h != nil {
			h.pages = append(h.pages, p)
		} else {
			strays = append(strays, p)
		}
	}
	return strays
}

// about returns the fault that a page is about, or nil.
func (f fleet) about(p page) *happened {
	for i := range f {
		if f[i].name != p.service {
			continue
		}
		for j := range f[i].faults {
			if h := &f[i].faults[j]; !p.at.Before(h.from) && !p.at.After(h.to.Add(grace)) {
				return h
			}
		}
	}
	return nil
}
