package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/engine"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/series"
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

var fleetStart = time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC) // two weeks before the end of the winter time

// member is a service of a fleet.
type member struct {
	name   string
	record *record
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
	pages    []fleetPage
}

// fleetPage is a page about a service.
type fleetPage struct {
	page
	service string
}

// newMember simulates a service. Faults and what only looks like one happen after
// the days of history. Its window is chosen if it is not 0.
func newMember(seed uint64, days, window int) (member, error) {
	name := fmt.Sprintf("s%03d", seed)
	r := random("fleet", seed)
	volume := 0.0 // any
	if r.Float64() < 0.15 {
		volume = logBetween(r, 2, 20)
	}
	s := newSite(random("site of fleet", seed), volume)
	zone, err := time.LoadLocation(fleetZone)
	if err != nil {
		return member{}, fmt.Errorf("load the time zone: %w", err)
	}
	s.location = zone
	if window > 0 {
		s.window = window
	}
	m := member{name: name}
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
		if k.truth[0] != byDeploy[0] && r.Float64() < 0.3 {
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
	lived := m.live(newWorld(s, r.Uint64()), minutes, events, faults)
	m.record = observe(fleetStart.Add(time.Minute), lived, s.window)
	return m, nil
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

// live simulates the service. Beside each fault it simulates what would have been
// without, to learn when the fault matters.
func (m *member) live(w *world, minutes int, events, faults []event) []minute {
	out := make([]minute, minutes)
	var twin world
	for i := range minutes {
		ts := fleetStart.Add(time.Duration(i) * time.Minute)
		usual := trouble{}
		for _, e := range events {
			if i >= e.from && i < e.until {
				e.apply(i-e.from, &usual)
			}
		}
		f := slices.IndexFunc(faults, func(e event) bool { return i >= e.from && i < e.until })
		if f < 0 {
			out[i] = w.step(i, ts, usual)
			continue
		}
		if i == faults[f].from {
			twin = *w
		}
		broken := usual
		faults[f].apply(i-faults[f].from, &broken)
		without := twin.step(i, ts, usual)
		out[i] = w.step(i, ts, broken)
		h := &m.faults[f]
		if h.effect.IsZero() && matters(&out[i].expected, &without.expected) {
			h.effect = ts.Add(time.Minute)
		}
		h.hurts = h.hurts || hurts(&out[i].expected, &without.expected)
	}
	return out
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

// judge lets one engine watch the fleet after so many days of history, without some
// of the signals, gives each fault its pages, and returns the others.
func (f fleet) judge(days int, without []string, set *rules.Set) (strays []fleetPage, err error) {
	source := watched{f, without}
	window := 0 // one query asks for all: that of the slowest
	for i := range f {
		window = max(window, f[i].record.window)
	}
	e, err := newEngine(source, window, fleetZone, set)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	r := f[0].record
	g := r.grid(0, days*24*60)
	frames, err := source.Read(ctx, g)
	if err != nil {
		return nil, err
	}
	e.Learn(g, frames, 1)
	last := map[string]incident.Incident{}
	var order []string
	for i := g.N; i < fleetDays*24*60; i++ {
		if err := e.Eval(ctx, r.at(i)); err != nil {
			return nil, err
		}
		for _, in := range e.Snapshot().Incidents {
			if in.FiredAt.IsZero() {
				continue
			}
			if _, ok := last[in.ID]; !ok {
				order = append(order, in.ID)
			}
			last[in.ID] = in
		}
	}
	for _, id := range order {
		in := last[id]
		p := fleetPage{
			page{in.FiredAt, in.Verdict.Alert, in.Verdict.Suspect, in.Verdict.Refinement, in.SupersededBy != ""},
			string(in.Verdict.Scope["service"]),
		}
		if h := f.about(p); h != nil {
			h.pages = append(h.pages, p)
		} else {
			strays = append(strays, p)
		}
	}
	return strays, nil
}

// about returns the fault that a page is about, or nil.
func (f fleet) about(p fleetPage) *happened {
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
