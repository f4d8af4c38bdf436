package discover_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	promconfig "github.com/prometheus/common/config"

	"tidemark/config"
	"tidemark/discover"
	"tidemark/ingest"
	"tidemark/internal/promtest"
)

var update = flag.Bool("update", false, "write the configurations that are expected")

// epoch is when the first stack had its last sample. Each stack has a time of its
// own, far enough from the others' that no block of Prometheus has two of them.
var epoch = time.Date(2026, 1, 5, 6, 0, 0, 0, time.UTC)

const (
	apart   = 6 * time.Hour
	history = 20 * time.Minute
	scrape  = 15 * time.Second
)

// replay writes the samples that lead up to a time. A line is a series and its
// value, or its increase per second after a plus sign.
func replay(t *testing.T, b *strings.Builder, text string, until time.Time) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		series, value, _ := strings.Cut(line, "} ")
		rate, counter := strings.CutPrefix(value, "+")
		v, err := strconv.ParseFloat(rate, 64)
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		for back := history; back >= 0; back -= scrape {
			sample := v
			if counter {
				sample = 1000 + v*(history-back).Seconds()
			}
			fmt.Fprintf(b, "%s} %g %d\n", series, sample, until.Add(-back).Unix())
		}
	}
}

func source(t *testing.T, address string) *ingest.Source {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c := ingest.DefaultConfig
	c.URL = promconfig.URL{URL: u}
	s, err := ingest.New(c, nil, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write runs a discovery, writes what it found to a file, and checks that the
// file is a valid configuration all of whose queries give data.
func write(t *testing.T, s *ingest.Source, o discover.Options) string {
	t.Helper()
	o.Prometheus = s
	r, err := discover.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	var b strings.Builder
	if err := r.Write(&b, "url: "+s.Address()+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	for _, sig := range c.Signals {
		for _, query := range []string{sig.Query, sig.Support} {
			if query == "" {
				continue
			}
			if v, err := s.Instant(t.Context(), query, o.At); err != nil || len(v) == 0 {
				t.Errorf("query %s of %s gives %d series, %v, want some", query, sig.Name, len(v), err)
			}
		}
	}
	return strings.ReplaceAll(b.String(), s.Address(), "http://prometheus:9090")
}

// TestStacks compares what is proposed for some stacks with testdata/*.yml.
func TestStacks(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no stacks in testdata: %v", err)
	}
	var samples strings.Builder
	at := map[string]time.Time{}
	for i, input := range inputs {
		text, err := os.ReadFile(input)
		if err != nil {
			t.Fatal(err)
		}
		at[input] = epoch.Add(time.Duration(i) * apart)
		replay(t, &samples, string(text), at[input])
	}
	dir := t.TempDir()
	promtest.LoadOpenMetrics(t, dir, samples.String())
	s := source(t, promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir}).URL)

	for _, input := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(input), ".txt"), func(t *testing.T) {
			got := write(t, s, discover.Options{At: at[input], History: 14 * 24 * time.Hour, MaxSeries: 1000, Prefer: []string{"service"}})
			golden := strings.TrimSuffix(input, ".txt") + ".yml"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("configuration (-want +got); after a look at it, run the test with -update:\n%s", diff)
			}
		})
	}
	t.Run("too many series", func(t *testing.T) {
		const stack = "testdata/shop.txt" // two services
		got := write(t, s, discover.Options{At: at[stack], History: time.Hour, MaxSeries: 1, Prefer: []string{"service"}})
		unbroken := strings.Join(strings.Fields(strings.ReplaceAll(got, "#", "")), " ")
		for _, want := range []string{
			"up to 100/s; it has 2 series, more than max_series_per_signal (1). - name: request_rate query: ",
			"1 series, 41.7 ms now. - name: latency_p50",
		} {
			if !strings.Contains(unbroken, want) {
				t.Errorf("the configuration does not have %q:\n%s", want, got)
			}
		}
	})
}
