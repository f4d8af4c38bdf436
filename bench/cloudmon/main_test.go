package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write creates the directory of a series.
func write(t *testing.T, data, name, truth, metrics string) {
	t.Helper()
	dir := filepath.Join(data, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"truth.json": truth, "metrics.om": metrics} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRun(t *testing.T) {
	const begin, hour = 1704204000, 3600
	rng := rand.New(rand.NewPCG(4, 1))
	var b strings.Builder
	b.WriteString("# TYPE x gauge\n")
	for i := range 700 {
		v := 100 + 10*math.Sin(2*math.Pi*float64(i)/24) + rng.NormFloat64()
		if i == 600 {
			v = 300
		}
		fmt.Fprintf(&b, "x{series=\"a\"} %g %d\n", v, begin+i*hour)
	}
	b.WriteString("# EOF\n")
	dir := t.TempDir()
	write(t, dir, "a", fmt.Sprintf(`{"group": "g", "scrape_interval_s": 3600, "delay_k": 3, "incidents": [{"start": %d, "end": %d}]}`,
		begin+599*hour, begin+601*hour), b.String())

	var out bytes.Buffer
	if err := run(dir, "auto", 0.15, true, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\na       29    1          1 (100 %)  0             0.000  1 (100 %)   0             0.000\n",
		"\ng       29 ", "\nall     29 ", "\n0.1500, MAD 5.0 ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant …%s…", out.String(), want)
		}
	}
}

func TestCount(t *testing.T) {
	s := series{Step: 10, Delay: 2, Incidents: []incident{{Start: 100, End: 110}, {Start: 150, End: 150}}}
	for i := range 100 {
		s.times = append(s.times, int64(10*i))
	}
	for _, tc := range []struct {
		name   string
		alarms []int
		want   outcome
	}{
		{"none", nil, outcome{incidents: 2}},
		{"at the start, and at the end of what is allowed", []int{10, 17}, outcome{incidents: 2, found: 2}},
		{"too early, and too late", []int{9, 14, 18}, outcome{incidents: 2, falseAlarms: 3}},
		{"episodes", []int{30, 32, 34, 37, 60}, outcome{incidents: 2, falseAlarms: 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			scores := make([]float64, len(s.times))
			for _, i := range tc.alarms {
				scores[i] = 1
			}
			tc.want.days = (100 - 4 - 3) * 10 / 86400.
			if diff := cmp.Diff(tc.want, s.count(scores, 1), cmp.AllowUnexported(outcome{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRollingMAD(t *testing.T) {
	values := make([]float64, 40)
	for i := range values {
		values[i] = float64(i % 5) // of 25 values in a row, the median is 2 and the deviation 1
	}
	values[35] = 16.826
	scores := rollingMAD(values)
	if got, want := scores[35], 10.; math.Abs(got-want) > 1e-9 {
		t.Errorf("got %g, want %g", got, want)
	}
	if got := scores[23]; got != 0 {
		t.Errorf("after 23 values: got %g, want 0", got)
	}
	constant := rollingMAD(append(make([]float64, 30), 1))
	if got := constant[30]; got != 0 {
		t.Errorf("after a constant past: got %g, want 0", got)
	}
}

func TestBadData(t *testing.T) {
	const truth = `{"scrape_interval_s": 60, "incidents": []}`
	for _, tc := range []struct {
		name, truth, metrics, want string
	}{
		{"no step", `{}`, "x 1 60\n", "a: truth.json: scrape_interval_s is 0: write the seconds between two samples"},
		{"no JSON", `{`, "x 1 60\n", "a: truth.json: unexpected end of JSON input"},
		{"order", truth, "x 1 60\nx 1 60\n", "a: metrics.om: x: timestamp 60 is not after the one before, 60: write one series, in order of time"},
		{"two metrics", truth, "x 1 60\ny 1 60\n", "a: metrics.om: it has 2 metrics: write one series"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a", tc.truth, tc.metrics)
			_, err := readAll(dir)
			if err == nil || strings.TrimPrefix(err.Error(), "read the series of "+dir+": "+dir+"/") != tc.want {
				t.Errorf("got error %v, want %s", err, tc.want)
			}
		})
	}
	if _, err := readAll(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no truth.json lies below") {
		t.Errorf("empty directory: got error %v", err)
	}
}
