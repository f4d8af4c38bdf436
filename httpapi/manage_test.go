package httpapi

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidemark/engine"
)

// freshRegistry returns the options with a registry of their own.
func freshRegistry(o Options) Options {
	reg := prometheus.NewRegistry()
	o.Registerer, o.Gatherer = reg, reg
	return o
}

func TestReady(t *testing.T) {
	for _, tc := range []struct {
		name     string
		snapshot engine.Snapshot
		code     int
		want     string
	}{
		{"learning", engine.Snapshot{Progress: 0.42}, 503, "tidemark is not ready: 42 % of the history is learned.\n"},
		{"unreadable", engine.Snapshot{Err: errors.New("connection refused")}, 503, "tidemark is not ready: nothing could be read in the last cycle: connection refused.\n"},
		{"ready", engine.Snapshot{Ready: true, Progress: 1}, 200, "tidemark is ready.\n"},
		{"ready, and blind for a while", engine.Snapshot{Ready: true, Err: errors.New("timeout")}, 200, "tidemark is ready.\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := testOptions(t)
			o.Engine = fakeEngine{&tc.snapshot}
			h := New(o).Handler()
			if res, body := ask(t, h, http.MethodGet, "/-/ready"); res.StatusCode != tc.code || body != tc.want {
				t.Errorf("ready: got %d %q, want %d %q", res.StatusCode, body, tc.code, tc.want)
			}
			if res, body := ask(t, h, http.MethodGet, "/-/healthy"); res.StatusCode != http.StatusOK {
				t.Errorf("healthy: got %d %q, want 200", res.StatusCode, body)
			}
		})
	}
}

func TestReload(t *testing.T) {
	for _, tc := range []struct {
		name    string
		method  string
		enabled bool
		err     error
		headers []string
		code    int
		want    string
		calls   int
	}{
		{"post", http.MethodPost, true, nil, nil, 200, "reloaded", 1},
		{"put", http.MethodPut, true, nil, nil, 200, "reloaded", 1},
		{"get", http.MethodGet, true, nil, nil, 405, "use POST or PUT", 0},
		{"switched off", http.MethodPost, false, nil, nil, 403, "--web.enable-lifecycle", 0},
		{"bad file", http.MethodPost, true, errors.New("tidemark.yml:7: field urll is not known here"), nil, 500, "tidemark.yml:7: field urll", 1},
		{"same origin", http.MethodPost, true, nil, []string{"Sec-Fetch-Site", "same-origin"}, 200, "reloaded", 1},
		{"another site", http.MethodPost, true, nil, []string{"Sec-Fetch-Site", "cross-site"}, 403, "another site", 0},
		{"another origin", http.MethodPut, true, nil, []string{"Origin", "https://evil.example"}, 403, "another site", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := testOptions(t)
			calls := 0
			o.EnableLifecycle = tc.enabled
			o.Reload = func(context.Context) error { calls++; return tc.err }
			res, body := ask(t, New(o).Handler(), tc.method, "/-/reload", tc.headers...)
			if res.StatusCode != tc.code || !strings.Contains(body, tc.want) || calls != tc.calls {
				t.Errorf("got %d %q and %d calls, want %d, …%s… and %d calls", res.StatusCode, body, calls, tc.code, tc.want, tc.calls)
			}
			if tc.code == 405 && res.Header.Get("Allow") != "POST, PUT" {
				t.Errorf("Allow: got %q, want POST, PUT", res.Header.Get("Allow"))
			}
		})
	}
}

func TestProtections(t *testing.T) {
	h := New(testOptions(t)).Handler()
	for _, target := range []string{"/incidents", "/metrics", "/-/healthy", "/nowhere", "/incidents?limit=0"} {
		res, _ := ask(t, h, http.MethodGet, target)
		for name, want := range protections {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s: got %q, want %q", target, name, got, want)
			}
		}
	}
	t.Run("the web configuration wins", func(t *testing.T) {
		w := httptest.NewRecorder()
		w.Header().Set("X-Frame-Options", "SAMEORIGIN")
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/incidents", nil))
		if got := w.Header()["X-Frame-Options"]; len(got) != 1 || got[0] != "SAMEORIGIN" {
			t.Errorf("X-Frame-Options: got %q, want SAMEORIGIN only", got)
		}
	})
}

func TestPrefix(t *testing.T) {
	o := testOptions(t)
	o.ExternalURL, _ = url.Parse("https://ops.example.com/tidemark/")
	h := New(o).Handler()
	for _, tc := range []struct {
		target   string
		code     int
		location string
	}{
		{"/tidemark/incidents", 200, ""},
		{"/tidemark/incidents/a1b2c3d4e5f60718", 200, ""},
		{"/tidemark/api/v1/alerts", 200, ""},
		{"/tidemark/-/ready", 200, ""},
		{"/tidemark/metrics", 200, ""},
		{"/", 302, "/tidemark/"},
		{"/incidents", 404, ""},
		{"/tidemark/nowhere", 404, ""},
		{"/tidemarkets", 404, ""},
		{"/tidemark/runbooks/a%2Fb", 404, ""},
	} {
		res, body := ask(t, h, http.MethodGet, tc.target)
		if res.StatusCode != tc.code || res.Header.Get("Location") != tc.location {
			t.Errorf("%s: got %d %q, want %d %q", tc.target, res.StatusCode, res.Header.Get("Location"), tc.code, tc.location)
		}
		if strings.HasPrefix(tc.target, "/tidemark/incidents/") && !strings.Contains(body, `"runbook_url":"https://ops.example.com/tidemark/runbooks/cache_bypass"`) {
			t.Errorf("%s: got %s, want the runbook below the external URL", tc.target, body)
		}
	}
	for _, target := range []string{"/tidemark", "/tidemark/", "/tidemark/incidents", "/tidemark/-/ready"} {
		if res, body := ask(t, h, http.MethodHead, target); res.StatusCode != http.StatusOK {
			t.Errorf("HEAD %s: got %d %s, want 200", target, res.StatusCode, body)
		}
	}
	if res, _ := ask(t, h, http.MethodPost, "/tidemark/incidents"); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: got %d Allow %q, want 405 and GET, HEAD", res.StatusCode, res.Header.Get("Allow"))
	}
}

func TestRequestMetrics(t *testing.T) {
	a := New(testOptions(t))
	h := a.Handler()
	count := func(handler, code, method string) float64 {
		return testutil.ToFloat64(a.metrics.requests.WithLabelValues(handler, code, method))
	}
	ask(t, h, http.MethodGet, "/incidents/a1b2c3d4e5f60718")
	ask(t, h, http.MethodGet, "/incidents/nope")
	ask(t, h, http.MethodHead, "/incidents")
	ask(t, h, "BREW", "/incidents")
	ask(t, h, http.MethodGet, "/no/such/path")
	for _, tc := range []struct {
		handler, code, method string
		want                  float64
	}{
		{"/incidents/{id}", "200", "GET", 1},
		{"/incidents/{id}", "404", "GET", 1},
		{"/incidents", "200", "HEAD", 1},
		{"none", "404", "GET", 1},
		{"none", "405", "other", 1},
		{"/anomalies", "200", "GET", 0}, // known before the first request
	} {
		if got := count(tc.handler, tc.code, tc.method); got != tc.want {
			t.Errorf("requests of %s %s %s: got %g, want %g", tc.handler, tc.code, tc.method, got, tc.want)
		}
	}
	_, body := ask(t, h, http.MethodGet, "/metrics")
	for _, want := range []string{
		`tidemark_http_requests_total{code="200",handler="/anomalies",method="GET"} 0`,
		`tidemark_http_request_duration_seconds_count{handler="/incidents/{id}"} 2`,
		`tidemark_http_panics_total 0`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics does not hold %s", want)
		}
	}
}

// brokenEngine panics, as no engine should.
type brokenEngine struct{}

func (brokenEngine) Snapshot() *engine.Snapshot { panic("broken on purpose") }

func TestPanic(t *testing.T) {
	o := testOptions(t)
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	o.Engine = brokenEngine{}
	a := New(o)
	res, body := ask(t, a.Handler(), http.MethodGet, "/incidents")
	if res.StatusCode != http.StatusInternalServerError || !strings.Contains(body, `"errorType":"internal"`) || strings.Contains(body, "on purpose") {
		t.Errorf("got %d %s, want a plain 500", res.StatusCode, body)
	}
	if got := testutil.ToFloat64(a.metrics.panics); got != 1 {
		t.Errorf("panics: got %g, want 1", got)
	}
	if got := testutil.ToFloat64(a.metrics.requests.WithLabelValues("/incidents", "500", "GET")); got != 1 {
		t.Errorf("requests with 500: got %g, want 1", got)
	}
	if !strings.Contains(log.String(), "broken on purpose") || !strings.Contains(log.String(), "manage_test.go") {
		t.Errorf("log holds neither reason nor stack: %s", log.String())
	}
}

func TestServerLimits(t *testing.T) {
	s := New(testOptions(t)).Server()
	if s.ReadHeaderTimeout != readHeaderTimeout || s.MaxHeaderBytes != 64<<10 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.ErrorLog == nil {
		t.Errorf("server has a limit or its log unset: %+v", s)
	}
	t.Run("body", func(t *testing.T) {
		w := httptest.NewRecorder()
		var err error
		limited(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err = new(bytes.Buffer).ReadFrom(r.Body)
		})).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", maxBodyBytes+1))))
		var tooLarge *http.MaxBytesError
		if !errors.As(err, &tooLarge) {
			t.Errorf("reading a body of more than %d bytes: got %v, want http.MaxBytesError", maxBodyBytes, err)
		}
	})
}
