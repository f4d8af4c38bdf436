package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"go.yaml.in/yaml/v2"

	"tidemark/engine"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
)

const (
	lead     = 60  // minutes that are judged before a fault
	trail    = 120 // and after it
	weekLong = 7 * 24 * 60
)

// page is an incident that fired.
type page struct {
	at         time.Time
	service    string
	alert      string
	suspect    signal.Component
	refinement string // what it says more exactly, in the end
	superseded bool
}

// outcome is what became of one run.
type outcome struct {
	name     string
	seed     uint64
	strength string
	truth    []signal.Component // nil for a quiet week
	onset    time.Time
	effect   time.Time // first minute in which the fault mattered; zero if it never did
	early    []page    // before the fault
	pages    []page
}

// random returns the random numbers that a seed gives for a name.
func random(name string, seed uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// play simulates events on a world from start on, and faults that do not overlap.
// Of each fault it also returns what its minutes would have been without it.
func play(w *world, start time.Time, minutes int, events []event, faults ...event) (with []minute, without [][]minute) {
	var twin world
	without = make([][]minute, len(faults))
	slices.SortStableFunc(events, func(a, b event) int { return a.from - b.from })
	for i := range minutes {
		ts := start.Add(time.Duration(i) * time.Minute)
		usual := trouble{}
		for _, e := range events {
			if e.holds(i) {
				e.apply(i-e.from, &usual)
			}
		}
		t := usual
		if f := slices.IndexFunc(faults, func(e event) bool { return e.holds(i) }); f >= 0 {
			if i == faults[f].from {
				twin = *w
			}
			without[f] = append(without[f], twin.step(i, ts, usual))
			faults[f].apply(i-faults[f].from, &t)
		}
		with = append(with, w.step(i, ts, t))
	}
	return with, without
}

// mattersFrom returns the first of the minutes that differs from what it would have
// been by a minimum effect, or -1.
func mattersFrom(with, without []minute) int {
	for i := range with {
		if matters(&with[i].expected, &without[i].expected) {
			return i
		}
	}
	return -1
}

// run runs the engine on a stack in which a fault happens after days of
// history.
func (k kind) run(seed uint64, trial trial) (outcome, error) {
	r := random(k.name, seed)
	s := newSite(random("site of "+k.name, seed), 0)
	start := time.Date(2026, 3, 2+r.IntN(7), 0, 0, 0, 0, time.UTC)
	onset := trial.days*24*60 + lead + r.IntN(24*60)
	length := 30 + r.IntN(61)
	strength, plan := k.draw(r, &s)
	fault := event{span{onset, onset + length + trail/2}, func(into int, t *trouble) { plan(into, length, t) }}
	minutes := onset + length + trail
	events := routine(r, &s, start, minutes)
	if k.truth[0] != signal.Deploy && seed%3 == 0 {
		before := 2 + r.IntN(13)
		strength += fmt.Sprintf(", %d min after a good deploy", before)
		events = append(events, goodDeploy(r, onset-before))
	}
	with, without := play(newWorld(s, r.Uint64()), start, minutes, events, fault)

	out := outcome{name: k.name, seed: seed, strength: strength, truth: k.truth, onset: start.Add(time.Duration(onset+1) * time.Minute)}
	if i := mattersFrom(with[onset:onset+length], without[0]); i >= 0 {
		out.effect = out.onset.Add(time.Duration(i) * time.Minute)
	}
	shown := observe(start.Add(time.Minute), with, s.window)
	pages, err := judge(shown, s.window, shown.grid(onset-lead), minutes, "UTC", trial)
	for _, p := range pages {
		if p.at.Before(out.onset) {
			out.early = append(out.early, p)
		} else {
			out.pages = append(out.pages, p)
		}
	}
	return out, err
}

// run runs the engine on a week in which nothing should page.
func (c calm) run(seed uint64, trial trial) (outcome, error) {
	r := random(c.name, seed)
	s := newSite(random("site of "+c.name, seed), c.volume)
	start := time.Date(2026, 3, 2+r.IntN(7), 0, 0, 0, 0, time.UTC)
	if !c.start.IsZero() {
		start = c.start
	}
	zone := "UTC"
	if c.zone != "" {
		zone = c.zone
		var err error
		if s.location, err = time.LoadLocation(zone); err != nil {
			return outcome{}, fmt.Errorf("load the time zone: %w", err)
		}
	}
	if c.alter != nil {
		c.alter(&s)
	}
	first := trial.days * 24 * 60
	minutes := first + weekLong
	events := routine(r, &s, start, minutes)
	if c.events != nil {
		events = append(events, c.events(r, span{first, minutes})...)
	}
	with, _ := play(newWorld(s, r.Uint64()), start, minutes, events)
	shown := observe(start.Add(time.Minute), with, s.window)
	pages, err := judge(shown, s.window, shown.grid(first), minutes, zone, trial)
	return outcome{name: c.name, seed: seed, pages: pages}, err
}

// trial is how runs are judged.
type trial struct {
	days  int // of history to learn from
	rules *rules.Set
	watch func(*engine.Snapshot) // is shown each cycle; nil is nobody
}

// judge learns from the past, the first of so many minutes, evaluates the others one
// by one, and returns the pages in the order in which they fired. Rates are over a
// window of minutes.
func judge(src engine.Source, window int, past series.Grid, minutes int, zone string, trial trial) ([]page, error) {
	e, err := newEngine(src, window, zone, trial.rules)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	frames, err := src.Read(ctx, past)
	if err != nil {
		return nil, err
	}
	e.Learn(past, frames, 1)
	last := map[string]incident.Incident{}
	var order []string
	for i := past.N; i < minutes; i++ {
		if err := e.Eval(ctx, past.At(i)); err != nil {
			return nil, err
		}
		snapshot := e.Snapshot()
		if trial.watch != nil {
			trial.watch(snapshot)
		}
		for _, in := range snapshot.Incidents {
			if in.FiredAt.IsZero() {
				continue
			}
			if _, ok := last[in.ID]; !ok {
				order = append(order, in.ID)
			}
			last[in.ID] = in
		}
	}
	var pages []page
	for _, id := range order {
		pages = append(pages, pageOf(last[id]))
	}
	return pages, nil
}

func pageOf(in incident.Incident) page {
	v := &in.Verdict
	return page{in.FiredAt, string(v.Scope["service"]), v.Alert, v.Suspect, v.Refinement, in.SupersededBy != ""}
}

func newEngine(src engine.Source, window int, zone string, set *rules.Set) (*engine.Engine, error) {
	var config engine.Config
	if err := yaml.Unmarshal([]byte("time_zone: "+zone), &config); err != nil {
		return nil, fmt.Errorf("configure the engine: %w", err)
	}
	signals, err := declared(window)
	if err != nil {
		return nil, err
	}
	return engine.New(engine.Options{
		Config: config, Signals: signals, Rules: set, Source: src,
		Logger: promslog.NewNopLogger(), Registerer: prometheus.NewRegistry(),
	})
}
