package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/series"
	"tidemark/signal"
)

// answers serves a text per query, and status 400 for a query that has none.
func answers(text map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := text[r.FormValue("query")]; ok {
			fmt.Fprint(w, a)
			return
		}
		say(w, 400, `{"status":"error","errorType":"bad_data","error":"unknown query"}`)
	})
}

func TestRead(t *testing.T) {
	signals := []signal.Signal{
		complete(t, signal.Signal{
			Name: "cache_hit_ratio", Kind: detector.Ratio, Component: signal.Cache, Query: "hits", Support: "lookups",
		}),
		complete(t, signal.Signal{Name: "broken", Kind: detector.Gauge, Component: signal.Cache, Query: "nonsense"}),
		complete(t, signal.Signal{Name: "limit", Kind: detector.Gauge, Component: signal.Cache, Query: "1"}),
		complete(t, signal.Signal{Name: "absent", Kind: detector.Gauge, Component: signal.Cache, Query: "absent"}),
	}
	s := newFixture(t, "http://prometheus.test", signals, nil)
	s.via(answers(map[string]string{
		"hits": envelope(strings.Join([]string{
			row(`"__name__":"hits","service":"web","zone":"b"`, "0.5", "0.6"),
			row(`"service":"shop","zone":"b"`, "0.7", "0.8"),
			row(`"service":"shop","zone":"a"`, "0.9", "NaN"),
		}, ",")),
		"lookups": envelope(strings.Join([]string{
			row(`"__name__":"lookups","service":"web","zone":"b"`, "10", "-1"),
			row(`"service":"other","zone":"b"`, "30", "40"),
			row(`"service":"shop","zone":"a"`, "50", "60"),
		}, ",")),
		"1":      envelope(row("", "1", "1")),
		"absent": envelope(""),
	}))

	got, err := s.Read(t.Context(), grid(2))
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	want := []series.Frame{
		{Signal: "cache_hit_ratio", Series: []series.Series{
			{Labels: labels("service", "web", "zone", "b"), Values: []float64{0.5, 0.6}, Support: []float64{10, nan}},
			{Labels: labels("service", "shop", "zone", "a"), Values: []float64{0.9, nan}, Support: []float64{50, 60}},
			{Labels: labels("service", "shop", "zone", "b"), Values: []float64{0.7, 0.8}, Support: []float64{nan, nan}},
		}},
		{Signal: "broken"},
		{Signal: "limit", Series: []series.Series{{Labels: labels(), Values: []float64{1, 1}}}},
		{Signal: "absent"},
	}
	if got[1].Err == nil || got[1].Err.Error() != "query broken: the source refuses the query: unknown query" {
		t.Errorf("got error %v of the broken signal, want one that repeats what the source said", got[1].Err)
	}
	opts := []cmp.Option{cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(series.Frame{}, "Err")}
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{
		"queries_total/success": 4, "queries_total/error": 1, "errors_total/bad_query": 1,
		"series": 4, "samples_total": 13, "gaps_total": 1,
	}, s.counts(t)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestReadOwnStep(t *testing.T) {
	slow := complete(t, signal.Signal{
		Name: "slow", Kind: detector.Gauge, Component: signal.Cache, Query: "slow", Step: model.Duration(time.Minute),
	})
	odd := slow
	odd.Name, odd.Step = "odd", model.Duration(20*time.Second)
	var asked requests
	s := newFixture(t, "http://prometheus.test", []signal.Signal{slow, odd}, nil)
	s.via(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.add(fmt.Sprint(r.FormValue("start"), " ", r.FormValue("end"), " ", r.FormValue("step")))
		fmt.Fprint(w, envelope(`{"metric":{},"values":[[1700000160,"7"],[1700000220,"8"]]}`))
	}))
	nan := math.NaN()
	for _, tc := range []struct {
		name  string
		grid  series.Grid
		asked []string
		want  []series.Series
	}{
		{
			"slots of its own grid", series.Grid{Start: epoch.Add(step), Step: step, N: 9},
			[]string{"1700000160 1700000220 60"},
			[]series.Series{{Labels: labels(), Values: []float64{nan, nan, nan, 7, nan, nan, nan, 8, nan}}},
		},
		{"none of its slots", series.Grid{Start: epoch.Add(step), Step: step, N: 1}, nil, nil},
		{
			"a longer step than its own", series.Grid{Start: time.Unix(1700000160, 0).UTC(), Step: 60 * time.Second, N: 2},
			[]string{"1700000160 1700000220 60"},
			[]series.Series{{Labels: labels(), Values: []float64{7, 8}}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			frames, _ := s.Read(t.Context(), tc.grid)
			if frames[0].Err != nil {
				t.Fatal(frames[0].Err)
			}
			if diff := cmp.Diff(tc.want, frames[0].Series, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
			if tc.grid.Step < time.Duration(odd.Step) {
				if err := frames[1].Err; err == nil || !strings.Contains(err.Error(), "its step 20s is not a multiple of the grid's step 15s") {
					t.Errorf("got error %v for a step that does not fit", err)
				}
				if diff := cmp.Diff(tc.asked, asked.take()); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
			}
			asked.take()
		})
	}
}

func TestReadWithoutSupport(t *testing.T) {
	text := map[string]string{"hits": envelope(row("", "0.5"))}
	s := newFixture(t, "http://prometheus.test", []signal.Signal{complete(t, signal.Signal{
		Name: "cache_hit_ratio", Kind: detector.Ratio, Component: signal.Cache, Query: "hits", Support: "lookups",
	})}, nil)
	s.via(answers(text))
	read := func() []float64 {
		t.Helper()
		frames, err := s.Read(t.Context(), grid(1))
		if err != nil {
			t.Fatal(err)
		}
		return frames[0].Series[0].Support
	}
	for range 3 {
		if got := read(); got != nil {
			t.Errorf("got support %v while it cannot be read, want none", got)
		}
	}
	text["lookups"] = envelope(row("", "9"))
	for range 2 {
		if diff := cmp.Diff([]float64{9}, read()); diff != "" {
			t.Errorf("support (-want +got):\n%s", diff)
		}
	}
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "query support of cache_hit_ratio: the source refuses") ||
		!strings.Contains(lines[1], "can be read again") {
		t.Errorf("got log lines %q, want a warning and its end, once each", lines)
	}
	if got := s.counts(t)["support_errors_total"]; got != 3 {
		t.Errorf("got %v support errors, want 3", got)
	}
}

// TestSourceThatHangs shows that a source that takes connections and does not
// answer costs one timeout and not one per signal.
func TestSourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int32
		var names []string
		for i := range 40 {
			names = append(names, fmt.Sprintf("s%d", i))
		}
		s := newFixture(t, "http://prometheus.test", simple(t, names...), nil)
		s.via(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			n.Add(1)
			<-r.Context().Done()
		}))
		s.client.http.Transport = honest{s.client.http.Transport}
		start := time.Now()
		frames, err := s.Read(t.Context(), grid(1))
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("got an answer after %s, want the timeout of 30s", took)
		}
		if got := n.Load(); got != 4 {
			t.Errorf("got %d queries, want as many as run at once, 4", got)
		}
		if err == nil || !strings.HasPrefix(err.Error(), "prometheus http://prometheus.test is down: query s0: no complete answer within 30s") {
			t.Errorf("got error %v, want one that says that the source is down", err)
		}
		for _, f := range frames {
			if reasonOf(f.Err) != timedOut {
				t.Errorf("%s: got error %v, want a timeout", f.Signal, f.Err)
			}
		}
	})
}

// honest is a transport that fails when the request's context is done, as a
// real one does.
type honest struct{ http.RoundTripper }

func (h honest) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := h.RoundTripper.RoundTrip(r)
	if cause := context.Cause(r.Context()); cause != nil {
		return nil, cause
	}
	return resp, err
}

func TestOneBadQueryIsNotAnOutage(t *testing.T) {
	s := newFixture(t, "http://prometheus.test", simple(t, "x", "y", "z"), func(c *Config) { c.Concurrency = 1 })
	s.via(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("query") == "x" {
			say(w, 422, `{"status":"error","errorType":"execution","error":"no"}`)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	frames, err := s.Read(t.Context(), grid(1))
	if err == nil || !strings.HasPrefix(err.Error(), "none of 3 signals can be read from prometheus http://prometheus.test: query x: the source refuses the query: no") {
		t.Errorf("got error %v", err)
	}
	var got []reason
	for _, f := range frames {
		got = append(got, reasonOf(f.Err))
	}
	if diff := cmp.Diff([]reason{badQuery, unavailable, unavailable}, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if n := s.counts(t)["queries_total/error"]; n != 3 {
		t.Errorf("got %v queries, want 3, since the source answered the first", n)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	shutdown := errors.New("shutdown")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := newFixture(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the server sees the client leave
		cancel(shutdown)
		<-r.Context().Done()
	}), simple(t, "a", "b"), func(c *Config) { c.Concurrency = 1 })
	frames, err := s.Read(ctx, grid(1))
	if !errors.Is(err, shutdown) {
		t.Errorf("got error %v, want %v", err, shutdown)
	}
	for _, f := range frames {
		if !errors.Is(f.Err, shutdown) {
			t.Errorf("%s: got error %v, want %v", f.Signal, f.Err, shutdown)
		}
	}
	if diff := cmp.Diff(map[string]float64{"queries_total/canceled": 1}, s.counts(t)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestReadRefusesGrids(t *testing.T) {
	s := newFixture(t, "http://prometheus.test", simple(t, "a"), nil)
	for _, g := range []series.Grid{
		{Start: epoch, Step: 0, N: 1},
		{Start: epoch, Step: 1500 * time.Microsecond, N: 1},
		{Start: epoch, Step: step, N: -1},
		{Start: epoch, Step: step, N: prometheusMaxPoints + 1},
	} {
		if _, err := s.Read(t.Context(), g); err == nil {
			t.Errorf("%+v: got no error, want one", g)
		}
	}
	if frames, err := s.Read(t.Context(), grid(0)); err != nil || len(frames) != 1 || frames[0].Err != nil {
		t.Errorf("empty grid: got %v, %v, want an empty frame", frames, err)
	}
}

func TestWithKeepsMetrics(t *testing.T) {
	s := newFixture(t, "http://prometheus.test", simple(t, "a"), nil)
	c := s.config
	c.Concurrency = 1
	next, err := s.With(c, simple(t, "b"))
	if err != nil {
		t.Fatal(err)
	}
	f := fixture{Source: next, reg: s.reg}
	f.via(answers(map[string]string{"b": envelope("")}))
	if _, err := f.Read(t.Context(), grid(1)); err != nil {
		t.Fatal(err)
	}
	if got := s.counts(t)["queries_total/success"]; got != 1 {
		t.Errorf("got %v queries in the registry of the first source, want 1", got)
	}
	c.Concurrency = 0
	if _, err := s.With(c, nil); err == nil {
		t.Error("got no error for a bad configuration")
	}
}
