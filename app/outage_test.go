package app_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/promtest"
)

// TestOneIncident plays the life of an incident on real servers: a fault, an
// outage of Prometheus, kill -9, a restart, an outage of Alertmanager, and the
// repair.
func TestOneIncident(t *testing.T) {
	shop := newTarget(t)
	promDir := t.TempDir()
	now := time.Now().Truncate(step)
	promtest.LoadOpenMetrics(t, promDir, history(now.Add(-26*time.Hour), now))
	prometheus := promtest.StartPrometheus(t, promtest.PrometheusOptions{
		Dir:  promDir,
		Args: []string{"--query.lookback-delta=5s"}, // so that an outage is a gap
		Config: fmt.Sprintf(`
global: {scrape_interval: 2s}
scrape_configs:
  - job_name: web
    static_configs: [{targets: [%q], labels: {instance: target}}]
`, strings.TrimPrefix(shop.URL, "http://")),
	})
	alertmanager := promtest.StartAlertmanager(t, promtest.AlertmanagerOptions{})
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidemark.yml"), fmt.Sprintf(configText, prometheus.URL, alertmanager.URL))
	writeFile(t, filepath.Join(dir, "rules.yml"), rulesText)

	tidemark := startProcess(t, dir)
	eventually(t, time.Minute, "tidemark is ready", tidemark.ready)
	if got := tidemark.incidents(); len(got) != 0 {
		t.Fatalf("before the fault: %+v, want nothing", got)
	}

	shop.broken.Store(true)
	var first alertJSON
	eventually(t, 30*time.Second, "the fault is an alert", func() bool {
		all, _ := alerts(t, alertmanager.URL)
		if len(all) > 0 {
			first = all[0]
		}
		return len(all) > 0
	})
	want := map[string]string{
		"alertname": "CacheBypass", "severity": "critical", "component": "cache", "service": "shop", "cluster": "test",
	}
	if diff := cmp.Diff(want, first.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	in := tidemark.incidents()
	if len(in) != 1 || in[0].State != "firing" || in[0].Suspect != "cache" {
		t.Fatalf("incidents %+v, want one that fires for the cache", in)
	}
	if cycles := in[0].DetectedAt.Sub(in[0].StartedAt) / step; cycles > 5 {
		t.Errorf("detected %d cycles after the onset, want 5 at most", cycles)
	}
	if want := "http://tidemark.test/incidents/" + in[0].ID; first.GeneratorURL != want {
		t.Errorf("generator URL %s, want %s", first.GeneratorURL, want)
	}
	if want := "http://tidemark.test/runbooks/cache_bypass"; first.Annotations["runbook_url"] != want {
		t.Errorf("runbook URL %s, want %s", first.Annotations["runbook_url"], want)
	}

	same := func(what string) {
		t.Helper()
		all, ok := alerts(t, alertmanager.URL)
		if !ok || len(all) != 1 || cmp.Diff(first.Labels, all[0].Labels) != "" || !all[0].StartsAt.Equal(first.StartsAt) {
			t.Fatalf("%s: alerts %+v, want the one from before, since %v", what, all, first.StartsAt)
		}
		now := tidemark.incidents()
		if len(now) != 1 || now[0].ID != in[0].ID || now[0].State != "firing" {
			t.Fatalf("%s: incidents %+v, want %s firing", what, now, in[0].ID)
		}
	}

	// Prometheus goes away for longer than keep_firing_for.
	prometheus.Stop()
	eventually(t, 20*time.Second, "the incident is held", func() bool {
		now := tidemark.incidents()
		return len(now) == 1 && now[0].Held
	})
	for range 5 {
		time.Sleep(step) // time is what is tested: nothing may change
		same("Prometheus is away")
	}
	prometheus.Start()
	eventually(t, 20*time.Second, "the incident goes on", func() bool {
		now := tidemark.incidents()
		return len(now) == 1 && !now[0].Held
	})
	same("Prometheus is back")

	// tidemark is killed in the middle of the incident, then restarted in order.
	for _, how := range []string{"killed", "stopped"} {
		tidemark.stop()
		if all, ok := alerts(t, alertmanager.URL); !ok || len(all) != 1 {
			t.Fatalf("while tidemark is %s: alerts %+v, want one", how, all)
		}
		tidemark = start(t, dir)
		same("tidemark was " + how + " and learns")
		eventually(t, time.Minute, "tidemark is ready again", tidemark.ready)
		same("tidemark was " + how + " and is ready again")
	}

	// Alertmanager goes away and forgets.
	alertmanager.Stop()
	time.Sleep(2 * step) // some deliveries fail
	alertmanager.Start()
	eventually(t, 30*time.Second, "the alert is delivered to the Alertmanager that is back", func() bool {
		all, _ := alerts(t, alertmanager.URL)
		return len(all) == 1
	})
	same("Alertmanager is back")

	shop.broken.Store(false)
	eventually(t, 60*time.Second, "the alert is resolved", func() bool {
		all, ok := alerts(t, alertmanager.URL)
		return ok && len(all) == 0
	})
	now2 := tidemark.incidents()
	if len(now2) != 1 || now2[0].State != "resolved" || now2[0].ID != in[0].ID {
		t.Errorf("after the repair: %+v, want the one incident resolved", now2)
	}
}

// TestPrometheusIsMissingAtStart checks that tidemark starts without
// Prometheus, says that it is not ready, and learns once Prometheus is there;
// and that a reload changes what is watched, or nothing at all.
func TestPrometheusIsMissingAtStart(t *testing.T) {
	shop := newTarget(t)
	prometheus := promtest.StartPrometheus(t, promtest.PrometheusOptions{
		Config: fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: web, static_configs: [{targets: [%q]}]}]\n", strings.TrimPrefix(shop.URL, "http://")),
	})
	prometheus.Stop()
	dir := t.TempDir()
	file := filepath.Join(dir, "tidemark.yml")
	text := fmt.Sprintf(strings.Replace(configText, "26h", "1m", 1), prometheus.URL, "http://127.0.0.1:1")
	writeFile(t, file, text)
	writeFile(t, filepath.Join(dir, "rules.yml"), rulesText)
	tidemark := start(t, dir)
	if tidemark.ready() {
		t.Fatal("tidemark is ready without Prometheus")
	}
	prometheus.Start()
	eventually(t, 2*time.Minute, "tidemark is ready", tidemark.ready)

	writeFile(t, file, strings.Replace(text, "t_requests}", "sum(}", 1))
	if code, body := tidemark.reload(); code != http.StatusInternalServerError || !strings.Contains(body, `signal \"request_rate\"`) && !strings.Contains(body, `signal "request_rate"`) {
		t.Errorf("reload of a bad configuration: %d %s, want 500 and the signal's name", code, body)
	}
	if got := tidemark.text("/metrics"); !strings.Contains(got, "tidemark_config_last_reload_successful 0\n") {
		t.Error("the metric does not say that the reload was not successful")
	}
	if !tidemark.ready() {
		t.Error("a bad configuration makes tidemark not ready")
	}

	writeFile(t, file, strings.Replace(text, "name: latency_p99", "name: latency_p95", 1))
	if code, body := tidemark.reload(); code != http.StatusOK {
		t.Fatalf("reload: %d %s, want 200", code, body)
	}
	if got := tidemark.text("/config"); !strings.Contains(got, "latency_p95") || strings.Contains(got, "latency_p99") {
		t.Errorf("the configuration in force is still the old one:\n%s", got)
	}
	eventually(t, time.Minute, "the new signal is read", func() bool {
		return strings.Contains(tidemark.text("/metrics"), `tidemark_engine_series{state="learning"} 8`)
	})
}
