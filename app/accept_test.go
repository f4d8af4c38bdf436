package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// newStandIn returns a server that answers range queries as a Prometheus would
// that scraped the target of these tests, broken from an instant on, in Unix
// seconds; 0 is not at all.
func newStandIn(t *testing.T, brokenFrom *atomic.Int64) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := func(name string) float64 {
			v, err := strconv.ParseFloat(r.FormValue(name), 64)
			if err != nil {
				t.Errorf("%s of %s: %v", name, r.FormValue("query"), err)
			}
			return v
		}
		from := brokenFrom.Load()
		var values []string
		for at := int64(number("start")); at <= int64(number("end")); at += int64(number("step")) {
			broken := from > 0 && at >= from
			values = append(values, fmt.Sprintf(`[%d,"%g"]`, at, value(r.FormValue("query"), time.Unix(at, 0), broken)))
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"service":"shop"},"values":[%s]}]}}`,
			strings.Join(values, ","))
	}))
	t.Cleanup(s.Close)
	return s
}

const acceptConfig = `
global: {evaluation_interval: 1s, query_offset: 0s}
prometheus: {url: %q, history: 2h}
signals:
  - {name: request_rate, query: t_requests}
  - {name: latency_p99, query: t_latency}
  - {name: cache_lookups_per_request, query: t_lookups_per_req}
  - {name: db_queries_per_request, query: t_queries_per_req}
rule_files: [rules.yml]
`

// TestAccept checks that what an operator accepts ends the incident, and is not
// an anomaly again after a restart, which learns the history with the change in
// it.
func TestAccept(t *testing.T) {
	var brokenFrom atomic.Int64
	prometheus := newStandIn(t, &brokenFrom)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidemark.yml"), fmt.Sprintf(acceptConfig, prometheus.URL))
	writeFile(t, filepath.Join(dir, "rules.yml"), strings.ReplaceAll(rulesText, "      - {signal: error_ratio, is: up}\n", ""))
	tidemark := start(t, dir)
	accept := func(body string) (int, string) {
		t.Helper()
		resp, err := http.Post(tidemark.URL+"/api/v1/accept", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	eventually(t, time.Minute, "tidemark is ready", tidemark.ready)
	if code, body := accept(`{"signal": "request_rate"}`); code != http.StatusOK || !strings.Contains(body, `"accepted":[],"skipped":[{"signal":"request_rate","labels":{"service":"shop"},"state":"normal"}]`) {
		t.Errorf("a normal series: got %d %s, want that there is nothing to accept", code, body)
	}
	if code, body := accept(`{"signal": "request_rate", "labels": {"service": "blog"}}`); code != http.StatusNotFound {
		t.Errorf("an unknown series: got %d %s, want 404", code, body)
	}

	brokenFrom.Store(time.Now().Unix())
	var id string
	eventually(t, 30*time.Second, "the change is an incident", func() bool {
		for _, in := range tidemark.incidents() {
			if in.State == "firing" {
				id = in.ID
			}
		}
		return id != ""
	})
	if code, body := accept(fmt.Sprintf(`{"incident_id": %q}`, id)); code != http.StatusOK || !strings.Contains(body, `{"signal":"cache_lookups_per_request","labels":{"service":"shop"}}`) {
		t.Fatalf("got %d %s, want that the cache's lookups are accepted", code, body)
	}
	over := func() bool {
		for _, in := range tidemark.incidents() {
			if in.State != "resolved" {
				return false
			}
		}
		return true
	}
	eventually(t, 30*time.Second, "the incident is over", over)
	if text := tidemark.text("/incidents/" + id); !strings.Contains(text, `"signal":"cache_lookups_per_request"`) || !strings.Contains(text, `"accepted":[{"at":`) {
		t.Errorf("the incident does not say what was accepted: %s", text)
	}

	tidemark.stop()
	tidemark = start(t, dir)
	eventually(t, time.Minute, "tidemark is ready again", tidemark.ready)
	if text := tidemark.text("/anomalies?state=active&signal=cache_lookups_per_request"); !strings.Contains(text, `"anomalies":[]`) {
		t.Errorf("after the restart: %s, want no anomaly of what was accepted", text)
	}
	if !over() {
		t.Errorf("after the restart: %+v, want that all are over", tidemark.incidents())
	}
}
