package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// newAudited returns a server that answers as a Prometheus would that scrapes
// one Redis without a memory limit, and that never answers what is asked of
// MySQL.
func newAudited(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		var metric string
		value := "0"
		switch {
		case query == "t_requests":
			metric, value = `{"service":"shop"}`, "100"
		case query == "redis_memory_max_bytes == 0":
			metric = `{"job":"redis","instance":"redis:6379"}`
		case strings.Contains(query, "mysql_"):
			<-r.Context().Done()
			return
		default:
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
			return
		}
		var values []string
		from, _ := strconv.ParseFloat(r.FormValue("start"), 64)
		to, _ := strconv.ParseFloat(r.FormValue("end"), 64)
		step, _ := strconv.ParseFloat(r.FormValue("step"), 64)
		for at := from; at <= to && step > 0; at += step {
			values = append(values, fmt.Sprintf(`[%.3f,%q]`, at, value))
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":%s,"values":[%s]}]}}`, metric, strings.Join(values, ","))
	}))
	t.Cleanup(s.Close)
	return s
}

// alertBook is an Alertmanager that keeps the newest state of each alert.
type alertBook struct {
	*httptest.Server
	mu   sync.Mutex
	ends map[string]time.Time // by alertname, severity and category
}

func newAlertBook(t *testing.T) *alertBook {
	t.Helper()
	b := &alertBook{ends: map[string]time.Time{}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var alerts []struct {
			Labels map[string]string
			EndsAt time.Time
		}
		if err := json.NewDecoder(r.Body).Decode(&alerts); err != nil {
			t.Errorf("alerts: %v", err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, a := range alerts {
			b.ends[a.Labels["alertname"]+"/"+a.Labels["severity"]+"/"+a.Labels["category"]+"/"+a.Labels["instance"]] = a.EndsAt
		}
	}))
	t.Cleanup(b.Close)
	return b
}

// fires reports whether the alert fires, and whether it is known at all.
func (b *alertBook) fires(name string) (fires, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	end, known := b.ends[name]
	return end.After(time.Now()), known
}

// TestAudit checks that a finding becomes an alert of low severity although
// other checks hang, that the cycles go on meanwhile, and that a dismissal ends
// the alert and survives a restart.
func TestAudit(t *testing.T) {
	prometheus, alertmanager := newAudited(t), newAlertBook(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidemark.yml"), fmt.Sprintf(`
global: {evaluation_interval: 1s, query_offset: 0s}
prometheus: {url: %q, history: 1h, timeout: 200ms}
signals: [{name: request_rate, query: t_requests}]
alerting: {alertmanagers: [{url: %q}], resend_delay: 1s}
audit: {packs: [redis, mysql]}
`, prometheus.URL, alertmanager.URL))
	tidemark := start(t, dir)
	eventually(t, time.Minute, "tidemark is ready", tidemark.ready)
	const alert = "RedisMemoryUnlimited/warning/audit/redis:6379"
	eventually(t, 30*time.Second, "the finding is an alert", func() bool { fires, _ := alertmanager.fires(alert); return fires })
	report := tidemark.text("/api/v1/audit")
	for _, want := range []string{
		`"state":"finding"`, `"evidence":"maxmemory is 0, which is no limit"`,
		`"state":"error","error":"query of mysql_connections_near_limit: no complete answer within 200ms"`,
		`"state":"not_applicable"`,
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the audit does not say %s: %s", want, report)
		}
	}
	if strings.Contains(report, `"state":"ok"`) {
		t.Errorf("something is called ok that cannot be known: %s", report)
	}
	if text := tidemark.text("/metrics"); !strings.Contains(text, `tidemark_audit_findings{check="redis_memory_unlimited",severity="warning"} 1`) {
		t.Error("the finding is not among the metrics")
	}

	body := fmt.Sprintf(`{"check": "redis_memory_unlimited", "labels": {"instance": "redis:6379"}, "reason": "a test machine", "until": %q}`, time.Now().Add(time.Hour).Format(time.RFC3339))
	resp, err := http.Post(tidemark.URL+"/api/v1/audit/dismiss", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || err != nil {
		t.Fatalf("got %d %s, err %v", resp.StatusCode, text, err)
	}
	eventually(t, 30*time.Second, "the alert is over", func() bool { fires, _ := alertmanager.fires(alert); return !fires })

	tidemark.stop()
	prepared := newAlertBook(t)
	writeFile(t, filepath.Join(dir, "tidemark.yml"), fmt.Sprintf(`
global: {evaluation_interval: 1s, query_offset: 0s}
prometheus: {url: %q, history: 1h}
signals: [{name: request_rate, query: t_requests}]
alerting: {alertmanagers: [{url: %q}], resend_delay: 1s}
audit: {packs: [redis]}
`, prometheus.URL, prepared.URL))
	tidemark = start(t, dir)
	eventually(t, time.Minute, "the audit is there again", func() bool {
		return strings.Contains(tidemark.text("/api/v1/audit"), `"reason":"a test machine"`)
	})
	if _, known := prepared.fires(alert); known {
		t.Error("what is dismissed is an alert again after a restart")
	}
}
