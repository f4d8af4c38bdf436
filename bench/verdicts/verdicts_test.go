package main

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/rules"
)

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// TestNothingIsLost checks, for each kind of fault, that every read is served,
// missed, refused or sent past the cache, and that every query comes from one of
// them and is answered or given up.
func TestNothingIsLost(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			for seed := range uint64(2) {
				s := newSite(random("site", seed), 0)
				_, plan := k.draw(random(k.name, seed), &s)
				fault := event{span{60, 180}, func(into int, t *trouble) { plan(into, 60, t) }}
				minutes, _ := play(newWorld(s, seed), monday, 240, routine(random(k.name, seed), &s, monday, 240), fault)
				for i, m := range minutes {
					if got := m.hits + m.misses + m.cacheErrors + m.bypassed; got != m.reads {
						t.Fatalf("seed %d, minute %d: %v reads are accounted for, want %v", seed, i, got, m.reads)
					}
					if got := m.misses + m.cacheErrors + m.bypassed + m.extra; got != m.attempted {
						t.Fatalf("seed %d, minute %d: %v queries are accounted for, want %v", seed, i, got, m.attempted)
					}
					if got := m.completed + m.failed; got != m.attempted {
						t.Fatalf("seed %d, minute %d: %v queries ended, want %v", seed, i, got, m.attempted)
					}
					timed := 0.0
					for _, n := range m.duration {
						timed += n
					}
					if timed != m.requests || m.errors > m.requests {
						t.Fatalf("seed %d, minute %d: %v requests timed and %v failed of %v", seed, i, timed, m.errors, m.requests)
					}
				}
			}
		})
	}
}

// TestFaultsDo checks that each fault leaves the trace that it is known for.
func TestFaultsDo(t *testing.T) {
	const seed = 3
	for _, tc := range []struct {
		kind string
		want func(with, without *minute) bool
	}{
		{"bypass_full", func(with, without *minute) bool {
			return with.lookups < 0.2*without.lookups && with.attempted > 1.5*without.attempted
		}},
		{"bypass_silent", func(with, _ *minute) bool { return with.lookups == 0 && with.reads > 0 }},
		{"postmortem", func(with, without *minute) bool { return with.expected.hit < 0.7*without.expected.hit }},
		{"ttl", func(with, without *minute) bool { return with.expired > 1.2*without.expired }},
		{"eviction_storm", func(with, without *minute) bool { return with.evicted > without.evicted }},
		{"cache_down", func(with, _ *minute) bool { return with.hits == 0 && with.up == 0 }},
		{"db_slow", func(with, without *minute) bool { return with.expected.queryTime > without.expected.queryTime }},
		{"pool_leak", func(with, without *minute) bool { return with.used > without.used }},
		{"surge", func(with, without *minute) bool { return with.requests > 1.2*without.requests }},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			s := newSite(random("site", seed), 0)
			_, plan := kindOf(tc.kind).draw(random(tc.kind, seed), &s)
			fault := event{span{600, 660}, func(into int, t *trouble) { plan(into, 60, t) }}
			with, without := play(newWorld(s, seed), monday, 660, nil, fault)
			last, usual := with[630], without[0][30]
			if !tc.want(&last, &usual) {
				t.Errorf("half an hour into the fault:\n%+v\nwithout it:\n%+v", last.counters, usual.counters)
			}
		})
	}
}

// TestQueue checks the waiting times against those of M/M/1 and of a server
// that is not loaded.
func TestQueue(t *testing.T) {
	if got, want := wait(1, 0.5), 0.5; math.Abs(got-want) > 1e-12 {
		t.Errorf("wait(1, 0.5) = %v, want %v: one server waits with the probability that it is busy", got, want)
	}
	if got, want := wait(2, 1), 1./3; math.Abs(got-want) > 1e-12 {
		t.Errorf("wait(2, 1) = %v, want %v", got, want)
	}
	d := database{workers: 4, service: 0.01, pool: 10, timeout: 1}
	before := queried{}
	for _, load := range []float64{1, 100, 200, 300, 390, 500, 2000} {
		q := d.serve(load, 0, 1, 0)
		if q.inServer < before.inServer || q.waiting < before.waiting || q.completed > 400 || math.Abs(q.completed+q.failed-load) > 1e-9 {
			t.Errorf("at %v queries/s: %+v, after %+v with less load", load, q, before)
		}
		before = q
	}
}

func TestGapsAndRestarts(t *testing.T) {
	minutes := make([]minute, 10)
	for i := range minutes {
		minutes[i].requests = 60
	}
	minutes[4].noScrape, minutes[5].noScrape, minutes[6].noScrape = true, true, true
	minutes[9].restart, minutes[9].lost = true, 0.3
	var got []float64
	for _, w := range rates(minutes, 2, func(m *minute) bool { return !m.noScrape }, true) {
		v := math.NaN()
		if w.seconds > 0 {
			v = w.requests / w.seconds
		}
		got = append(got, v)
	}
	nan := math.NaN()
	want := []float64{nan, 1, 1, 1, 1, nan, nan, nan, 1, 1 - 0.3/2}
	equal := cmp.Comparer(func(a, b float64) bool { return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-9 })
	if diff := cmp.Diff(want, got, equal); diff != "" {
		t.Errorf("rates over two minutes (-want +got):\n%s", diff)
	}
}

// TestSameSeedSameReport checks that the output depends on the seeds alone.
func TestSameSeedSameReport(t *testing.T) {
	builtin, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	text := func(parallel int) string {
		s := settings{seeds: 2, days: 1, parallel: parallel, only: "bypass_full", rules: builtin}
		outcomes, err := s.run(s.tasks())
		if err != nil {
			t.Fatal(err)
		}
		if len(outcomes) != 2 {
			t.Fatalf("%d runs, want 2", len(outcomes))
		}
		var b bytes.Buffer
		report(&b, outcomes)
		return b.String()
	}
	if diff := cmp.Diff(text(1), text(2)); diff != "" {
		t.Errorf("reports of the same seeds (-one +two at a time):\n%s", diff)
	}
}
