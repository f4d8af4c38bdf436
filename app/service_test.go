package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/exporter-toolkit/web"

	"tidemark/app"
)

// step is the scrape and evaluation interval of the tests.
const step = 2 * time.Second

// metrics of a web stack, by name, while all is well.
var usual = map[string]float64{
	"t_requests":           100,
	"t_error_ratio":        0.005,
	"t_latency":            0.08,
	"t_hit_ratio":          0.93,
	"t_lookups_per_req":    1,
	"t_queries_per_req":    0.2,
	"t_database_latency":   0.005,
	"t_database_query_qps": 20,
}

// bypassed is what a cache that is not asked does to them.
var bypassed = map[string]float64{
	"t_error_ratio": 4, "t_latency": 2, "t_lookups_per_req": 0.02, "t_queries_per_req": 5, "t_database_query_qps": 5, "t_database_latency": 3,
}

// value returns a metric at a time: noise about its level that depends on
// nothing but the name and the time.
func value(name string, ts time.Time, broken bool) float64 {
	seed := uint64(len(name))
	for _, c := range name {
		seed = seed*31 + uint64(c)
	}
	rng := rand.New(rand.NewPCG(seed, uint64(ts.Unix())))
	v := usual[name]
	if f, ok := bypassed[name]; ok && broken {
		v *= f
	}
	if name == "t_error_ratio" || name == "t_hit_ratio" { // of about 1000 observations
		return math.Min(1, math.Max(0, v+math.Sqrt(v*(1-v)/1000)*rng.NormFloat64()))
	}
	return v * math.Exp(0.03*rng.NormFloat64())
}

// target is a scrape target that can be broken.
type target struct {
	*httptest.Server
	broken atomic.Bool
}

func newTarget(t *testing.T) *target {
	tg := &target{}
	tg.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now()
		for name := range usual {
			fmt.Fprintf(w, "%s{service=\"shop\"} %g\n", name, value(name, now, tg.broken.Load()))
		}
	}))
	t.Cleanup(tg.Close)
	return tg
}

// history is what the target would have shown before now.
func history(from, to time.Time) string {
	var b strings.Builder
	for name := range usual {
		fmt.Fprintf(&b, "# TYPE %s gauge\n", name)
		for ts := from; ts.Before(to); ts = ts.Add(step) {
			fmt.Fprintf(&b, "%s{instance=\"%s\",job=\"web\",service=\"shop\"} %g %d\n", name, "target", value(name, ts, false), ts.Unix())
		}
	}
	return b.String()
}

const configText = `
global: {evaluation_interval: 2s, query_offset: 1s, external_labels: {cluster: test}}
prometheus: {url: %q, history: 26h}
signals:
  - {name: request_rate, query: t_requests}
  - {name: error_ratio, query: t_error_ratio, support: 500 * t_requests / t_requests}
  - {name: latency_p99, query: t_latency}
  - {name: cache_hit_ratio, query: t_hit_ratio, support: 500 * t_requests / t_requests}
  - {name: cache_lookups_per_request, query: t_lookups_per_req}
  - {name: db_queries_per_request, query: t_queries_per_req}
  - {name: db_latency, query: t_database_latency}
  - {name: db_qps, query: t_database_query_qps}
rule_files: [rules.yml]
alerting:
  alertmanagers: [{url: %q}]
  resend_delay: 2s
`

// rulesText replaces the built-in rule by one that ends sooner, so that the
// test does.
const rulesText = `
rules:
  - name: cache_bypass
    suspect: cache
    severity: critical
    priority: 10
    keep_firing_for: 6s
    all:
      - {signal: cache_lookups_per_request, is: down}
      - {signal: db_queries_per_request, is: up}
    support:
      - {signal: latency_p99, is: up}
      - {signal: error_ratio, is: up}
    summary: Requests go past the cache.
    runbook: /runbooks/cache_bypass
`

// service is a running tidemark.
type service struct {
	t    *testing.T
	URL  string
	stop func()
}

// options are those of a service on the files in dir.
func options(dir string, log io.Writer, listening func(address string)) app.Options {
	addresses, webConfig, systemd := []string{"127.0.0.1:0"}, "", false
	return app.Options{
		ConfigFile:      filepath.Join(dir, "tidemark.yml"),
		StoragePath:     filepath.Join(dir, "data"),
		ExternalURL:     "http://tidemark.test/",
		EnableLifecycle: true,
		EnableAdminAPI:  true,
		EnableEvents:    true,
		Web:             &web.FlagConfig{WebListenAddresses: &addresses, WebConfigFile: &webConfig, WebSystemdSocket: &systemd},
		Logger:          promslog.New(&promslog.Config{Writer: log}),
		Listening:       func(a []net.Addr) { listening(a[0].String()) },
	}
}

// start runs tidemark until stop is called.
func start(t *testing.T, dir string) *service {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	bound := make(chan string, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, options(dir, logWriter{t}, func(address string) { bound <- address }))
	}()
	s := &service{t: t}
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("tidemark ended with: %v", err)
		}
		s.stop = func() {}
	}
	t.Cleanup(func() { s.stop() })
	select {
	case address := <-bound:
		s.URL = "http://" + address
	case err := <-ended:
		ended <- nil
		t.Fatalf("tidemark does not start: %v", err)
	}
	return s
}

// childDir names the variable that makes this test binary a tidemark on the
// files in a directory.
const childDir = "TIDEMARK_APP_TEST_DIR"

// TestChild is the process that startProcess starts.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return // an ordinary run: there is nothing to be a child of
	}
	err := app.Run(t.Context(), options(dir, os.Stderr, func(address string) { fmt.Println(address) }))
	t.Fatalf("tidemark ended: %v", err)
}

// startProcess runs tidemark in a process of its own; stop kills it.
func startProcess(t *testing.T, dir string) *service {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = logWriter{t}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	s := &service{t: t}
	s.stop = func() {
		if err := child.Process.Kill(); err != nil {
			t.Errorf("kill tidemark: %v", err)
		}
		_ = child.Wait() // it was killed
		s.stop = func() {}
	}
	t.Cleanup(func() { s.stop() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("tidemark does not start: %v", err)
	}
	s.URL = "http://" + strings.TrimSpace(address)
	return s
}

// logWriter puts the log into the test's.
type logWriter struct{ t *testing.T }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// get reads JSON from a URL, and reports whether it could.
func get(t *testing.T, url string, into any) bool {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return true
}

// incidentJSON is what the tests look at of an incident.
type incidentJSON struct {
	ID, Rule, State, Severity, Suspect string
	StartedAt                          time.Time `json:"started_at"`
	DetectedAt                         time.Time `json:"detected_at"`
	Held                               bool
}

func (s *service) incidents() []incidentJSON {
	s.t.Helper()
	var body struct {
		Data struct{ Incidents []incidentJSON }
	}
	if !get(s.t, s.URL+"/incidents?state=all", &body) {
		return nil
	}
	return body.Data.Incidents
}

func (s *service) ready() bool {
	resp, err := http.Get(s.URL + "/-/ready")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// text returns what is served under a path.
func (s *service) text(path string) string {
	s.t.Helper()
	resp, err := http.Get(s.URL + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

// reload asks for the configuration to be read again.
func (s *service) reload() (code int, body string) {
	s.t.Helper()
	resp, err := http.Post(s.URL+"/-/reload", "", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// alertJSON is what the tests look at of an alert in Alertmanager.
type alertJSON struct {
	Labels       map[string]string
	Annotations  map[string]string
	StartsAt     time.Time
	GeneratorURL string
}

// alerts returns the active alerts, and whether Alertmanager answered.
func alerts(t *testing.T, url string) ([]alertJSON, bool) {
	t.Helper()
	var all []alertJSON
	ok := get(t, url+"/api/v2/alerts?active=true", &all)
	return all, ok
}

// eventually waits until something holds.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
