package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v2"

	"tidemark/signal"
)

func TestSignals(t *testing.T) {
	got, err := readSignals()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"request_rate", "error_ratio", "latency_p50", "latency_p99",
		"cache_hit_ratio", "cache_lookups_per_request", "cache_served_ratio", "cache_evictions",
		"cache_expirations", "cache_errors", "cache_latency", "cache_up",
		"db_qps", "db_queries_per_request", "db_latency", "db_connections_used_ratio", "db_pool_wait", "db_errors",
		"deploys", "cache_settings", "process_restarts",
	} {
		if _, ok := got[name]; !ok {
			t.Errorf("signal %s is missing", name)
		}
		if _, ok := signal.Standard[name]; !ok {
			t.Errorf("signal %s is no standard signal", name)
		}
	}
}

// TestHistoryHasTheLabelsOfTheScrape makes sure that past and present are the
// same series, and that the addresses in the files are those that are replaced.
func TestHistoryHasTheLabelsOfTheScrape(t *testing.T) {
	text, err := configs.ReadFile("prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		ScrapeConfigs []struct {
			JobName       string `yaml:"job_name"`
			StaticConfigs []struct {
				Targets []string
				Labels  map[string]string
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	targets := map[string]string{}
	for _, s := range config.ScrapeConfigs {
		targets[s.JobName] = s.StaticConfigs[0].Targets[0]
		if s.JobName != "shop" {
			continue
		}
		labels := map[string]string{"job": s.JobName, "service": "shop"}
		for name, value := range s.StaticConfigs[0].Labels {
			labels[name] = value
		}
		if diff := cmp.Diff(labels, historyLabels); diff != "" {
			t.Errorf("labels (-scrape +history):\n%s", diff)
		}
	}
	if diff := cmp.Diff(map[string]string{"shop": shopAddr, "tidemark": tidemarkAddr}, targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func TestWriteConfig(t *testing.T) {
	s := &stack{dir: t.TempDir(), addrs: map[string]string{
		prometheusAddr: "127.0.0.1:1", alertmanagerAddr: "127.0.0.1:2", tidemarkAddr: "127.0.0.1:3", shopAddr: "127.0.0.1:4",
	}}
	for name, want := range map[string][]string{
		"tidemark.yml":   {"url: http://127.0.0.1:1\n", "url: http://127.0.0.1:2\n"},
		"prometheus.yml": {"[127.0.0.1:3]", "[127.0.0.1:4]"},
	} {
		if err := s.writeConfig(name); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s does not contain %q:\n%s", name, w, text)
			}
		}
	}
}

func TestFreeAddr(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	other, err := freeAddr(t.Context(), taken.Addr().String())
	if err != nil || other == taken.Addr().String() {
		t.Errorf("free address %s, %v, want another than %s", other, err, taken.Addr())
	}
	same, err := freeAddr(t.Context(), other)
	if err != nil || same != other {
		t.Errorf("free address %s, %v, want %s, which is free", same, err, other)
	}
}

func TestJudge(t *testing.T) {
	cache := map[string]alert{"1": {Labels: map[string]string{"alertname": "CacheBypass", "service": "shop"}}}
	both := map[string]alert{"1": cache["1"], "2": {Labels: map[string]string{"alertname": "DatabaseSlow"}}}
	for _, tc := range []struct {
		name      string
		component string
		suspect   string
		quiet     bool
		seen      map[string]alert
		want      string // the problem
	}{
		{"right", "cache", "cache", true, cache, ""},
		{"wrong component", "database", "cache", true, cache, "the alert points at cache instead of database"},
		{"no alert", "cache", "", true, nil, "no alert within 5m0s"},
		{"two alerts", "cache", "cache", true, both, "2 alerts instead of one: CacheBypass service=shop; DatabaseSlow"},
		{"not resolved", "cache", "cache", false, cache, "not resolved within 6m0s of the repair"},
		{"rightly quiet", "", "", true, nil, ""},
		{"false alarm", "", "cache", true, cache, "there should be no alert, but there is: CacheBypass service=shop"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := story{scenario: scenario{component: tc.component}, suspect: tc.suspect}
			got := ""
			if err := st.judge(tc.quiet, tc.seen); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("problem %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTable(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	newTerminal(file).table([]story{
		{scenario: scenario{"cache_bypass", "cache"}, verdict: "cache_bypass", suspect: "cache", alertAfter: 12 * time.Second, resolvedAfter: 90 * time.Second, alerts: 1},
		{scenario: scenario{"good_deploy", ""}},
		{scenario: scenario{"ttl_zero", "cache"}, problem: errors.New("no alert within 5m0s")},
	})
	got, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := `
FAULT         VERDICT       COMPONENT  EXPECTED  ALERT AFTER  ALERTS  RESOLVED AFTER  
cache_bypass  cache_bypass  cache      cache     12 s         1       90 s            as it should be
good_deploy   none          –          none      –            0       –               as it should be
ttl_zero      none          –          cache     –            0       –               no alert within 5m0s
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestProcessThatDies(t *testing.T) {
	p, err := startProcess(t.Context(), t.TempDir(), "server", "sh", "-c", "echo first; echo last words >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	p.watch(ctx, cancel)
	want := "server died: exit status 3. The end of its log:\nfirst\nlast words"
	if got := context.Cause(ctx); got == nil || got.Error() != want {
		t.Errorf("cause %v, want %s", got, want)
	}
	p.stop() // of what has ended is not an error, nor does it wait
}

func TestProcessStopsWithItsChildren(t *testing.T) {
	dir := t.TempDir()
	p, err := startProcess(t.Context(), dir, "server", "sh", "-c", "sleep 1000 & echo $!; wait")
	if err != nil {
		t.Fatal(err)
	}
	var child int
	for child == 0 {
		text, err := os.ReadFile(p.log)
		if err != nil {
			t.Fatal(err)
		}
		if line, _, ok := strings.Cut(string(text), "\n"); ok {
			child, _ = strconv.Atoi(line)
		}
	}
	p.stop()
	select {
	case <-p.done:
	default:
		t.Error("the server runs on")
	}
	for deadline := time.Now().Add(10 * time.Second); runs(child); {
		if time.Now().After(deadline) {
			t.Fatal("its child runs on")
		}
	}
}

// runs reports whether a process has not ended. One that has ended but that
// nobody waited for still takes signals.
func runs(pid int) bool {
	state, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && syscall.Kill(pid, 0) == nil && !strings.Contains(string(state), ") Z ")
}

func TestScenariosAreFaultsOfTheShop(t *testing.T) {
	got := slices.Sorted(slices.Values(names()))
	want := []string{
		"bad_deploy", "cache_bypass", "cache_down", "good_deploy", "n_plus_one",
		"slow_database", "small_cache", "traffic_x3", "ttl_zero",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenarios (-want +got):\n%s", diff)
	}
}
