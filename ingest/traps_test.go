package ingest

import (
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alecthomas/units"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"tidemark/series"
)

// TestTraps shows that no answer that is not what was asked for becomes data,
// and how each is reported.
func TestTraps(t *testing.T) {
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	status := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { say(w, code, text) }
	}
	warned := func(text string) http.HandlerFunc {
		return body(strings.Replace(envelope(row(`"a":"b"`, "1")), `{"status"`, `{"warnings":["`+text+`"],"status"`, 1))
	}
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		reason reason
		text   string // part of the error
	}{
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.CopyN(z, zeros{}, 64<<20)
			z.Close()
		}, badResponse, "the answer is compressed (gzip), which was not asked for"},
		{"endless body", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, zeros{})
		}, tooLarge, "the answer has more than 64KiB: aggregate the query, or raise max_response_bytes"},
		{"endless headers", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 20 {
				w.Header().Set("X-"+strconv.Itoa(i), strings.Repeat("x", 1<<20))
			}
		}, unreachable, "server response headers exceeded"},
		{"empty body", body(""), badResponse, "the answer is not one of the Prometheus API"},
		{"page of another service", body("<html>Welcome</html>"), badResponse, "the answer is not one of the Prometheus API"},
		{"empty object", body("{}"), badResponse, "the answer has no data: is url the address of a Prometheus API?"},
		{"data null", body(`{"status":"success","data":null}`), badResponse, "the answer has no data"},
		{"data of another API", body(`{"status":"success","data":{"activeTargets":[]}}`), badResponse, ""},
		{"error with status 200", body(`{"status":"error","errorType":"bad_data","error":"parse error"}`), badQuery, "the source refuses the query: parse error"},
		{"vector instead of matrix", body(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000100,"1"]}]}}`),
			badResponse, "the answer is a vector, not the matrix that was asked for"},
		{"scalar instead of matrix", body(`{"status":"success","data":{"resultType":"scalar","result":[1700000100,"1"]}}`),
			badResponse, "the answer is a scalar, not the matrix"},
		{"series null", body(envelope("null")), badResponse, "the answer has a series that is null"},
		{"value not a number", body(envelope(row("", "one"))), badResponse, "the answer is not one of the Prometheus API"},
		{"native histogram", body(envelope(`{"metric":{"job":"shop"},"histograms":[[1700000100,{"count":"3","sum":"1","buckets":[]}]]}`)),
			histograms, `{job="shop"} is a native histogram: write an expression that gives numbers`},
		{"one hour off", body(envelope(`{"metric":{},"values":[[1700003700,"1"]]}`)), badSamples, "timestamp 1700003700 was not asked for"},
		{"before the range", body(envelope(`{"metric":{},"values":[[1700000085,"1"]]}`)), badSamples, "timestamp 1700000085 was not asked for"},
		{"between two slots", body(envelope(`{"metric":{},"values":[[1700000101,"1"]]}`)), badSamples, "timestamp 1700000101 was not asked for"},
		{"out of order", body(envelope(`{"metric":{"a":"b"},"values":[[1700000115,"1"],[1700000100,"1"]]}`)),
			badSamples, `series {a="b"}: timestamp 1700000100 is out of order or there twice`},
		{"same time twice", body(envelope(`{"metric":{},"values":[[1700000100,"1"],[1700000100,"2"]]}`)), badSamples, "there twice"},
		{"same series twice", body(envelope(row(`"service":"shop"`, "1") + "," + row(`"service":"shop"`, "2"))),
			duplicateSeries, `two series have the labels {service="shop"} (the metric name does not count): aggregate the query, such as sum by (service, zone) (…)`},
		{"series that differ by name", body(envelope(row(`"__name__":"x","service":"shop"`, "1") + "," + row(`"__name__":"y","service":"shop"`, "2"))),
			duplicateSeries, `two series have the labels {service="shop"}`},
		{"series that differ by an empty label", body(envelope(row(`"zone":""`, "1") + "," + row(``, "2"))), duplicateSeries, "two series have the labels {}"},
		{"too many series", body(envelope(row(`"i":"1"`, "1") + "," + row(`"i":"2"`, "1") + "," + row(`"i":"3"`, "1") + "," + row(`"i":"4"`, "1"))),
			tooManySeries, "the answer has more than 3 series: aggregate the query, such as sum by (service, zone) (…), or raise max_series_per_signal"},
		{"warning", warned("store 10.0.0.7 is away"), partial, "the answer may be partial: store 10.0.0.7 is away"},
		{"long warning", warned(strings.Repeat("x", 9000)), partial, "xxx…"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sso.example.com/login?token=abc", http.StatusTemporaryRedirect)
		}, redirected, "the source redirects to https://sso.example.com (307 Temporary Redirect): write that address as url"},
		{"redirect to nowhere", status(302, ""), redirected, "redirects to an unknown address"},
		{"wrong credentials", status(401, "Unauthorized\n"), unauthorized, "the source refuses the credentials: 401 Unauthorized: Unauthorized"},
		{"forbidden", status(403, ""), unauthorized, "403 Forbidden"},
		{"no API there", status(404, "404 page not found\n"), badResponse, "there is no Prometheus API below url: 404 Not Found: 404 page not found"},
		{"bad query", status(400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\""}`), badQuery, `the source refuses the query: invalid parameter "query"`},
		{"query cannot run", status(422, `{"status":"error","errorType":"execution","error":"many-to-many matching not allowed"}`), badQuery, "many-to-many matching not allowed"},
		{"too many samples", status(422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`),
			tooManySamples, "asks for too much: query processing would load too many samples"},
		{"query too slow for the source", status(503, `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`),
			timedOut, "the source gave up: query timed out in expression evaluation"},
		{"too many requests", status(429, `{"status":"error","errorType":"bad_data","error":"tenant exceeded the request rate limit"}`), unavailable, "tenant exceeded the request rate limit"},
		{"internal error", status(500, `{"status":"error","errorType":"internal","error":"disk"}`), unavailable, "the source cannot answer: disk"},
		{"proxy error", status(502, "<html>\n<h1>Bad gateway</h1>\n"), unavailable, "the source cannot answer: 502 Bad Gateway: <html> <h1>Bad gateway</h1>"},
		{"huge error", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.CopyN(w, zeros{}, 32<<20)
		}, unavailable, "500 Internal Server Error"},
		{"error with control characters", status(500, "\x1b[31mred\x00\r\nlog line level=error"), unavailable, "[31mred log line level=error"},
		{"body breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"status":`)
		}, unreachable, "the answer broke off: unexpected EOF"},
		{"connection reset", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, unreachable, "the source does not answer"},
		{"never answers", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, timedOut, "no complete answer within 300ms"},
		{"trickles", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"status":`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, timedOut, "no complete answer within 300ms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			signals := simple(t, "a")
			signals[0].Scope = []string{"service", "zone"}
			address := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // so that the server sees the client leave
				tc.answer(w, r)
			})
			s := newFixture(t, address, signals, func(c *Config) {
				c.MaxResponseBytes = 64 * units.KiB
				c.MaxSeriesPerSignal = 3
				if tc.reason == timedOut {
					c.Timeout = model.Duration(300 * time.Millisecond)
				}
			})
			frames, err := s.Read(t.Context(), grid(3))
			if err == nil {
				t.Error("got no error from Read, want one since nothing could be read")
			}
			got := frames[0]
			if got.Err == nil || len(got.Series) > 0 {
				t.Fatalf("got a frame with %d series and error %v, want an error and no series", len(got.Series), got.Err)
			}
			if r := reasonOf(got.Err); r != tc.reason {
				t.Errorf("got reason %q, want %q (%v)", r, tc.reason, got.Err)
			}
			text := got.Err.Error()
			if !strings.HasPrefix(text, "query a: ") || !strings.Contains(text, tc.text) {
				t.Errorf("got error %q, want %q in it", text, tc.text)
			}
			if len(text) > 600 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
				t.Errorf("got an error of %d bytes, want a short one on one line: %q", len(text), text)
			}
			want := map[string]float64{"queries_total/error": 1, "errors_total/" + string(tc.reason): 1}
			if diff := cmp.Diff(want, s.counts(t)); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestNothingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	l.Close()
	_, err = newFixture(t, address, simple(t, "a", "b"), nil).Read(t.Context(), grid(1))
	if err == nil || !strings.HasPrefix(err.Error(), "prometheus "+address+" is down: query a: the source does not answer: dial tcp") {
		t.Errorf("got error %v, want one that says that the source is down", err)
	}
}

// TestOddNumbersAreGaps: what Prometheus may well answer, and is not a number.
func TestOddNumbersAreGaps(t *testing.T) {
	s := newFixture(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, envelope(row("", "1", "NaN", "+Inf", "-Inf", "-0")))
	}), simple(t, "a"), nil)
	frames, err := s.Read(t.Context(), grid(6))
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	want := []series.Frame{{Signal: "a", Series: []series.Series{{Labels: labels(), Values: []float64{1, nan, nan, nan, 0, nan}}}}}
	if diff := cmp.Diff(want, frames, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"queries_total/success": 1, "series": 1, "samples_total": 2, "gaps_total": 4}, s.counts(t)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// TestRedirectIsNotFollowed: the other host would get the query and, depending
// on the header, the credentials.
func TestRedirectIsNotFollowed(t *testing.T) {
	var visited atomic.Int32
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		visited.Add(1)
		fmt.Fprint(w, envelope(""))
	})
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := newFixture(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other+r.URL.Path, code)
		}), simple(t, "a"), nil)
		if frames, err := s.Read(t.Context(), grid(1)); err == nil {
			t.Errorf("status %d: got %v, want an error", code, frames)
		}
	}
	if n := visited.Load(); n != 0 {
		t.Errorf("the other host was asked %d times, want never", n)
	}
}

// TestSecretsStayInside: a server that repeats the whole request in its error.
func TestSecretsStayInside(t *testing.T) {
	const canary = "s3cr3t-canary"
	echo := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			user, password, _ := r.BasicAuth()
			fmt.Fprintf(w, "%s %s:%s %v %s", r.URL, user, password, r.Header, strings.Repeat("x", 200))
		}
	}
	ways := map[string]func(*Config){
		"url": func(c *Config) {
			u := *c.URL.URL
			u.User = nil
			parsed, err := u.Parse(strings.Replace(u.String(), "://", "://tidemark:"+canary+"@", 1))
			if err != nil {
				t.Fatal(err)
			}
			c.URL = config.URL{URL: parsed}
		},
		"parameter": func(c *Config) { c.URL.RawQuery = "token=" + canary },
		"basic_auth": func(c *Config) {
			c.HTTPClientConfig.BasicAuth = &config.BasicAuth{Username: "tidemark", Password: canary}
		},
		"authorization": func(c *Config) {
			c.HTTPClientConfig.Authorization = &config.Authorization{Type: "Bearer", Credentials: canary}
		},
		"bearer_token": func(c *Config) { c.HTTPClientConfig.BearerToken = canary },
		"http_headers": func(c *Config) {
			c.HTTPClientConfig.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X-Token": {Secrets: []config.Secret{canary}}}}
		},
	}
	for name, change := range ways {
		for _, code := range []int{0, 200, 302, 401, 404, 500} {
			t.Run(fmt.Sprintf("%s/%d", name, code), func(t *testing.T) {
				address := "http://127.0.0.1:1" // nothing listens there
				if code != 0 {
					address = serve(t, echo(code))
				}
				s := newFixture(t, address, simple(t, "a"), change)
				frames, err := s.Read(t.Context(), grid(1))
				if err == nil {
					t.Fatalf("got frames %v, want an error", frames)
				}
				for _, secret := range []string{canary, "dGlkZW1hcms6czNjcjN0LWNhbmFyeQ"} { // the second is tidemark:s3cr3t-canary in base64
					if text := err.Error() + frames[0].Err.Error() + s.log.String(); strings.Contains(text, secret) {
						t.Errorf("the secret is shown: %s", text)
					}
				}
			})
		}
	}
}
