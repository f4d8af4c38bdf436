package httpapi

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/engine"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
	"tidemark/store"
	"tidemark/suppression"
)

var (
	nan   = math.NaN()
	onset = time.Date(2026, 3, 1, 22, 3, 10, 0, time.UTC)
	now   = time.Date(2026, 3, 1, 22, 10, 0, 0, time.UTC)
	shop  = model.LabelSet{"service": "shop"}
	blog  = model.LabelSet{"service": "blog"}
)

// fakeEngine serves one snapshot.
type fakeEngine struct{ snapshot *engine.Snapshot }

func (f fakeEngine) Snapshot() *engine.Snapshot { return f.snapshot }

// fakeHistory serves slices, two items a page, so that paging is exercised.
type fakeHistory struct {
	incidents []incident.Incident
	anomalies []incident.Anomaly
	err       error
}

func (f fakeHistory) Incidents(q store.Query) ([]incident.Incident, string, error) {
	return pageOf(f.incidents, f.err, q, func(in incident.Incident) (time.Time, time.Time) { return in.StartedAt, in.ResolvedAt })
}

func (f fakeHistory) Anomalies(q store.Query) ([]incident.Anomaly, string, error) {
	return pageOf(f.anomalies, f.err, q, func(a incident.Anomaly) (time.Time, time.Time) { return a.StartedAt, a.EndedAt })
}

func (f fakeHistory) Incident(id string) (incident.Incident, bool, error) {
	i := slices.IndexFunc(f.incidents, func(in incident.Incident) bool { return in.ID == id })
	if i < 0 {
		return incident.Incident{}, false, f.err
	}
	return f.incidents[i], true, f.err
}

func pageOf[T any](all []T, err error, q store.Query, span func(T) (time.Time, time.Time)) ([]T, string, error) {
	if err != nil {
		return nil, "", err
	}
	var chosen []T
	for _, item := range all {
		from, to := span(item)
		if (q.End.IsZero() || !from.After(q.End)) && (q.Start.IsZero() || to.IsZero() || !to.Before(q.Start)) {
			chosen = append(chosen, item)
		}
	}
	slices.SortStableFunc(chosen, func(a, b T) int {
		from, _ := span(a)
		other, _ := span(b)
		return other.Compare(from)
	})
	skip, _ := strconv.Atoi(q.Cursor)
	rest := chosen[skip:]
	if len(rest) <= 2 {
		return rest, "", nil
	}
	return rest[:2], strconv.Itoa(skip + 2), nil
}

// fakeConfiguration has the built-in rules.
type fakeConfiguration struct{ set *rules.Set }

func (f fakeConfiguration) Rules() []*rules.Rule     { return f.set.Rules() }
func (f fakeConfiguration) Location() *time.Location { return time.UTC }
func (f fakeConfiguration) Suppressions() suppression.List {
	return suppression.List{{Name: "weekly-import", Until: "2026-04-01", Reason: "the import reads all", Author: "bob"}}
}
func (f fakeConfiguration) Interval() time.Duration { return 15 * time.Second }
func (f fakeConfiguration) YAML() string {
	return "prometheus:\n  url: http://127.0.0.1:9090\n  basic_auth:\n    password: <secret>\n"
}

var errHistory = errors.New("disk is gone")

// bypass is the incident of the outage that the project is for.
func bypass() incident.Incident {
	return incident.Incident{
		ID: "a1b2c3d4e5f60718", State: incident.Firing,
		StartedAt: onset, DetectedAt: onset.Add(20 * time.Second), FiredAt: onset.Add(35 * time.Second), LastSeen: now,
		Accepted: []incident.Acceptance{{At: onset.Add(4 * time.Minute), By: "alice", Signal: "latency_p99", Labels: shop}},
		Verdict: rules.Verdict{
			Rule: "cache_bypass", Alert: "CacheBypass", Suspect: signal.Cache, Severity: rules.Critical, Scope: shop,
			Confidence: 0.93, Onset: onset, Victims: []signal.Component{signal.Database, signal.Application},
			Summary:     "Requests go past the cache: 41 % of reads are served from it (usually 93 %), database queries per request 2.9× normal.",
			Description: "Look at: cache. Victims: database, application.\nNot traffic: requests 102/s is inside 85/s to 130/s.",
			Runbook:     "/runbooks/cache_bypass",
			Evidence: []rules.Evidence{
				{Signal: "cache_lookups_per_request", Title: "cache lookups per request", Component: signal.Cache, Direction: detector.Down, Since: onset,
					Value: 0.93, Expected: 1.84, Lower: 1.79, Upper: 1.89, Score: -18.2, Surprise: 12, Labels: shop},
				{Signal: "db_queries_per_request", Title: "database queries per request", Component: signal.Database, Direction: detector.Up, Since: onset.Add(5 * time.Second),
					Value: 4.06, Expected: 1.4, Lower: 1.25, Upper: 1.55, Score: 17.7, Surprise: 12, Labels: model.LabelSet{"service": "shop", "datname": "orders"}},
				{Signal: "latency_p99", Title: "latency p99", Component: signal.Application, Direction: detector.Up, Since: onset.Add(25 * time.Second),
					Value: 0.412, Expected: 0.315, Lower: 0.27, Upper: 0.36, Score: 2.9, Surprise: 4.1, Labels: shop},
				{Signal: "cache_hit_ratio", Title: "cache hit ratio", Component: signal.Cache, Direction: detector.Down, Since: onset,
					Value: nan, Expected: 0.95, Lower: math.Inf(-1), Upper: nan, Score: nan, Labels: nil},
			},
			RuledOut: []rules.RuledOut{
				{Component: signal.Traffic, Because: "requests 102/s is inside 85/s to 130/s"},
				{Component: signal.Deploy, Because: "no change of version in the 15m0s before it began"},
			},
			Changes: []rules.Change{{At: onset.Add(-90 * time.Second), Kind: "cache_settings", Component: signal.Cache,
				What: "redis_memory_max_bytes 67108864 → 1048576", Labels: model.LabelSet{"instance": "redis-0:9121"}}},
			Blind: []string{"db_latency"},
		},
	}
}

// past is an incident that is over.
func past(id, rule string, scope model.LabelSet, began time.Time) incident.Incident {
	return incident.Incident{
		ID: id, State: incident.Resolved, StartedAt: began, DetectedAt: began, FiredAt: began,
		LastSeen: began.Add(9 * time.Minute), ResolvedAt: began.Add(10 * time.Minute),
		Verdict: rules.Verdict{
			Rule: rule, Alert: "TrafficSurge", Suspect: signal.Traffic, Severity: rules.Warning, Scope: scope, Onset: began,
			Confidence: nan, Summary: "More traffic than usual.",
			Evidence: []rules.Evidence{{Signal: "request_rate", Title: "requests", Component: signal.Traffic, Direction: detector.Up, Since: began, Value: 310, Expected: 104, Lower: 85, Upper: 130, Score: 14}},
		},
	}
}

func anomalyAt(id, name string, labels model.LabelSet, began, ended time.Time) incident.Anomaly {
	return incident.Anomaly{
		ID: id, Signal: name, Component: signal.Standard[name].Component, Labels: labels, Scope: model.LabelSet{"service": labels["service"]},
		Direction: detector.Down, StartedAt: began, EndedAt: ended, Value: 0.41, Expected: 0.93, Lower: 0.9, Upper: 0.95, Score: -11.5,
	}
}

func fixture() (*engine.Snapshot, fakeHistory) {
	pending := past("pending000000001", "latency_only", blog, now.Add(-time.Minute))
	pending.State, pending.ResolvedAt = incident.Pending, time.Time{}

	active := anomalyAt("an-active", "cache_served_ratio", model.LabelSet{"service": "shop", "pod": "web-1"}, onset, time.Time{})
	active.IncidentID = "a1b2c3d4e5f60718"
	justEnded := anomalyAt("an-just-ended", "latency_p99", blog, now.Add(-20*time.Minute), now)
	justEnded.Value, justEnded.Score = nan, nan

	s := &engine.Snapshot{
		Time: now, Ready: true, Progress: 1,
		Incidents: []incident.Incident{bypass(), pending, past("recent0000000001", "traffic_surge", shop, now.Add(-30*time.Minute))},
		Anomalies: []incident.Anomaly{active},
		Ended:     []incident.Anomaly{justEnded},
		Signals:   signals(),
	}
	// What the store holds of an open incident is a cycle old.
	stale := bypass()
	stale.Verdict.Summary = "stale"
	stalePending := past("dropped000000001", "latency_only", blog, now.Add(-time.Hour))
	stalePending.State = incident.Pending
	staleActive := active
	staleActive.Value = 0.5
	h := fakeHistory{
		incidents: []incident.Incident{
			stale, stalePending,
			past("old0000000000001", "traffic_surge", shop, now.Add(-2*time.Hour)),
			past("old0000000000002", "traffic_surge", blog, now.Add(-3*time.Hour)),
			past("old0000000000003", "traffic_surge", shop, now.Add(-3*time.Hour)),
		},
		anomalies: []incident.Anomaly{
			staleActive,
			anomalyAt("an-old-1", "cache_hit_ratio", shop, now.Add(-2*time.Hour), now.Add(-time.Hour)),
			anomalyAt("an-lost", "cache_hit_ratio", blog, now.Add(-5*time.Hour), time.Time{}),
		},
	}
	return s, h
}

// signals are a readable, an unreadable and a learning one.
func signals() []engine.SignalStatus {
	declare := func(name string) signal.Signal {
		s := signal.Signal{Name: name, Query: "vector(1)", Scope: []string{"service"}}
		if err := s.Complete(signal.Defaults{Step: 15 * time.Second}); err != nil {
			panic(err)
		}
		return s
	}
	judged := func(state detector.State, value, expected, lower, upper, score float64) detector.Judgement {
		return detector.Judgement{Time: now, State: state, Value: value, Expected: expected, Lower: lower, Upper: upper, Score: score}
	}
	return []engine.SignalStatus{
		{Signal: declare("request_rate"), Series: []engine.SeriesStatus{
			{Labels: shop, Scope: shop, Judgement: judged(detector.Normal, 102.4, 104, 85, 130, -0.2)},
			{Labels: blog, Scope: blog, Judgement: judged(detector.Learning, 3.2, nan, nan, nan, nan)},
		}},
		{Signal: declare("cache_served_ratio"), Series: []engine.SeriesStatus{
			{Labels: shop, Scope: shop, Judgement: judged(detector.Anomalous, 0.41, 0.93, 0.9, 0.95, -11.5)},
			{Labels: blog, Scope: blog, Judgement: judged(detector.Unknown, nan, 0.93, 0.9, 0.95, nan)},
		}},
		{Signal: declare("latency_p99"), Series: []engine.SeriesStatus{
			{Labels: shop, Scope: shop, Judgement: judged(detector.Normal, 0.312, 0.315, 0.27, 0.36, -0.1)},
		}},
		{Signal: declare("db_latency"), Err: errors.New("query db_latency: server returned 422: many-to-many matching not allowed")},
	}
}

// testOptions are those of a service with the fixture's state.
func testOptions(t *testing.T) Options {
	t.Helper()
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	s, h := fixture()
	reg := prometheus.NewRegistry()
	return Options{
		Engine: fakeEngine{s}, History: h, Configuration: fakeConfiguration{set},
		Audits:      audits(),
		Feedback:    newFakeFeedback(),
		ExternalURL: &url.URL{Scheme: "https", Host: "tidemark.example.com"},
		Logger:      slog.New(slog.DiscardHandler), Registerer: reg, Gatherer: reg,
	}
}

// get asks the handler and returns the answer with its body. Headers are
// name, value pairs.
func ask(t *testing.T, h http.Handler, method, target string, headers ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(""))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}
