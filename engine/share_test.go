package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
)

// tenants is a source of services that share a cache, which is down from an
// instant on; hurt says whether a service asks the database instead.
type tenants struct {
	signals  []signal.Signal
	services []string
	down     func(ts time.Time) bool
	hurt     func(ts time.Time, service string) bool
}

func (s *tenants) Read(_ context.Context, g series.Grid) ([]series.Frame, error) {
	frames := make([]series.Frame, len(s.signals))
	for n, sig := range s.signals {
		frames[n].Signal = sig.Name
		if len(sig.Scope) == 0 {
			up := series.Series{Labels: model.LabelSet{"instance": "redis"}, Values: series.Gaps(g.N)}
			for i := range g.N {
				up.Values[i] = 1
				if s.down(g.At(i)) {
					up.Values[i] = 0
				}
			}
			frames[n].Series = []series.Series{up}
			continue
		}
		for k, name := range s.services {
			one := series.Series{Labels: model.LabelSet{"service": model.LabelValue(name)}, Values: series.Gaps(g.N)}
			for i := range g.N {
				rng := rand.New(rand.NewPCG(uint64(k), uint64(g.At(i).Unix())))
				one.Values[i] = 0.35 * math.Exp(0.03*rng.NormFloat64())
				if s.hurt(g.At(i), name) {
					one.Values[i] *= 6
				}
			}
			frames[n].Series = append(frames[n].Series, one)
		}
	}
	return frames, nil
}

// newTenants returns a source of three services in which all is well, and an
// engine that has learned two days of it, up to start.
func newTenants(t *testing.T) (*tenants, *Engine) {
	t.Helper()
	src := &tenants{
		services: []string{"blog", "search", "shop"},
		down:     func(time.Time) bool { return false },
		hurt:     func(time.Time, string) bool { return false },
	}
	for _, s := range []signal.Signal{{Name: "cache_up", Scope: []string{}}, {Name: "db_queries_per_request"}} {
		s.Query = s.Name
		if err := s.Complete(signal.Defaults{Step: time.Minute, Scope: []string{"service"}}); err != nil {
			t.Fatal(err)
		}
		src.signals = append(src.signals, s)
	}
	e := src.engine(t)
	g := series.Span(start.AddDate(0, 0, -2), start, time.Minute)
	frames, err := src.Read(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	e.Learn(g, frames, 1)
	return src, e
}

func (s *tenants) engine(t *testing.T) *Engine {
	t.Helper()
	builtin, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{
		Config: DefaultConfig, Signals: s.signals, Rules: builtin, Source: s,
		Logger: promslog.NewNopLogger(), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// told describes incidents: rule, scope, state, and the services that joined.
func told(incidents []incident.Incident) []string {
	var out []string
	for _, in := range incidents {
		words := []string{in.Verdict.Rule + in.Verdict.Scope.String(), string(in.State)}
		for _, scope := range in.Verdict.Joined {
			words = append(words, string(scope["service"]))
		}
		slices.Sort(words[2:])
		out = append(out, strings.Join(words, " "))
	}
	return out
}

// TestSharedCacheIsOneIncident follows a cache that several services share: it
// fails, one service suffers later, the engine is restarted, a service recovers
// before the others.
func TestSharedCacheIsOneIncident(t *testing.T) {
	src, e := newTenants(t)
	fails, repaired := start.Add(time.Hour), start.Add(2*time.Hour)
	src.down = func(ts time.Time) bool { return !ts.Before(fails) && ts.Before(repaired) }
	src.hurt = func(ts time.Time, service string) bool {
		switch service {
		case "search":
			return !ts.Before(fails.Add(20*time.Minute)) && ts.Before(repaired)
		case "blog":
			return !ts.Before(fails) && ts.Before(repaired.Add(-30*time.Minute))
		default:
			return !ts.Before(fails) && ts.Before(repaired)
		}
	}
	check := func(at time.Time, want ...string) []incident.Incident {
		t.Helper()
		in := e.Snapshot().Incidents
		if diff := cmp.Diff(want, told(in)); diff != "" {
			t.Fatalf("at %s (-want +got):\n%s", at.Format(time.TimeOnly), diff)
		}
		return in
	}
	run(t, e, start, fails.Add(10*time.Minute))
	first := check(fails.Add(10*time.Minute), "cache_down{} firing blog shop")[0]
	if want := "Suffer because they share it: blog, shop."; !strings.Contains(first.Verdict.Description, want) {
		t.Errorf("the description is %q, want …%s…", first.Verdict.Description, want)
	}
	for _, a := range e.Snapshot().Anomalies {
		if a.IncidentID != first.ID {
			t.Errorf("anomaly %s %s belongs to %q, want %s", a.Signal, a.Labels, a.IncidentID, first.ID)
		}
	}

	restarted := src.engine(t)
	restarted.Restore(e.Snapshot().Incidents, fails.Add(10*time.Minute))
	restarted.Adopt(e)
	e = restarted
	run(t, e, fails.Add(10*time.Minute), fails.Add(50*time.Minute))
	later := check(fails.Add(50*time.Minute), "cache_down{} firing blog search shop")[0]
	if later.ID != first.ID || !later.Verdict.Scope.Equal(first.Verdict.Scope) || later.Verdict.Alert != first.Verdict.Alert {
		t.Errorf("the incident is %s of %s, want %s of %s", later.ID, later.Verdict.Scope, first.ID, first.Verdict.Scope)
	}
	run(t, e, fails.Add(50*time.Minute), repaired.Add(10*time.Minute))
	check(repaired.Add(10*time.Minute), "cache_down{} resolved blog search shop")
	run(t, e, repaired.Add(10*time.Minute), repaired.Add(2*time.Hour))
	check(repaired.Add(2 * time.Hour))
}

// TestOneServiceWithASharedCache checks that a cache which only one service has a
// part in is that of the service.
func TestOneServiceWithASharedCache(t *testing.T) {
	src, _ := newTenants(t)
	src.services = src.services[:1]
	e := src.engine(t)
	g := series.Span(start.AddDate(0, 0, -2), start, time.Minute)
	frames, err := src.Read(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	e.Learn(g, frames, 1)
	src.down = func(ts time.Time) bool { return ts.After(start.Add(time.Hour)) }
	src.hurt = func(ts time.Time, _ string) bool { return ts.After(start.Add(time.Hour)) }
	run(t, e, start, start.Add(70*time.Minute))
	if diff := cmp.Diff([]string{`cache_down{service="blog"} firing`}, told(e.Snapshot().Incidents)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUnrelatedAnomaly checks that an anomaly of a service that has no part in the
// incident of a shared scope does not belong to it.
func TestUnrelatedAnomaly(t *testing.T) {
	in := incident.Incident{ID: "1", State: incident.Firing, StartedAt: start, Verdict: rules.Verdict{
		Scope: model.LabelSet{"cluster": "a"}, Joined: []model.LabelSet{{"cluster": "a", "service": "shop"}},
	}}
	for _, tc := range []struct {
		scope model.LabelSet
		want  string
	}{
		{model.LabelSet{"cluster": "a"}, "1"},
		{model.LabelSet{}, "1"},
		{model.LabelSet{"cluster": "a", "service": "shop"}, "1"},
		{model.LabelSet{"cluster": "a", "service": "blog"}, ""},
		{model.LabelSet{"cluster": "b"}, ""},
	} {
		a := incident.Anomaly{Scope: tc.scope, StartedAt: start}
		if link(&a, []incident.Incident{in}); a.IncidentID != tc.want {
			t.Errorf("an anomaly of %s belongs to %q, want %q", tc.scope, a.IncidentID, tc.want)
		}
	}
}
