package backtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"

	"tidemark/ingest"
	"tidemark/internal/promtest"
	"tidemark/series"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no such user", http.StatusUnauthorized)
	}))
	t.Cleanup(refusing.Close)
	empty := promtest.StartPrometheus(t, promtest.PrometheusOptions{})
	dir := t.TempDir()
	promtest.LoadOpenMetrics(t, dir, fmt.Sprintf("# TYPE t_requests gauge\nt_requests{zone=\"a\"} 1 %d\nt_requests{zone=\"b\"} 1 %[1]d\n", start.Unix()))
	limited := promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir, Args: []string{"--query.max-samples=1"}})
	now := time.Now()
	for _, tc := range []struct {
		name       string
		url        string
		start, end time.Time
		want       []string
	}{
		{"end before start", empty.URL, end, start, []string{"the end 2025-03-05T12:00:00Z is not after the start 2025-03-05T20:00:00Z", "exchange them"}},
		{"future", empty.URL, start, now.Add(time.Hour), []string{"lies in the future", "write one that is not after " + now.UTC().Format("2006-")}},
		{"shorter than a slot", empty.URL, start.Add(time.Second), start.Add(59 * time.Second), []string{"no slot between", "more than the evaluation interval, 1m"}},
		{"huge", empty.URL, time.Unix(0, 0), end, []string{"slots between the start 1970-01-01T00:00:00Z and", "choose a range of at most 2000000, which are 1388d21h20m"}},
		{"no data", empty.URL, start, end, []string{"no data between 2025-03-05T12:00:00Z and 2025-03-05T20:00:00Z of any signal (request_rate, latency_p99,", "choose a range that Prometheus still holds"}},
		{"nobody listens", "http://127.0.0.1:1", start, end, []string{"prometheus http://127.0.0.1:1 is down", "connection refused", "start it, or correct prometheus.url"}},
		{"no permission", refusing.URL, start, end, []string{"refuses the credentials: 401", "correct the credentials in the section prometheus"}},
		{"query limit", limited.URL, start, end, []string{"asks for too much", "raise the limits of Prometheus (--query.max-samples"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := load(t, configuration(t, tc.url, "", signals))
			_, err := Run(t.Context(), Options{Config: c, Start: tc.start, End: tc.end})
			if err == nil {
				t.Fatal("got no error")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("got error %q, want …%s…", err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("got error of several lines: %q", err)
			}
		})
	}
}

// startForgetful starts a Prometheus that has scraped for three days and keeps one.
func startForgetful(t *testing.T) *promtest.Server {
	t.Helper()
	var past strings.Builder
	past.WriteString("# TYPE t_requests gauge\n")
	for ts := end.AddDate(0, 0, -3); !ts.After(end); ts = ts.Add(4 * time.Minute) {
		fmt.Fprintf(&past, "t_requests{cluster=\"a\",service=\"shop\"} %d %d\n", 100+ts.Minute()%7, ts.Unix())
	}
	dir := t.TempDir()
	promtest.LoadOpenMetrics(t, dir, past.String())
	return promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir, Retention: "1d"})
}

// TestRangeThatIsHeldInPart judges what there is, and says what there is not.
func TestRangeThatIsHeldInPart(t *testing.T) {
	c := load(t, configuration(t, startForgetful(t).URL, "", "\n  - {name: request_rate, query: t_requests}\n"))
	warnings := func(start, end time.Time) (bool, []string) {
		t.Helper()
		r, err := Run(t.Context(), Options{Config: c, Start: start, End: end})
		if err != nil {
			t.Fatal(err)
		}
		return r.Stats.Partial, r.Stats.Warnings()
	}
	partial, got := warnings(end.AddDate(0, 0, -2), end.Add(30*time.Minute))
	want := []string{
		"partial: no signal has data from 2025-03-03T20:00:00Z to 2025-03-04T20:00:00Z: Prometheus does not hold it any more (see its --storage.tsdb.retention.time), or did not scrape yet",
		"partial: no signal has data from 2025-03-05T20:05:00Z to 2025-03-05T20:30:00Z: nothing was scraped, or the queries have changed",
		"there is no data before 2025-03-03T20:00:00Z to learn from: nothing is found until the detectors have learned from the range itself",
	}
	if diff := cmp.Diff(want, got); diff != "" || !partial {
		t.Errorf("partial %t, want true; warnings (-want +got):\n%s", partial, diff)
	}
	_, err := Run(t.Context(), Options{Config: c, Start: end.AddDate(0, 0, -3), End: end.AddDate(0, 0, -2)})
	if text := "no data between 2025-03-02T20:00:00Z and 2025-03-03T20:00:00Z of any signal (request_rate): choose a range that Prometheus still holds (see its --storage.tsdb.retention.time), or correct the queries"; err == nil || err.Error() != text {
		t.Errorf("before the retention: got error %v, want %s", err, text)
	}
	partial, got = warnings(end.Add(-2*time.Hour), end)
	want = []string{"there are only 22h of data before 2025-03-05T18:00:00Z to learn from: the hours of the day are not known yet, so less is found in the first day"}
	if diff := cmp.Diff(want, got); diff != "" || partial {
		t.Errorf("partial %t, want false; warnings (-want +got):\n%s", partial, diff)
	}
}

func testPartialDataIsReported(t *testing.T, url string) {
	broken := signals + `
  - {name: cache_errors, query: t_hit_ratio * on () group_left t_requests}
  - {name: error_ratio, query: t_hit_ratio, support: t_hit_ratio * on () group_left t_requests}
`
	c := load(t, configuration(t, url, "", broken))
	last := 0
	report, err := Run(t.Context(), Options{
		Config: c, Start: start.Add(time.Hour), End: start.Add(3 * time.Hour),
		Progress: func(done, total int) {
			if done < last || done > total {
				t.Errorf("progress goes from %d to %d of %d", last, done, total)
			}
			last = done
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := report.Stats
	if history := 4 * 24 * 60; last != history+1+121 {
		t.Errorf("progress ended at %d slots, want %d", last, history+1+121)
	}
	if !s.Partial {
		t.Error("the report is not partial")
	}
	if want := opening.Add(time.Hour - step); !s.HistoryStart.Equal(want) {
		t.Errorf("history begins at %s, want %s", s.HistoryStart, want)
	}
	all := strings.Join(s.Warnings(), "\n")
	for _, want := range []string{
		"partial: signal cache_errors could not be read in 121 of 121 slots: query cache_errors: the source refuses the query",
		"signal error_ratio: its support could not be read",
		"signal db_errors: no data in the range",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("warnings:\n%s\nwant …%s…", all, want)
		}
	}
}

// away is a Prometheus that does not answer for chunks in which a time lies.
type away struct {
	backfiller
	at time.Time
}

func (a away) Backfill(ctx context.Context, from, to time.Time, step time.Duration, yield func(series.Grid, []series.Frame) error) error {
	return a.backfiller.Backfill(ctx, from, to, step, func(g series.Grid, frames []series.Frame) error {
		if !a.at.Before(g.Start) && !a.at.After(g.End()) {
			return errGone
		}
		return yield(g, frames)
	})
}

// testSkippedChunk has Prometheus away during the first incident: the second is
// found all the same.
func testSkippedChunk(t *testing.T, url string) {
	c := load(t, configuration(t, url, ", points_per_query: 100", signals))
	o := Options{Config: c, Start: start, End: end}
	history, span, err := o.grids(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	source, err := ingest.New(c.Prometheus, c.Signals, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRun(o, away{source, bypass[0].Add(20 * time.Minute)}, history.N+span.N)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.through(t.Context(), history, r.learn); err != nil {
		t.Fatal(err)
	}
	if err := r.through(t.Context(), span, r.judge); err != nil {
		t.Fatal(err)
	}
	s := r.stats(history, span)
	if !s.Partial || s.SkippedChunks != 1 || s.SkippedSlots != 100 {
		t.Errorf("got partial %t, %d chunks of %d slots skipped, want true, 1 of 100", s.Partial, s.SkippedChunks, s.SkippedSlots)
	}
	if want := fmt.Sprintf("partial: 100 slots are skipped, in 1 of %d chunks: gone", s.Chunks+1); !slices.Contains(s.Warnings(), want) {
		t.Errorf("got warnings %q, want %q", s.Warnings(), want)
	}
	var last string
	for _, in := range r.lanes[0].ledger.fired() {
		last = in.Verdict.Alert + in.Verdict.Scope.String()
	}
	if want := `DatabaseSlow{cluster="a", service="shop"}`; last != want {
		t.Errorf("the last incident is %q, want %s", last, want)
	}
}

func testRunStopsWithItsContext(t *testing.T, url string) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Run(ctx, Options{
		Config: load(t, configuration(t, url, "", signals)), Start: start, End: end,
		Progress: func(done, total int) {
			if done > total-100 {
				cancel()
			}
		},
	})
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("got error %v, want that of the context", err)
	}
}

func testJSONHasTheFieldsOfTheAPI(t *testing.T, url string) {
	c := load(t, configuration(t, url, "", signals))
	report, err := Run(t.Context(), Options{Config: c, Start: start, End: bypass[0].Add(15 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := report.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Incidents, Anomalies []map[string]any
		Stats                map[string]any
	}
	d := json.NewDecoder(strings.NewReader(b.String()))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got.Incidents) != 1 || got.Incidents[0]["rule"] != "cache_bypass" || got.Incidents[0]["state"] != "firing" || got.Incidents[0]["resolved_at"] != nil {
		t.Fatalf("got incidents %v, want a bypass that fires", got.Incidents)
	}
	fields := func(m map[string]any) []string {
		var names []string
		for _, e := range sorted(m) {
			names = append(names, e.key)
		}
		return names
	}
	for name, want := range map[string][]string{
		"incident": {"id", "rule", "state", "severity", "scope", "suspect", "confidence", "victims", "started_at", "detected_at", "resolved_at",
			"summary", "description", "runbook_url", "evidence", "ruled_out", "changes", "blind"},
		"anomaly": {"id", "signal", "component", "labels", "scope", "direction", "state", "started_at", "ended_at", "value", "expected", "lower", "upper", "score", "incident_id"},
		"stats":   {"slots", "series", "signals", "duration_seconds", "samples", "skipped_chunks", "partial"},
	} {
		have := fields(map[string]map[string]any{"incident": got.Incidents[0], "anomaly": got.Anomalies[0], "stats": got.Stats}[name])
		for _, f := range want {
			if !slices.Contains(have, f) {
				t.Errorf("%s has no field %s: %v", name, f, have)
			}
		}
	}
	if diff := cmp.Diff(float64(106), got.Stats["slots"]); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
}

// testCacheSparesPrometheus runs a backtest, then another configuration beside it
// and a proposal over the same range: all three ask Prometheus hardly more than the first.
func testCacheSparesPrometheus(t *testing.T, url string) {
	cache, err := ingest.OpenCache(t.TempDir(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	var queries atomic.Int64
	count := httptest.NewServer(countingProxy(t, url, &queries))
	defer count.Close()
	known := strings.Replace(signals, "  - {name: db_errors, query: no_such_metric}\n", "", 1)
	o := Options{Config: load(t, configuration(t, count.URL, "", known)), Start: bypass[0].Add(-10 * time.Minute), End: bypass[1], Reading: ingest.Options{Cache: cache}}
	o.Config.Prometheus.History = model.Duration(30 * time.Hour)
	first, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	asked := queries.Swap(0)
	if int64(first.Stats.Queries) != asked || asked == 0 || first.Stats.Recalled != 0 {
		t.Errorf("the first time: got %d queries sent, %d seen by Prometheus and %d recalled", first.Stats.Queries, asked, first.Stats.Recalled)
	}
	o.Other, o.OtherName = o.Config, "other.yml"
	second, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	opts := []cmp.Option{cmpopts.EquateNaNs(), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(first.Incidents, second.Incidents, opts...); diff != "" || len(first.Incidents) == 0 {
		t.Errorf("incidents (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(first.Anomalies, second.Anomalies, opts...); diff != "" {
		t.Errorf("anomalies (-first +second):\n%s", diff)
	}
	if _, err := Tune(t.Context(), o, 100); err != nil {
		t.Fatal(err)
	}
	// What had no data is asked for again: the service that came later, and the
	// probe.
	if again := queries.Load(); again > asked/3 {
		t.Errorf("comparison and proposal: got %d queries, want far fewer than the first %d", again, asked)
	}
}

// countingProxy passes requests on.
func countingProxy(t *testing.T, url string, n *atomic.Int64) http.Handler {
	t.Helper()
	target, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		proxy.ServeHTTP(w, r)
	})
}
