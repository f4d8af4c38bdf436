package ingest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// requests keeps what a server was asked, in order.
type requests struct {
	mu   sync.Mutex
	seen []string
}

func (r *requests) add(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, s)
}

func (r *requests) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.seen
	r.seen = nil
	return seen
}

func TestWhatIsSent(t *testing.T) {
	var got []string
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		got = []string{
			r.Method, r.URL.String(), r.PostForm.Encode(),
			r.Header.Get("User-Agent"), r.Header.Get("Accept-Encoding"), r.Header.Get("X-Scope-OrgID"),
		}
		fmt.Fprint(w, envelope(""))
	})
	s := newFixture(t, address+"/prometheus/?dedup=true", simple(t, "up"), func(c *Config) {
		c.HTTPClientConfig.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-Scope-OrgID": {Values: []string{"shop"}}}}
		c.Timeout = model.Duration(15 * time.Second)
	})
	// One slot is asked as a range, too: the grid is the same, whatever its size.
	if _, err := s.Read(t.Context(), grid(1)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"POST", "/prometheus/api/v1/query_range?dedup=true",
		"dedup=true&end=1700000100&limit=1001&query=up&start=1700000100&step=15&timeout=13s",
		"tidemark/unknown", "", "shop",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestServerTimeout(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		30 * time.Second:        27 * time.Second,
		2 * time.Minute:         108 * time.Second,
		1500 * time.Millisecond: time.Second,
		time.Second:             900 * time.Millisecond,
		time.Millisecond:        time.Millisecond,
	} {
		got := serverTimeout(d)
		if got != want {
			t.Errorf("serverTimeout(%s): got %s, want %s", d, got, want)
		}
		if _, err := model.ParseDuration(got.String()); err != nil {
			t.Errorf("serverTimeout(%s): Prometheus cannot read %s: %v", d, got, err)
		}
	}
}

// TestMethodIsLearned shows that a proxy that allows GET alone costs one refused
// request, and that a source that refuses everything is not asked twice each
// time.
func TestMethodIsLearned(t *testing.T) {
	type server struct {
		name   string
		answer func(method string) int
		want   []string // methods seen in four readings
	}
	for _, tc := range []server{
		{"both", func(string) int { return 200 }, []string{"POST", "POST", "POST", "POST"}},
		{"GET alone, 405", onlyGET(405), []string{"POST", "GET", "GET", "GET", "GET"}},
		{"GET alone, 403", onlyGET(403), []string{"POST", "GET", "GET", "GET", "GET"}},
		{"GET alone, 501", onlyGET(501), []string{"POST", "GET", "GET", "GET", "GET"}},
		{"none, 403", func(string) int { return 403 }, []string{"POST", "GET", "POST", "POST", "POST"}},
		{"none, 405 and 401", func(m string) int { return map[string]int{"POST": 405, "GET": 401}[m] }, []string{"POST", "GET", "POST", "POST", "POST"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var seen requests
			s := newFixture(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				seen.add(r.Method)
				if q := r.FormValue("query"); q != "a" {
					t.Errorf("%s: got query %q, want a", r.Method, q)
				}
				say(w, tc.answer(r.Method), envelope(""))
			}), simple(t, "a"), nil)
			for range 4 {
				_, _ = s.Read(t.Context(), grid(1)) // the methods tell
			}
			if diff := cmp.Diff(tc.want, seen.take()); diff != "" {
				t.Errorf("methods (-want +got):\n%s", diff)
			}
		})
	}
}

func onlyGET(otherwise int) func(string) int {
	return func(method string) int {
		if method == "GET" {
			return 200
		}
		return otherwise
	}
}

func TestMethodIsForgotten(t *testing.T) {
	var seen requests
	code := map[string]int{"POST": 403, "GET": 403}
	s := newFixture(t, "http://prometheus.test", simple(t, "a"), nil)
	s.via(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.add(r.Method)
		say(w, code[r.Method], envelope(""))
	}))
	read := func() { _, _ = s.Read(t.Context(), grid(1)) }
	read() // refused both ways
	code["POST"] = 200
	read() // the credentials are right now
	code["POST"], code["GET"] = 405, 200
	read() // a proxy came in between: found out again
	read()
	code["GET"] = 414
	read() // the query became too long for a URL
	code["POST"] = 200
	read()
	want := []string{"POST", "GET", "POST", "POST", "GET", "GET", "GET", "POST"}
	if diff := cmp.Diff(want, seen.take()); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
}

func TestRetryAfter(t *testing.T) {
	for _, tc := range []struct {
		name   string
		code   int
		header func() string
		wait   time.Duration // without requests
	}{
		{"seconds", 503, func() string { return "20" }, 20 * time.Second},
		{"date", 429, func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) }, 20 * time.Second},
		{"forever", 503, func() string { return "4000000000" }, maxRetryAfter},
		{"none", 503, func() string { return "" }, 0},
		{"nonsense", 503, func() string { return "-1" }, 0},
		{"other status", 500, func() string { return "20" }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen requests
				s := newFixture(t, "http://prometheus.test", simple(t, "a"), nil)
				s.via(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen.add(r.Method)
					w.Header().Set("Retry-After", tc.header())
					w.WriteHeader(tc.code)
				}))
				read := func() error {
					frames, _ := s.Read(t.Context(), grid(1))
					return frames[0].Err
				}
				_ = read()
				if tc.wait > 0 {
					time.Sleep(tc.wait - time.Second)
					err := read()
					if n := len(seen.take()); n != 1 {
						t.Errorf("got %d requests a second before the time, want 1", n)
					}
					if err == nil || reasonOf(err) != unavailable || !strings.Contains(err.Error(), "the source asked to wait another 1s") {
						t.Errorf("got error %v, want one that names the wait", err)
					}
					time.Sleep(time.Second)
				}
				seen.take()
				_ = read()
				if n := len(seen.take()); n != 1 {
					t.Errorf("got %d requests after the wait, want 1", n)
				}
			})
		})
	}
}
