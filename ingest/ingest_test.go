package ingest

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/series"
	"tidemark/signal"
)

const step = 15 * time.Second

// epoch is a multiple of every step in the tests.
var epoch = time.Unix(1700000100, 0).UTC()

// grid is n slots from epoch on.
func grid(n int) series.Grid { return series.Grid{Start: epoch, Step: step, N: n} }

// complete returns a signal with its defaults filled in.
func complete(t testing.TB, s signal.Signal) signal.Signal {
	t.Helper()
	if s.Kind == "" {
		s.Kind, s.Component = detector.Gauge, signal.Application
	}
	if err := s.Complete(signal.Defaults{Step: step}); err != nil {
		t.Fatal(err)
	}
	return s
}

// simple returns signals named a, b, … whose query is the name.
func simple(t testing.TB, names ...string) []signal.Signal {
	t.Helper()
	var out []signal.Signal
	for _, n := range names {
		out = append(out, complete(t, signal.Signal{Name: n, Query: n}))
	}
	return out
}

// fixture is a source with what it tells the outside.
type fixture struct {
	*Source
	reg *prometheus.Registry
	log *bytes.Buffer
}

func newFixture(t testing.TB, address string, signals []signal.Signal, change func(*Config)) fixture {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c := DefaultConfig
	c.URL = config.URL{URL: u}
	if change != nil {
		change(&c)
	}
	f := fixture{reg: prometheus.NewRegistry(), log: &bytes.Buffer{}}
	f.Source, err = New(c, signals, Options{Logger: slog.New(slog.NewTextHandler(f.log, nil)), Registerer: f.reg})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// via makes the source talk to a handler without a network, for synctest.
func (f fixture) via(h http.Handler) {
	f.client.http.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// envelope is a successful answer with the given matrix, in JSON.
func envelope(matrix string) string {
	return `{"status":"success","data":{"resultType":"matrix","result":[` + matrix + `]}}`
}

// row is one series in JSON, with the given labels (in JSON) and values from
// epoch on.
func row(labels string, values ...string) string {
	var points []string
	for i, v := range values {
		points = append(points, fmt.Sprintf(`[%d,%q]`, epoch.Add(time.Duration(i)*step).Unix(), v))
	}
	return fmt.Sprintf(`{"metric":{%s},"values":[%s]}`, labels, strings.Join(points, ","))
}

func say(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

// counts returns the counters and gauges of a registry that are not 0, by name
// and labels, leaving out durations and times.
func (f fixture) counts(t testing.TB) map[string]float64 {
	t.Helper()
	families, err := f.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		if strings.HasSuffix(family.GetName(), "_seconds") {
			continue
		}
		for _, m := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "tidemark_ingest_")
			for _, l := range m.GetLabel() {
				name += "/" + l.GetValue()
			}
			if v := m.GetCounter().GetValue() + m.GetGauge().GetValue(); v != 0 {
				got[name] = v
			}
		}
	}
	return got
}

func labels(pairs ...string) model.LabelSet {
	ls := model.LabelSet{}
	for i := 0; i < len(pairs); i += 2 {
		ls[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
	}
	return ls
}
