package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/internal/promtest"
)

// startPast starts a Prometheus that knows five hours of a service's requests.
func startPast(t *testing.T, begin time.Time) *promtest.Server {
	t.Helper()
	var past strings.Builder
	past.WriteString("# TYPE requests gauge\n")
	for i := range 300 {
		fmt.Fprintf(&past, "requests{service=\"shop\"} %d %d\n", 100+i%7, begin.Add(time.Duration(i)*time.Minute).Unix())
	}
	dir := t.TempDir()
	promtest.LoadOpenMetrics(t, dir, past.String())
	return promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir})
}

func TestBacktest(t *testing.T) {
	begin := time.Date(2025, 3, 5, 12, 0, 0, 0, time.UTC)
	p := startPast(t, begin)
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	text := fmt.Sprintf("prometheus: {url: %q, history: 3h}\nsignals:\n  - {name: request_rate, query: requests}\n  - {name: db_qps, query: queries}\n", p.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	truth := filepath.Join(t.TempDir(), "incidents.yml")
	if err := os.WriteFile(truth, []byte("- {start: 2025-03-05T15:10:00Z, end: 2025-03-05T15:20:00Z, component: cache}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr []string // parts
	}{
		{
			"text", []string{"--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z"}, 0,
			[]string{"Wed 2025-03-05 15:00:00 to Wed 2025-03-05 16:39:00: 1h40m of 100 slots, 1 series, 100 samples\nincidents  0  0 per week\n"},
			[]string{"backtest: 100 %, 0s left\n", "tidemark: warning: signal db_qps: no data in the range: correct its query"},
		},
		{
			"unix seconds", []string{fmt.Sprintf("--start=%d", begin.Add(4*time.Hour).Unix()), fmt.Sprintf("--end=%d.5", begin.Add(4*time.Hour).Unix()+60)}, 0,
			[]string{"of 2 slots, 1 series, 2 samples"}, nil,
		},
		{
			"no history", []string{"--start=2025-03-05T12:00:00Z", "--end=2025-03-05T13:00:00Z"}, 0,
			[]string{"61 slots"}, []string{"there is no data before 2025-03-05T12:00:00Z to learn from"},
		},
		{
			"truth", []string{"--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z", "--truth=" + truth, "--truth.grace=5m"}, 0,
			[]string{"Wed 2025-03-05 15:10:00  {}  cache  missed\n", "recall        0 %, 0 of 1"}, nil,
		},
		{"compare", []string{"--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z", "--compare=" + file}, 0, []string{"0 only here, 0 only there, 0 in both"}, nil},
		{"no truth", []string{"--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z", "--truth=" + truth + "x"}, 1, nil, []string{"truth file: open"}},
		{"a cache that cannot be", []string{"--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z", "--cache.path=/dev/null/x"}, 0, []string{"of 100 slots"},
			[]string{"tidemark: warning: cache: mkdir /dev/null: not a directory: what Prometheus answers is not kept for the next time; choose another --cache.path\n"}},
		{"no rate", []string{"--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z", "--max-query-rate=-1"}, 1, nil, []string{"--max-query-rate -1 is not a rate: write a number of queries per second such as 20, or 0 for no limit"}},
		{"malformed start", []string{"--start=yesterday", "--end=1741176000"}, 1, nil, []string{`--start "yesterday" is not a time: write RFC 3339 such as`}},
		{"malformed end", []string{"--start=1741176000", "--end=1e99"}, 1, nil, []string{`--end "1e99" is not a time`}},
		{"end before start", []string{"--start=1741176000", "--end=1741172400"}, 1, nil, []string{"is not after the start"}},
		{"no data", []string{"--start=2025-03-06T15:00:00Z", "--end=2025-03-06T16:39:00Z"}, 1, nil, []string{"no data between 2025-03-06T15:00:00Z and 2025-03-06T16:39:00Z of any signal (request_rate, db_qps)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), append([]string{"backtest", "--config.file=" + file}, tc.args...), &stdout, &stderr); code != tc.code {
				t.Errorf("exit code %d, want %d; standard error:\n%s", code, tc.code, stderr.String())
			}
			for _, part := range tc.stdout {
				if !strings.Contains(stdout.String(), part) {
					t.Errorf("standard output:\n%s\nwant …%s…", stdout.String(), part)
				}
			}
			for _, part := range tc.stderr {
				if !strings.Contains(stderr.String(), part) {
					t.Errorf("standard error:\n%s\nwant …%s…", stderr.String(), part)
				}
			}
			if tc.code != 0 && stdout.Len() > 0 {
				t.Errorf("standard output of an error: %s", stdout.String())
			}
		})
	}

	t.Run("json", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		args := []string{"backtest", "--config.file=" + file, "--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z", "--output=json"}
		if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
			t.Fatalf("exit code %d, want 0; standard error:\n%s", code, stderr.String())
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
			t.Fatalf("%v:\n%s", err, stdout.String())
		}
		if len(got) != 3 || string(got["incidents"]) != "[]" || string(got["anomalies"]) != "[]" || len(got["stats"]) == 0 {
			t.Errorf("got %s, want no incidents and anomalies, and stats", stdout.String())
		}
	})

	t.Run("html file", func(t *testing.T) {
		dir := t.TempDir()
		report := filepath.Join(dir, "report.html")
		var stdout, stderr bytes.Buffer
		args := []string{"backtest", "--config.file=" + file, "--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z", "--output=html"}
		if code := run(t.Context(), append(args, "--output.file="+report), &stdout, &stderr); code != 0 || stdout.Len() > 0 {
			t.Fatalf("exit code %d, want 0; standard error:\n%s\nstandard output:\n%s", code, stderr.String(), stdout.String())
		}
		text, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"<!doctype html>", "Nothing would have paged.", "4.5 (now)", "</html>"} {
			if !bytes.Contains(text, []byte(want)) {
				t.Errorf("the page does not hold %s", want)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("got %v, want the report alone", left)
		}
		stderr.Reset()
		if code := run(t.Context(), append(args, "--output.file="+filepath.Join(dir, "no", "report.html")), &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "no such file or directory") {
			t.Errorf("a directory that is missing: exit code %d, %s", code, stderr.String())
		}
	})
}

// interrupter cancels a context at the first sign of progress.
type interrupter struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (i *interrupter) Write(text []byte) (int, error) {
	if bytes.Contains(text, []byte("left")) {
		i.cancel()
	}
	return i.Buffer.Write(text)
}

// TestInterruptedBacktest has somebody press Ctrl-C, and start it again.
func TestInterruptedBacktest(t *testing.T) {
	p := startPast(t, time.Date(2025, 3, 5, 12, 0, 0, 0, time.UTC))
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	text := fmt.Sprintf("prometheus: {url: %q, history: 3h, points_per_query: 60}\nsignals:\n  - {name: request_rate, query: requests}\n", p.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"backtest", "--config.file=" + file, "--start=2025-03-05T15:00:00Z", "--end=2025-03-05T16:39:00Z", "--output=json"}
	cache := "--cache.path=" + t.TempDir()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{args, "tidemark: interrupted: with --cache.path=DIR the next run would not ask again for what it has read\n"},
		{append(slices.Clip(args), cache), "tidemark: interrupted: the next run goes on with what is not read yet\n"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stderr := &interrupter{cancel: cancel}
		if code := run(ctx, tc.args, &bytes.Buffer{}, stderr); code != 1 || !strings.HasSuffix(stderr.String(), tc.want) {
			t.Errorf("got exit code %d and %q, want 1 and …%q", code, stderr.String(), tc.want)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), append(slices.Clip(args), cache), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d, want 0; standard error:\n%s", code, stderr.String())
	}
	var got struct {
		Stats struct {
			Chunks   int
			Recalled int `json:"recalled_queries"`
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if s := got.Stats; s.Chunks < 5 || s.Recalled == 0 || s.Recalled >= s.Chunks {
		t.Errorf("got %d chunks of which %d were known, want five or more, and some of them", s.Chunks, s.Recalled)
	}
}
