package promtest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s\n%s", url, resp.Status, body)
	}
	return string(body)
}

func TestPrometheusServesLoadedSamples(t *testing.T) {
	dir := t.TempDir()
	LoadOpenMetrics(t, dir, "# TYPE queue_length gauge\nqueue_length{service=\"shop\"} 42 1700000000\n")
	p := StartPrometheus(t, PrometheusOptions{Dir: dir})

	query := "/api/v1/query?time=1700000010&query=" + url.QueryEscape(`queue_length{service="shop"}`)
	want := `[1700000010,"42"]`
	if got := get(t, p.URL+query); !strings.Contains(got, want) {
		t.Errorf("before the restart: got %s, want %s in it", got, want)
	}
	p.Restart()
	if got := get(t, p.URL+query); !strings.Contains(got, want) {
		t.Errorf("after the restart: got %s, want %s in it", got, want)
	}

	pid := p.proc.Pid
	p.Kill()
	if _, err := http.Get(p.URL); err == nil {
		t.Errorf("the server still answers after Kill of process %d", pid)
	}
	p.Start()
	get(t, p.URL+"/-/healthy")
}

func TestAlertmanagerAcceptsAlerts(t *testing.T) {
	a := StartAlertmanager(t, AlertmanagerOptions{})
	resp, err := http.Post(a.URL+"/api/v2/alerts", "application/json", strings.NewReader(`[{"labels":{"alertname":"Test"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s, want 200", resp.Status)
	}
	if got := get(t, a.URL+"/api/v2/alerts"); !strings.Contains(got, `"alertname":"Test"`) {
		t.Errorf("got %s, want the alert in it", got)
	}
}
