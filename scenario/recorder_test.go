package scenario

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/incident"
	"tidemark/series"
)

// retold runs a scenario, records what it was shown in chunks, as a backtest
// reads, and returns what the recording tells.
func retold(t *testing.T, s *Scenario, o Recording) (text string, again *Scenario, before, after *Result) {
	t.Helper()
	before, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rec := NewRecorder(s.config)
	src := &source{data: s.data, times: &s.times}
	for from := 0; from < s.data.grid.N; from += 700 {
		g := series.Grid{Start: s.data.grid.At(from), Step: s.data.grid.Step, N: min(700, s.data.grid.N-from)}
		rec.Keep(g, src.frames(g))
	}
	file := filepath.Join(t.TempDir(), "again.txtar")
	o.Start, o.Fired, o.ConfigDir = s.times.Start, before.Fired, filepath.Dir(s.File)
	if err := rec.Save(file, o); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if again, err = Load(file); err != nil {
		t.Fatal(err)
	}
	if after, err = again.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return string(all), again, before, after
}

func TestRecordingReplaysIdentically(t *testing.T) {
	for _, name := range []string{"cache_misses_evictions", "bad_deploy", "quiet_low_traffic", "service_degraded"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Load("../testdata/scenarios/" + name + Ext)
			if err != nil {
				t.Fatal(err)
			}
			_, again, before, after := retold(t, s, Recording{})
			if len(after.Problems) > 0 {
				t.Errorf("the recording is not replayed as it was:\n%s", strings.Join(after.Problems, "\n"))
			}
			values := func(s *Scenario) map[string][]float64 {
				out := map[string][]float64{}
				for name, lines := range s.data.lines {
					for labels, l := range lines {
						out[name+labels], out["support of "+name+labels] = l.values, l.support
					}
				}
				return out
			}
			if diff := cmp.Diff(values(s), values(again), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("samples (-told +told again):\n%s", diff)
			}
			if diff := cmp.Diff(before.Fired, after.Fired, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("incidents (-told +told again):\n%s", diff)
			}
		})
	}
}

// TestRecordingOfOneIncident checks that others' series are left out but for the
// loads, and that names are, if so asked.
func TestRecordingOfOneIncident(t *testing.T) {
	const (
		own = "rules: [{name: queue_full, suspect: application, summary: full, all: [{signal: queue, above: 5}]}]\n"
		two = `
-- scenario.yml --
history: 10m
length: 30m
-- config.yml --
global: {scope: [cluster, service], external_labels: {team: secret}}
rule_files: [rules.yml]
signals:
  - {name: queue, kind: gauge, component: application, query: secret_metric}
  - {name: cluster_load, kind: gauge, component: application, scope: [], given: request_rate}
-- series --
queue{cluster="secret1",service="secret2"} '0x9 9x9 0x9'
queue{cluster="secret1",service="secret3"} '0x30'
cluster_load{cluster="secret1"} '1x30'
request_rate{cluster="secret1",service="secret3"} '5x30'
request_rate{cluster="secret4",service="secret2"} '5x30'
error_ratio{cluster="secret1",service="secret2"} '0.5x30'
-- support --
error_ratio{cluster="secret1",service="secret2"} '1x29'
-- changes --
before deploys{cluster="secret1",service="secret2","app.version"="secret-9"} 1
15m    deploys{cluster="secret1",service="secret2","app.version"="secret-10"} 1
` + nothingFires
	)
	file := write(t, two)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "rules.yml"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, anonymise := range []bool{false, true} {
		text, again, _, after := retold(t, s, Recording{Anonymise: anonymise})
		for _, p := range after.Problems {
			t.Error(p)
		}
		if len(after.Fired) != 1 {
			t.Errorf("%d incidents fire, want 1", len(after.Fired))
		}
		n := map[string]int{}
		for name, lines := range again.data.lines {
			n[name] = len(lines)
		}
		if diff := cmp.Diff(map[string]int{"queue": 1, "cluster_load": 1, "request_rate": 1, "error_ratio": 1, "deploys": 2}, n); diff != "" {
			t.Errorf("series (-want +got):\n%s", diff)
		}
		if leaks := strings.Contains(text, "secret"); leaks == anonymise {
			t.Errorf("anonymised %t, and names are told %t:\n%s", anonymise, leaks, text)
		}
		want := `0s queue{cluster="secret1",service="secret2"} '0x9 9x9 0x9'`
		if anonymise {
			want = `0s queue{cluster="cluster-1",service="service-1"} '0x9 9x9 0x9'`
		}
		if !strings.Contains(text, want) || strings.Contains(text, "secret_metric") {
			t.Errorf("got\n%s\nwant %s, and no query", text, want)
		}
	}
}

// TestRecordingOfBlindness checks that what could not be read is told.
func TestRecordingOfBlindness(t *testing.T) {
	s := told(t, story+nothingFires)
	rec := NewRecorder(s.config)
	src := &source{data: s.data, times: &s.times}
	step := s.data.grid.Step
	for i := 0; i < s.data.grid.N; i++ {
		g := series.Grid{Start: s.data.grid.At(i), Step: step, N: 1}
		switch {
		case i >= 10 && i < 15:
			rec.Keep(g, nil)
		case i >= 20 && i < 22:
			rec.Keep(g, []series.Frame{{Signal: "queue", Err: errors.New("refused")}})
		default:
			rec.Keep(g, src.frames(g))
		}
	}
	file := filepath.Join(filepath.Dir(s.File), "again.txtar")
	if err := rec.Save(file, Recording{Start: s.times.Start, ConfigDir: filepath.Dir(s.File)}); err != nil {
		t.Fatal(err)
	}
	again, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []outage{
		{From: moment{offset: 10 * time.Minute}, To: moment{offset: 15 * time.Minute}},
		{From: moment{offset: 20 * time.Minute}, To: moment{offset: 22 * time.Minute}, Signals: []string{"queue"}},
	}
	if diff := cmp.Diff(want, again.times.Outages, cmp.AllowUnexported(moment{})); diff != "" {
		t.Errorf("outages (-want +got):\n%s", diff)
	}
	if err := NewRecorder(s.config).Save(file, Recording{Fired: []incident.Incident{}}); err == nil || !strings.Contains(err.Error(), "nothing was read") {
		t.Errorf("got error %v, want that nothing was read", err)
	}
}

func TestNotation(t *testing.T) {
	gap := math.NaN()
	values := []float64{1, 1, 1, gap, gap, 0.1, -2, -2, 1e-7, 123456789.125, gap, 1e21, 0}
	text := Notation(values)
	if want := "1x2 _x2 0.1 -2x1 0.0000001 123456789.125 _ 1000000000000000000000 0"; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	_, got, err := parseSeries("x " + text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("values (-written +read):\n%s", diff)
	}
}

// TestRecordingOfServiceGraph checks that the calls between services are told
// under their pseudonyms.
func TestRecordingOfServiceGraph(t *testing.T) {
	s, err := Load("../testdata/scenarios/service_degraded" + Ext)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _, after := retold(t, s, Recording{Anonymise: true})
	if len(after.Problems) > 0 {
		t.Errorf("the recording is not replayed as it was:\n%s", strings.Join(after.Problems, "\n"))
	}
	for _, name := range []string{"stock", "orders", "balancer"} {
		if strings.Contains(text, name) {
			t.Errorf("the recording tells the name %s", name)
		}
	}
	if !strings.Contains(text, "caller: service-") {
		t.Errorf("the recording tells no calls:\n%.2000s", text)
	}
}
