package discover_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidemark/discover"
)

// TestNothingToDiscover checks that each trouble is one line that says what to do.
func TestNothingToDiscover(t *testing.T) {
	says := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	none := `{"status":"success","data":{"resultType":"vector","result":[]}}`
	for _, tc := range []struct {
		name string
		is   http.HandlerFunc // nil: nobody answers
		want []string
	}{
		{"down", nil, []string{"the source does not answer: ", "connection refused: start Prometheus, or correct its url"}},
		{"no credentials", says(401, "Unauthorized"), []string{"the source refuses the credentials: 401 Unauthorized", ": write the credentials: basic_auth, authorization or tls_config"}},
		{"forbidden", says(403, "no"), []string{"the source refuses the credentials: 403 Forbidden", ": write the credentials: basic_auth"}},
		{"a page", says(200, "<!doctype html><html>Hello</html>"), []string{"the answer is not one of the Prometheus API: ", ": correct the url, it has to be the address of a Prometheus"}},
		{"no such page", says(404, "<html>"), []string{"there is no Prometheus API below url: 404 Not Found", ": correct the url"}},
		{"another page", says(302, ""), []string{"the source redirects", ": use the address that it redirects to"}},
		{"overloaded", says(503, "later"), []string{"the source cannot answer: 503 Service Unavailable", ": try again when Prometheus is well"}},
		{"empty", says(200, `{"status":"success","data":[]}`), []string{"it has no metrics at ", "let it scrape something first (its page of targets says why it does not), or choose a time"}},
		{"nothing known", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/values") {
				_, _ = w.Write([]byte(`{"status":"success","data":["up","redis_up"]}`))
				return
			}
			_, _ = w.Write([]byte(none))
		}, []string{"none of its 2 metrics tells of requests, a cache or a database: scrape the application, or the exporters of its servers"}},
		{"gone half-way", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/values") {
				_, _ = w.Write([]byte(`{"status":"success","data":["up","redis_up"]}`))
				return
			}
			w.WriteHeader(http.StatusInternalServerError)
		}, []string{"query count by (", "the source cannot answer: 500 Internal Server Error", ": try again when Prometheus is well"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(tc.is)
			defer server.Close()
			if tc.is == nil {
				server.Close()
			}
			r, err := discover.Run(t.Context(), discover.Options{
				Prometheus: source(t, server.URL), At: time.Now(), History: time.Hour, MaxSeries: 10,
			})
			if err == nil {
				t.Fatalf("got %+v, want an error", r)
			}
			got := err.Error()
			if !strings.HasPrefix(got, "prometheus "+server.URL+": ") || strings.Contains(got, "\n") {
				t.Errorf("got %q, want one line that begins with the address", got)
			}
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want …%s…", got, want)
				}
			}
		})
	}
}
