package engine

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
)

// stack is a source that computes what a web stack would show: traffic with a
// daily rhythm, reads through a cache, a database that slows down under load.
// Each slot is drawn from the seed and the slot alone, so that it does not
// matter in which pieces it is read.
type stack struct {
	signals []signal.Signal
	seed    uint64
	faults  map[string][2]time.Time // by name: from, to
	down    bool                    // nothing can be read
	broken  string                  // a signal that cannot be read
}

var errDown = errors.New("connection refused")

func (s *stack) Read(_ context.Context, g series.Grid) ([]series.Frame, error) {
	if s.down {
		return nil, errDown
	}
	frames := make([]series.Frame, len(s.signals))
	for n, sig := range s.signals {
		frames[n].Signal = sig.Name
		if sig.Name == s.broken {
			frames[n].Err = errDown
			continue
		}
		labels := model.LabelSet{"service": "shop"}
		one := series.Series{Labels: labels, Values: series.Gaps(g.N), Support: series.Gaps(g.N)}
		if sig.Name == "deploys" {
			frames[n].Series = s.versions(g)
			continue
		}
		for i := range g.N {
			one.Values[i], one.Support[i] = s.sample(g.At(i), sig.Name)
		}
		frames[n].Series = []series.Series{one}
	}
	return frames, nil
}

func (s *stack) versions(g series.Grid) []series.Series {
	before, after := series.Gaps(g.N), series.Gaps(g.N)
	for i := range g.N {
		if _, ok := s.faults["deploy"]; ok && !g.At(i).Before(s.faults["deploy"][0]) {
			after[i] = 1
		} else {
			before[i] = 1
		}
	}
	return []series.Series{
		{Labels: model.LabelSet{"service": "shop", "version": "1"}, Values: before},
		{Labels: model.LabelSet{"service": "shop", "version": "2"}, Values: after},
	}
}

func (s *stack) active(ts time.Time, fault string) bool {
	f, ok := s.faults[fault]
	return ok && !ts.Before(f[0]) && ts.Before(f[1])
}

// sample returns the value of a signal and the observations per second behind
// it.
func (s *stack) sample(ts time.Time, name string) (value, support float64) {
	rng := rand.New(rand.NewPCG(s.seed, uint64(ts.Unix())))
	noise := func(sd float64) float64 { return math.Exp(sd * rng.NormFloat64()) }
	day := float64(ts.Unix()%86400) / 86400
	requests := 100 * (1 + 0.5*math.Sin(2*math.Pi*day)) * noise(0.03)
	if s.active(ts, "surge") {
		requests *= 12 // enough to hurt
	}
	lookups, hits := 1*noise(0.01), 0.93+0.004*rng.NormFloat64()
	queriesPerLookup := 1 - hits
	if s.active(ts, "misses") {
		hits = 0.5 + 0.01*rng.NormFloat64()
		queriesPerLookup = 1 - hits
	}
	if s.active(ts, "bypass") {
		lookups = 0.02
	}
	perRequest := (lookups*queriesPerLookup + math.Max(0, 1-lookups)) * noise(0.03)
	queries := requests * perRequest
	utilisation := math.Min(0.9, queries/160)
	query := 0.004 / (1 - utilisation) * noise(0.03)
	if s.active(ts, "slow") {
		query *= 4
	}
	p99 := (0.03 + 5*query) * noise(0.04)
	errorsShare := 0.004 + 0.02*utilisation*utilisation
	if s.active(ts, "bad deploy") {
		p99 *= 1.6
		errorsShare *= 5
	}
	n := requests * s.step().Seconds()
	errorsShare = math.Max(0, errorsShare+math.Sqrt(errorsShare/n)*rng.NormFloat64())
	switch name {
	case "request_rate":
		return requests, math.NaN()
	case "error_ratio":
		return errorsShare, requests
	case "latency_p99":
		return p99, requests
	case "cache_hit_ratio":
		return math.Min(1, hits), requests * lookups
	case "cache_lookups_per_request":
		return lookups, requests
	case "db_qps":
		return queries, math.NaN()
	case "db_queries_per_request":
		return perRequest, requests
	case "db_latency":
		return query, queries
	}
	panic("no such signal: " + name)
}

func (s *stack) step() time.Duration { return time.Duration(s.signals[0].Step) }

// start is a Wednesday.
var start = time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)

// learned returns an engine that has learned days of history up to start.
func learned(t testing.TB, src *stack, days int) *Engine {
	t.Helper()
	e := newEngine(t, src)
	g := series.Span(start.AddDate(0, 0, -days), start, src.step())
	frames, err := src.Read(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	e.Learn(g, frames, 1)
	return e
}

func newEngine(t testing.TB, src *stack) *Engine {
	t.Helper()
	builtin, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{
		Config: DefaultConfig, Signals: src.signals, Rules: builtin, Source: src,
		Logger: promslog.NewNopLogger(), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func newStack(t testing.TB) *stack {
	t.Helper()
	s := &stack{seed: 1, faults: map[string][2]time.Time{}}
	for _, name := range []string{
		"request_rate", "error_ratio", "latency_p99", "cache_hit_ratio", "cache_lookups_per_request",
		"db_qps", "db_queries_per_request", "db_latency", "deploys",
	} {
		sig := signal.Signal{Name: name, Query: "x", Window: model.Duration(time.Minute)}
		sig.Given = signal.Standard[name].Given
		if err := sig.Complete(signal.Defaults{Scope: []string{"service"}, Step: time.Minute, Sensitivity: 4.5}); err != nil {
			t.Fatal(err)
		}
		s.signals = append(s.signals, sig)
	}
	return s
}
