package ingest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestExplore(t *testing.T) {
	f := newFixture(t, "http://prometheus.test", nil, nil)
	var asked []string
	f.via(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.FormValue("query")+r.FormValue("start"))
		if strings.HasSuffix(r.URL.Path, "/values") {
			say(w, 200, `{"status":"success","data":["go_goroutines","up"]}`)
			return
		}
		say(w, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1700000100,"3"]}]}}`)
	}))
	v, err := f.Instant(t.Context(), "count(up)", epoch)
	if err != nil || len(v) != 1 || v[0].Value != 3 || v[0].Metric["job"] != "a" {
		t.Errorf("got %v, %v, want 3 of the job a", v, err)
	}
	names, err := f.MetricNames(t.Context(), epoch.Add(-time.Minute), epoch)
	if diff := cmp.Diff([]string{"go_goroutines", "up"}, names); err != nil || diff != "" {
		t.Errorf("names: %v (-want +got):\n%s", err, diff)
	}
	want := []string{"POST /api/v1/query count(up)", "GET /api/v1/label/__name__/values 1700000040"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestExploreErrors checks that errors say what to do, or that they concern the
// query alone.
func TestExploreErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		reason reason
		remedy bool
	}{
		{"forbidden", 403, "no", unauthorized, true},
		{"overloaded", 503, "", unavailable, true},
		{"a page", 200, "<html>", badResponse, true},
		{"redirect", 302, "", redirected, true},
		{"a scalar", 200, `{"status":"success","data":{"resultType":"scalar","result":[1700000100,"3"]}}`, badResponse, true},
		{"bad query", 400, `{"status":"error","errorType":"bad_data","error":"parse error"}`, badQuery, false},
		{"too much", 422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`, tooManySamples, false},
		{"too large", 200, strings.Repeat(" ", 2048), tooLarge, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t, "http://prometheus.test", nil, func(c *Config) { c.MaxResponseBytes = 1024 })
			f.via(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, tc.status, tc.body) }))
			_, err := f.Instant(t.Context(), "up", epoch)
			if got := reasonOf(err); got != tc.reason {
				t.Errorf("reason %q of %v, want %q", got, err, tc.reason)
			}
			if got := Remedy(err); (got != "") != tc.remedy {
				t.Errorf("remedy %q of %v, want one: %t", got, err, tc.remedy)
			}
			if tc.name != "a scalar" {
				if _, err := f.MetricNames(t.Context(), epoch, epoch); reasonOf(err) != tc.reason {
					t.Errorf("of names: reason %q of %v, want %q", reasonOf(err), err, tc.reason)
				}
			}
		})
	}
	if got := Remedy(nil); got != "" {
		t.Errorf("remedy %q of no error", got)
	}
}
