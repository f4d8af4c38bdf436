package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestSuppression follows an incident that is suppressed, pages after a reload
// without the suppression, is called false, and is over for the receivers after a
// reload with the suppression that is proposed then. Feedback outlives a restart.
func TestSuppression(t *testing.T) {
	var brokenFrom atomic.Int64
	prometheus := newStandIn(t, &brokenFrom)
	var told atomic.Value // the status of the last notification
	told.Store("")
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ Status string }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		told.Store(message.Status)
	}))
	t.Cleanup(receiver.Close)
	dir := t.TempDir()
	file := filepath.Join(dir, "tidemark.yml")
	text := fmt.Sprintf(acceptConfig, prometheus.URL) + fmt.Sprintf("alerting: {webhooks: [{name: chat, url: %q}]}\n", receiver.URL)
	const suppressions = `
suppressions:
  - {name: known, rule: cache_bypass, until: 2099-01-01, reason: it is being built}
  - {name: old, rule: cache_bypass, scope: '{service=~".+"}', until: 2020-01-01, reason: it was being built}
`
	writeFile(t, file, text+suppressions)
	writeFile(t, filepath.Join(dir, "rules.yml"), strings.ReplaceAll(rulesText, "      - {signal: error_ratio, is: up}\n", ""))
	tidemark := start(t, dir)
	eventually(t, time.Minute, "tidemark is ready", tidemark.ready)
	if metrics := tidemark.text("/metrics"); !strings.Contains(metrics, "\ntidemark_suppressions_expired 1\n") {
		t.Error("the metrics do not tell of the suppression that has expired")
	}

	brokenFrom.Store(time.Now().Unix())
	var id string
	eventually(t, 30*time.Second, "there is a suppressed incident", func() bool {
		for _, in := range tidemark.incidents() {
			if in.State == "firing" {
				id = in.ID
			}
		}
		return id != "" && strings.Contains(tidemark.text("/incidents/"+id), `"suppressed_by":"known"`)
	})
	time.Sleep(2 * time.Second) // some rounds of the receiver
	if got := told.Load(); got != "" {
		t.Errorf("the receiver was told %q of what is suppressed", got)
	}

	writeFile(t, file, text)
	if code, body := tidemark.reload(); code != http.StatusOK {
		t.Fatalf("reload: %d %s", code, body)
	}
	eventually(t, 10*time.Second, "it pages", func() bool { return told.Load() == "firing" })

	resp, err := http.Post(tidemark.URL+"/api/v1/incidents/"+id+"/feedback", "application/json", strings.NewReader(`{"verdict": "false", "comment": "it is being built"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("feedback: %d %s, %v", resp.StatusCode, answer, err)
	}
	writeFile(t, file, text+tidemark.text("/api/v1/incidents/"+id+"/suppression"))
	if code, body := tidemark.reload(); code != http.StatusOK {
		t.Fatalf("reload with what is proposed: %d %s", code, body)
	}
	eventually(t, 10*time.Second, "it is over for the receiver", func() bool { return told.Load() == "resolved" })

	tidemark.stop()
	tidemark = start(t, dir)
	if body := tidemark.text("/incidents/" + id); !strings.Contains(body, `"suppressed_by":"cache-bypass-`) || !strings.Contains(body, `"feedback":{"verdict":"false","comment":"it is being built"`) {
		t.Errorf("after a restart: %s, want what suppresses it, and the feedback", body)
	}
}
