package ingest

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alecthomas/units"

	"tidemark/series"
)

// FuzzAnswer holds that whatever a source answers, a frame is sound: an error
// and no series, or series over the grid in order, with different labels and no
// infinities.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		envelope(row(`"a":"b"`, "1", "2", "NaN")),
		envelope(row(`"a":"b"`, "1") + "," + row(`"a":"c","":"x"`, "1e308")),
		envelope(`{"metric":{},"values":[[-9223372036854775.808,"1"],[9223372036854775.807,"1"]]}`),
		envelope(`{"metric":null,"values":null,"histograms":[[1,null]]}`),
		envelope("null"),
		`{"status":"success","data":{"resultType":"vector","result":[]}}`,
		`{"status":"success","data":{"resultType":"string","result":[1,"x"]}}`,
		`{"status":"success","data":{"result":[{}],"resultType":"matrix"}}`,
		`{"data":null}`, "null", "[]", "\"\"", "{", "",
	} {
		f.Add(200, seed)
	}
	f.Add(422, `{"status":"error","errorType":"execution","error":"too many samples"}`)
	f.Add(307, "")
	s := newFixture(f, "http://prometheus.test", simple(f, "a"), func(c *Config) {
		c.MaxSeriesPerSignal = 4
		c.MaxResponseBytes = 64 * units.KiB
	})
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return // no response of net/http
		}
		s.via(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.(*httptest.ResponseRecorder).WriteString(body)
		}))
		g := grid(4)
		frames, err := s.Read(context.Background(), g)
		frame := frames[0]
		if (err == nil) != (frame.Err == nil) {
			t.Fatalf("got error %v of the reading and %v of its only signal", err, frame.Err)
		}
		if frame.Err != nil {
			if reasonOf(frame.Err) == "" || len(frame.Err.Error()) > 1000 || len(frame.Series) > 0 {
				t.Fatalf("got error %q with %d series, want one with a reason, short, without series", frame.Err, len(frame.Series))
			}
			return
		}
		if len(frame.Series) > 4 {
			t.Fatalf("got %d series, want at most 4", len(frame.Series))
		}
		seen := map[string]bool{}
		for _, sr := range frame.Series {
			checkSeries(t, sr, g)
			if key := sr.Labels.String(); seen[key] {
				t.Fatalf("got labels %s twice", key)
			} else {
				seen[key] = true
			}
		}
	})
}

func checkSeries(t *testing.T, sr series.Series, g series.Grid) {
	t.Helper()
	if len(sr.Values) != g.N || sr.Labels == nil {
		t.Fatalf("got %d values and labels %v, want %d values", len(sr.Values), sr.Labels, g.N)
	}
	for _, v := range sr.Values {
		if math.IsInf(v, 0) {
			t.Fatalf("got an infinity in %v", sr.Values)
		}
	}
	for name, value := range sr.Labels {
		if name == "__name__" || value == "" {
			t.Fatalf("got label %s=%q", name, value)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "plain", "plain"},
		{"lines", " two\n\tlines\r\n", "two lines"},
		{"control characters", "a\x00b\x1b[31m", "a b [31m"},
		{"not UTF-8", "\xff\xfe", "�"},
		{"long", strings.Repeat("é", 200), strings.Repeat("é", maxErrorText/2) + "…"},
		{"long, a character divided", "x" + strings.Repeat("é", 200), "x" + strings.Repeat("é", maxErrorText/2-1) + "…"},
		{"blank", strings.Repeat(" ", 9999) + "x", "x"},
	} {
		if got := cut(tc.in); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestRedactorFindsSecretsAtTheEdge(t *testing.T) {
	r := newRedactor([]string{"", "ab", "password", "password-and-more"})
	for _, pad := range []int{0, maxErrorText - 3, 2*maxErrorText - 3, 64*maxErrorText - 3} {
		for _, fill := range []string{"x", " "} {
			got := r.text(strings.Repeat(fill, pad) + "password-and-more password ab")
			if strings.Contains(got, "pass") || strings.Contains(got, "more") {
				t.Errorf("after %d of %q: got %q", pad, fill, got)
			}
		}
	}
	if got, want := r.text("password-and-more, password, ab"), "<secret>, <secret>, ab"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
