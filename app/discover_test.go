package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// metricsAPI is a Prometheus with one series of each metric: every query gives
// the value 1 for the service shop.
type metricsAPI struct {
	down  atomic.Bool
	names atomic.Pointer[[]string]
}

func (m *metricsAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m.down.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	now := time.Now().Unix()
	const shop = `{"service":"shop","job":"web"}`
	var data string
	switch {
	case strings.HasSuffix(r.URL.Path, "/values"):
		names, _ := json.Marshal(*m.names.Load())
		data = string(names)
	case strings.HasSuffix(r.URL.Path, "/query"):
		data = fmt.Sprintf(`{"resultType":"vector","result":[{"metric":%s,"value":[%d,"1"]}]}`, shop, now)
	default:
		data = fmt.Sprintf(`{"resultType":"matrix","result":[{"metric":{"service":"shop"},"values":[[%s,"1"]]}]}`, r.FormValue("start"))
	}
	fmt.Fprintf(w, `{"status":"success","data":%s}`, data)
}

// TestDiscovery starts a service that has no signals while Prometheus is down. It
// finds them once Prometheus is back, and those that came at a reload.
func TestDiscovery(t *testing.T) {
	api := &metricsAPI{}
	api.down.Store(true)
	api.names.Store(&[]string{"http_requests_total"})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidemark.yml"), fmt.Sprintf("global: {evaluation_interval: 2s, query_offset: 1s}\nprometheus: {url: %q, history: 1h}\n", server.URL))

	tidemark := start(t, dir)
	eventually(t, 10*time.Second, "the service knows that discovery failed", func() bool {
		return strings.Contains(tidemark.text("/metrics"), "tidemark_config_last_reload_successful 0")
	})
	if tidemark.ready() {
		t.Error("ready without signals, want not")
	}
	api.down.Store(false)
	eventually(t, 30*time.Second, "the service is ready", tidemark.ready)
	if got, want := tidemark.text("/config"), "rate(http_requests_total"; !strings.Contains(got, want) {
		t.Errorf("the configuration does not have %q:\n%s", want, got)
	}

	api.names.Store(&[]string{"http_requests_total", "shop_cache_lookups_total", "shop_cache_hits_total"})
	if code, body := tidemark.reload(); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	if got, want := tidemark.text("/config"), "rate(shop_cache_hits_total"; !strings.Contains(got, want) {
		t.Errorf("after the reload the configuration does not have %q:\n%s", want, got)
	}

	api.down.Store(true)
	if code, body := tidemark.reload(); code == http.StatusOK || !strings.Contains(body, "try again when Prometheus is well") {
		t.Errorf("reload while Prometheus is down: %d %s, want an error that says so", code, body)
	}
	if got, want := tidemark.text("/config"), "rate(shop_cache_hits_total"; !strings.Contains(got, want) {
		t.Errorf("after a failed reload the configuration does not have %q:\n%s", want, got)
	}
}
