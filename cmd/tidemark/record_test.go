package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/promtest"
)

// TestRecordAndReplay records an outage from a Prometheus, and replays it without
// one.
func TestRecordAndReplay(t *testing.T) {
	begin := time.Date(2025, 3, 5, 12, 0, 0, 0, time.UTC)
	outage := begin.Add(25 * time.Hour)
	rng := rand.New(rand.NewPCG(1, 2))
	var past strings.Builder
	add := func(name, labels string, of func(down bool) float64) {
		fmt.Fprintf(&past, "# TYPE %s gauge\n", name)
		for ts := begin; ts.Before(begin.Add(27 * time.Hour)); ts = ts.Add(time.Minute) {
			v := of(!ts.Before(outage) && ts.Before(outage.Add(30*time.Minute)))
			fmt.Fprintf(&past, "%s{%s} %g %d\n", name, labels, v*math.Exp(0.03*rng.NormFloat64()), ts.Unix())
		}
	}
	add("requests", `service="shop-de"`, func(bool) float64 { return 100 })
	add("cache", `service="shop-de",instance="redis-de:6379"`, func(down bool) float64 {
		if down {
			return 0
		}
		return 1
	})
	add("queries", `service="shop-de"`, func(down bool) float64 {
		if down {
			return 2
		}
		return 0.35
	})
	add("others", `service="blog"`, func(bool) float64 { return 5 })
	dir := t.TempDir()
	promtest.LoadOpenMetrics(t, dir, past.String())
	p := promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir})

	where := t.TempDir()
	file := filepath.Join(where, "tidemark.yml")
	text := fmt.Sprintf("prometheus: {url: %q, history: 1d}\nsignals:\n  - {name: request_rate, query: 'requests or others'}\n"+
		"  - {name: cache_up, query: cache}\n  - {name: db_queries_per_request, query: queries, support: requests}\n", p.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	type incident struct {
		Rule       string
		ID         string
		StartedAt  time.Time `json:"started_at"`
		ResolvedAt time.Time `json:"resolved_at"`
		Confidence float64
		Summary    string
	}
	// told runs a command that has to succeed, and reads what it prints.
	told := func(into any, args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
			t.Fatalf("%v: exit code %d, want 0; standard error:\n%s%s", args, code, stderr.String(), stdout.String())
		}
		if strings.Contains(stderr.String(), "differs") {
			t.Errorf("%v: %s", args, stderr.String())
		}
		if err := json.Unmarshal(stdout.Bytes(), into); err != nil {
			t.Fatalf("%v: %v:\n%s", args, err, stdout.String())
		}
	}
	backtest := []string{"backtest", "--config.file=" + file, "--start=2025-03-06T12:00:00Z", "--end=2025-03-06T14:30:00Z", "--output=json"}
	var before struct{ Incidents []incident }
	for _, anonymise := range []bool{true, false} {
		record := filepath.Join(where, "outage.txtar")
		args := []string{"--record=" + record}
		if anonymise {
			args = append(args, "--anonymise")
		}
		told(&before, append(backtest, args...)...)
		if len(before.Incidents) != 1 || before.Incidents[0].Rule != "cache_down" {
			t.Fatalf("got incidents %v, want that the cache was down", before.Incidents)
		}
		text, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "blog") || strings.Contains(string(text), "requests or others") {
			t.Errorf("the scenario tells of another service, or queries:\n%s", text[:1000])
		}
		if leaks := strings.Contains(string(text), "-de"); leaks == anonymise {
			t.Errorf("anonymised %t, and names are told %t", anonymise, leaks)
		}
		var after struct {
			Scenarios []struct {
				Passed    bool
				Incidents []incident
			}
		}
		told(&after, "test", "rules", "--output=json", record)
		if anonymise {
			continue // identities are made of labels
		}
		if diff := cmp.Diff(before.Incidents, after.Scenarios[0].Incidents); diff != "" {
			t.Errorf("incidents (-backtest +replay):\n%s", diff)
		}
	}

	t.Run("no scenario to anonymise", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append(backtest, "--anonymise"), &stdout, &stderr)
		if want := "tidemark: --anonymise goes with --record: name the scenario file to write\n"; code != 1 || stderr.String() != want {
			t.Errorf("got exit code %d and %q, want 1 and %q", code, stderr.String(), want)
		}
	})
	t.Run("no such directory", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append(backtest, "--record="+where+"/none/x.txtar"), &stdout, &stderr)
		if want := "none/x.txtar: no such file or directory\n"; code != 1 || !strings.HasSuffix(stderr.String(), want) {
			t.Errorf("got exit code %d and %q, want 1 and …%q", code, stderr.String(), want)
		}
	})
}
