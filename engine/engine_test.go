package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"go.yaml.in/yaml/v2"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
)

// story is what became of incidents over a run: each one's last state, and
// after how many cycles it fired.
type story struct {
	Alert   string
	Suspect signal.Component
	State   incident.State
	Fired   bool
}

// run evaluates every slot in (start, to] and returns all incidents that fired,
// by the order of firing, with the time at which each fired.
func run(t testing.TB, e *Engine, from, to time.Time) (stories []story, fired map[string]time.Time) {
	t.Helper()
	fired = map[string]time.Time{}
	last := map[string]incident.Incident{}
	var order []string
	for ts := from.Add(e.step); !ts.After(to); ts = ts.Add(e.step) {
		if err := e.Eval(t.Context(), ts); err != nil {
			t.Fatal(err)
		}
		for _, in := range e.Snapshot().Incidents {
			if in.FiredAt.IsZero() {
				continue
			}
			if _, ok := last[in.ID]; !ok {
				order = append(order, in.ID)
				fired[in.Verdict.Alert] = ts
			}
			last[in.ID] = in
		}
	}
	for _, id := range order {
		in := last[id]
		stories = append(stories, story{in.Verdict.Alert, in.Verdict.Suspect, in.State, true})
	}
	return stories, fired
}

func TestEachFaultIsOneIncident(t *testing.T) {
	onset := start.Add(10 * time.Hour)
	repair := onset.Add(40 * time.Minute)
	for _, tc := range []struct {
		name   string
		faults []string
		want   []story
	}{
		{"nothing", nil, nil},
		{"bypass", []string{"bypass"}, []story{{"CacheBypass", signal.Cache, incident.Resolved, true}}},
		{"misses", []string{"misses"}, []story{{"CacheMisses", signal.Cache, incident.Resolved, true}}},
		{"slow database", []string{"slow"}, []story{{"DatabaseSlow", signal.Database, incident.Resolved, true}}},
		{"surge", []string{"surge"}, []story{{"TrafficSurge", signal.Traffic, incident.Resolved, true}}},
		{"bad deploy", []string{"deploy", "bad deploy"}, []story{{"BadDeploy", signal.Deploy, incident.Resolved, true}}},
		{"good deploy", []string{"deploy"}, nil},
		{"bypass by a deploy", []string{"deploy", "bypass"}, []story{{"CacheBypass", signal.Cache, incident.Resolved, true}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := newStack(t)
			for _, f := range tc.faults {
				src.faults[f] = [2]time.Time{onset, repair}
			}
			e := learned(t, src, 5)
			got, fired := run(t, e, start, repair.Add(3*time.Hour))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Fatalf("incidents (-want +got):\n%s", diff)
			}
			for alert, ts := range fired {
				if delay := ts.Sub(onset); delay < 0 || delay > 5*e.step {
					t.Errorf("%s fired %v after the fault, want within 5 cycles", alert, delay)
				}
			}
		})
	}
}

func TestOutageHolds(t *testing.T) {
	src := newStack(t)
	onset := start.Add(10 * time.Hour)
	src.faults["bypass"] = [2]time.Time{onset, onset.Add(40 * time.Minute)}
	e := learned(t, src, 5)
	mid := onset.Add(10 * time.Minute)
	run(t, e, start, mid)
	before := e.Snapshot().Incidents[0]

	src.down = true
	for i := range 30 {
		ts := mid.Add(time.Duration(i+1) * time.Minute)
		if err := e.Eval(t.Context(), ts); err == nil {
			t.Fatal("no error although nothing can be read")
		}
		s := e.Snapshot()
		if len(s.Incidents) != 1 || s.Incidents[0].State != incident.Firing || !s.Incidents[0].Held {
			t.Fatalf("after %d cycles without data: %+v, want the incident firing and held", i+1, s.Incidents)
		}
		if s.Err == nil || s.Signals[0].Err == nil {
			t.Fatal("the snapshot does not say that nothing could be read")
		}
	}
	src.down = false
	got, _ := run(t, e, mid.Add(30*time.Minute), onset.Add(2*time.Hour))
	if len(got) != 1 || got[0].State != incident.Resolved {
		t.Errorf("afterwards: %+v, want the one incident resolved", got)
	}
	after := e.Snapshot().Incidents
	if len(after) > 0 && after[0].ID != before.ID {
		t.Errorf("incident %s became %s over the outage", before.ID, after[0].ID)
	}
}

func TestBlindSignalHoldsAndIsNamed(t *testing.T) {
	src := newStack(t)
	onset := start.Add(10 * time.Hour)
	src.faults["bypass"] = [2]time.Time{onset, onset.Add(2 * time.Hour)}
	e := learned(t, src, 5)
	run(t, e, start, onset.Add(10*time.Minute))
	src.broken = "db_queries_per_request"
	run(t, e, onset.Add(10*time.Minute), onset.Add(20*time.Minute))
	in := e.Snapshot().Incidents
	if len(in) != 1 || in[0].State != incident.Firing {
		t.Fatalf("incidents %+v, want the one that fires", in)
	}
}

// TestCatchUp checks that slots which are judged late give the same incidents
// as slots that are judged in time.
func TestCatchUp(t *testing.T) {
	play := func(stride int) []incident.Incident {
		src := newStack(t)
		onset := start.Add(2 * time.Hour)
		src.faults["bypass"] = [2]time.Time{onset, onset.Add(40 * time.Minute)}
		e := learned(t, src, 5)
		for i := stride; i <= 165; i += stride {
			if err := e.Eval(t.Context(), start.Add(time.Duration(i)*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		return e.Snapshot().Incidents
	}
	want := play(1)
	if len(want) != 1 {
		t.Fatalf("%d incidents, want 1", len(want))
	}
	for _, stride := range []int{5, 15} {
		t.Run(fmt.Sprint(stride), func(t *testing.T) {
			if diff := cmp.Diff(want, play(stride)); diff != "" {
				t.Errorf("in strides (-one by one +strides):\n%s", diff)
			}
		})
	}
}

func TestAdopt(t *testing.T) {
	src := newStack(t)
	onset := start.Add(10 * time.Hour)
	src.faults["bypass"] = [2]time.Time{onset, onset.Add(time.Hour)}
	old := learned(t, src, 5)
	mid := onset.Add(10 * time.Minute)
	run(t, old, start, mid)
	before := old.Snapshot().Incidents[0]

	again := newStack(t)
	again.faults = src.faults
	again.signals[0].Sensitivity = 5 // request_rate is declared in another way
	e := newEngine(t, again)
	fresh := e.Adopt(old)
	if len(fresh) != 1 || fresh[0].Name != "request_rate" {
		t.Fatalf("%v have to learn again, want request_rate only", fresh)
	}
	g := series.Span(start.AddDate(0, 0, -5), mid, e.step)
	frames, err := (&stack{signals: fresh, seed: again.seed, faults: again.faults}).Read(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	e.Learn(g, frames, 1)
	in := e.Snapshot().Incidents
	if len(in) != 1 || in[0].ID != before.ID || in[0].State != incident.Firing {
		t.Fatalf("after the reload: %+v, want incident %s firing", in, before.ID)
	}
	got, _ := run(t, e, mid, onset.Add(3*time.Hour))
	if diff := cmp.Diff([]story{{"CacheBypass", signal.Cache, incident.Resolved, true}}, got); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
}

// TestAdoptInAZone checks that a reload which loads the time zone again and
// changes the holidays does not make the signals learn again.
func TestAdoptInAZone(t *testing.T) {
	berlin := func() Config {
		c := DefaultConfig
		err := c.UnmarshalYAML(func(into any) error {
			return yaml.Unmarshal([]byte("{time_zone: Europe/Berlin}"), into)
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	src := newStack(t)
	engineOf := func(c Config) *Engine {
		e, err := New(Options{
			Config: c, Signals: src.signals, Rules: &rules.Set{}, Source: src,
			Logger: promslog.NewNopLogger(), Registerer: prometheus.NewRegistry(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	old := engineOf(berlin())
	run(t, old, start, start.Add(time.Minute))
	c := berlin()
	c.Holidays = detector.Holidays{{Month: time.December, Day: 25}: time.Sunday}
	if fresh := engineOf(c).Adopt(old); len(fresh) > 0 {
		t.Errorf("%v have to learn again, want none", fresh)
	}
	elsewhere := engineOf(DefaultConfig)
	if fresh := elsewhere.Adopt(old); len(fresh) != len(src.signals) {
		t.Errorf("in another zone %d signals have to learn again, want all %d", len(fresh), len(src.signals))
	}
}
