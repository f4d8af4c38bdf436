package discover_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tidemark/demo/shop"
	"tidemark/discover"
	"tidemark/internal/backendtest"
	"tidemark/internal/promtest"
)

// TestRealExporters finds the signals of a shop behind HAProxy, with Redis and
// PostgreSQL and their exporters beside it, all scraped by a real Prometheus.
func TestRealExporters(t *testing.T) {
	web := startShop(t)
	front, haproxy := startHAProxy(t, web)
	redis := startRedis(t)
	postgres := startPostgres(t)
	p := promtest.StartPrometheus(t, promtest.PrometheusOptions{Config: fmt.Sprintf(`
global: {scrape_interval: 500ms, scrape_timeout: 500ms}
scrape_configs:
  - {job_name: shop, static_configs: [{targets: [%q]}]}
  - {job_name: haproxy, static_configs: [{targets: [%q]}]}
  - {job_name: redis, static_configs: [{targets: [%q]}]}
  - {job_name: postgres, static_configs: [{targets: [%q]}]}
`, web, haproxy, redis, postgres)})
	visit(t, "http://"+front)

	s := source(t, p.URL)
	backendtest.Await(t, "three scrapes of all four", func() error {
		v, err := s.Instant(t.Context(), "count(sum_over_time(up[1m]) >= 3)", time.Now())
		if err == nil && (len(v) == 0 || v[0].Value < 4) {
			err = fmt.Errorf("%v have answered", v)
		}
		return err
	})

	o := discover.Options{Prometheus: s, At: time.Now(), History: 14 * 24 * time.Hour, MaxSeries: 1000, Prefer: []string{"service"}}
	r, err := discover.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	got, others := map[string]string{}, map[string]string{}
	for _, c := range r.Choices {
		if c.Taken != nil {
			got[c.Signal] = c.Taken.From
		}
		for _, o := range c.Others {
			others[c.Signal] = o.From // the last one
		}
	}
	const (
		http                        = "the application's HTTP metrics"
		cache                       = "the application's cache metrics shop_*"
		db                          = "the application's database metrics shop_*"
		redisServer, postgresServer = "Redis (redis_exporter)", "PostgreSQL (postgres_exporter)"
	)
	want := map[string]string{
		"request_rate": http, "error_ratio": http, "latency_p50": http, "latency_p99": http,
		"cache_hit_ratio": cache, "cache_lookups_per_request": cache, "cache_served_ratio": cache,
		"cache_evictions": cache, "cache_expirations": cache, "cache_errors": cache, "cache_latency": cache,
		"cache_up": cache, "cache_settings": cache, "cache_ttl": cache,
		"cache_restarts": redisServer, "cache_flushes": redisServer, "cache_policy": redisServer,
		"db_qps": db, "db_queries_per_request": db, "db_latency": db, "db_errors": db,
		"db_connections_used_ratio": db, "db_pool_wait": db,
		"db_settings": postgresServer, "db_shared_buffers": postgresServer,
		"deploys": "versions shop_*", "process_restarts": "process starts", "config_changes": "HAProxy",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources of the signals (-want +got):\n%s", diff)
	}
	for signal, from := range map[string]string{
		"request_rate": "HAProxy", "error_ratio": "HAProxy", "cache_hit_ratio": redisServer, "cache_up": redisServer,
		"cache_evictions": redisServer, "cache_settings": redisServer, "db_qps": postgresServer, "db_connections_used_ratio": postgresServer,
	} {
		if others[signal] != from {
			t.Errorf("the other choice for %s is from %q, want %q", signal, others[signal], from)
		}
	}
	text := write(t, s, o)
	if want := "# - db_restarts (PostgreSQL (postgres_exporter)): start postgres_exporter"; !strings.Contains(text, want) {
		t.Errorf("the configuration does not have %q:\n%s", want, text)
	}
}

// TestRealProbes finds what nginx, a probe and the machine tell of a shop that
// tells nothing itself.
func TestRealProbes(t *testing.T) {
	front, nginx := startNginx(t, startShop(t))
	node := startExporter(t, "prometheus-node-exporter", "--collector.disable-defaults", "--collector.cpu", "--collector.meminfo", "--collector.loadavg")
	blackbox := startExporter(t, "prometheus-blackbox-exporter", "--config.file="+file(t, "blackbox.yml", "modules: {http: {prober: http, timeout: 400ms}}\n"))
	p := promtest.StartPrometheus(t, promtest.PrometheusOptions{Config: fmt.Sprintf(`
global: {scrape_interval: 500ms, scrape_timeout: 500ms}
scrape_configs:
  - {job_name: nginx, static_configs: [{targets: [%q]}]}
  - {job_name: node, static_configs: [{targets: [%q]}]}
  - job_name: probe
    metrics_path: /probe
    params: {module: [http], target: ["http://%s/products/1"]}
    static_configs: [{targets: [%q]}]
    relabel_configs: [{target_label: instance, replacement: shop}]
`, nginx, node, front, blackbox)})
	visit(t, "http://"+front)
	s := source(t, p.URL)
	backendtest.Await(t, "three scrapes of all three", func() error {
		v, err := s.Instant(t.Context(), "count(sum_over_time(up[1m]) >= 3)", time.Now())
		if err == nil && (len(v) == 0 || v[0].Value < 3) {
			err = fmt.Errorf("%v have answered", v)
		}
		return err
	})
	o := discover.Options{Prometheus: s, At: time.Now(), History: time.Hour, MaxSeries: 1000, Prefer: []string{"service"}}
	r, err := discover.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range r.Choices {
		if c.Taken != nil {
			got[c.Signal] = c.Taken.From
		}
		for _, o := range c.Others {
			got["or "+c.Signal] = o.From
		}
	}
	// The exporters' own versions and starts say nothing of the shop.
	want := map[string]string{
		"request_rate":    "nginx (nginx-prometheus-exporter)",
		"or latency_mean": "probes (blackbox_exporter)", "or error_ratio": "probes (blackbox_exporter)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources of the signals (-want +got):\n%s", diff)
	}
	write(t, s, o)
}

// startNginx starts nginx in front of the shop, and its exporter, and returns the
// addresses of its front and of the exporter.
func startNginx(t *testing.T, backend string) (front, metrics string) {
	t.Helper()
	front = promtest.FreeAddress(t)
	status := promtest.FreeAddress(t)
	dir := t.TempDir()
	config := file(t, "nginx.conf", fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
  server { listen %[2]s; location / { proxy_pass http://%[3]s; } }
  server { listen %[4]s; location / { stub_status; } }
}
`, dir, front, backend, status))
	backendtest.Run(t, exec.Command(backendtest.Program(t, "nginx", "/usr/sbin/nginx"), "-c", config, "-p", dir, "-e", "stderr"))
	backendtest.Await(t, "nginx", func() error {
		resp, err := http.Get("http://" + status)
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	metrics = promtest.FreeAddress(t)
	backendtest.Run(t, exec.Command(backendtest.Program(t, "prometheus-nginx-exporter"), "-nginx.scrape-uri=http://"+status, "-web.listen-address="+metrics))
	return front, metrics
}

// startExporter starts an exporter that needs no server, and returns its address.
func startExporter(t *testing.T, name string, args ...string) (metrics string) {
	t.Helper()
	metrics = promtest.FreeAddress(t)
	backendtest.Run(t, exec.Command(backendtest.Program(t, name), append(args, "--web.listen-address="+metrics)...))
	return metrics
}

func file(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startShop opens the demo's shop, with a cache and a database of its own, and
// returns where it answers and shows its metrics.
func startShop(t *testing.T) (addr string) {
	t.Helper()
	m := shop.Default
	reg := prometheus.NewRegistry()
	s := shop.New(shop.Options{
		Model: m, Cache: shop.NewMemoryCache(m, 1), Database: shop.NewMemoryDatabase(m, 1), Seed: 1,
		Logger:     slog.New(slog.DiscardHandler),
		Registerer: prometheus.WrapRegistererWith(prometheus.Labels{"service": "shop"}, reg),
	})
	mux := http.NewServeMux()
	mux.Handle("/", s.Handler())
	mux.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// visit looks at the same few products until the test is over.
func visit(t *testing.T, url string) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	t.Cleanup(func() { stop(); <-done })
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/products/%d", url, i%5), nil)
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
}

// startHAProxy starts a proxy in front of the shop, and returns the addresses of
// its front and of its metrics.
func startHAProxy(t *testing.T, backend string) (front, metrics string) {
	t.Helper()
	front, metrics = promtest.FreeAddress(t), promtest.FreeAddress(t)
	config := file(t, "haproxy.cfg", fmt.Sprintf(`
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend public
  bind %s
  default_backend shop
frontend metrics
  bind %s
  http-request use-service prometheus-exporter
backend shop
  server shop1 %s
`, front, metrics, backend))
	backendtest.Run(t, exec.Command(backendtest.Program(t, "haproxy", "/usr/sbin/haproxy"), "-db", "-f", config))
	return front, metrics
}

// startRedis starts Redis and its exporter, and returns the address of the
// exporter.
func startRedis(t *testing.T) (metrics string) {
	t.Helper()
	server := backendtest.StartRedis(t)
	metrics = promtest.FreeAddress(t)
	backendtest.Run(t, exec.Command(backendtest.Program(t, "prometheus-redis-exporter"), "--redis.addr=redis://"+server, "--web.listen-address="+metrics))
	return metrics
}

// startPostgres starts PostgreSQL and its exporter, and returns the address of
// the exporter.
func startPostgres(t *testing.T) (metrics string) {
	t.Helper()
	server := backendtest.StartPostgres(t)
	metrics = promtest.FreeAddress(t)
	exporter := exec.Command(backendtest.Program(t, "prometheus-postgres-exporter"), "--web.listen-address="+metrics)
	exporter.Env = append(os.Environ(), "DATA_SOURCE_NAME="+server+"?sslmode=disable")
	backendtest.Run(t, exporter)
	return metrics
}
