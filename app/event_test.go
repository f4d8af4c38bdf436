package app_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const eventConfig = `
global: {evaluation_interval: 1s, query_offset: 0s}
prometheus: {url: %q, history: 2h}
signals:
  - {name: request_rate, query: t_requests}
  - {name: latency_p99, query: t_latency}
  - {name: error_ratio, query: t_error_ratio}
`

// TestAnnouncedDeploy checks that a deploy which only a pipeline knows of is
// blamed for what goes wrong after it, even if tidemark was started again in
// between, and that a deploy of another service is not.
func TestAnnouncedDeploy(t *testing.T) {
	var brokenFrom atomic.Int64
	prometheus := newStandIn(t, &brokenFrom)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidemark.yml"), fmt.Sprintf(eventConfig, prometheus.URL))
	tidemark := start(t, dir)
	announce := func(body, want string) {
		t.Helper()
		resp, err := http.Post(tidemark.URL+"/api/v1/events", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
			t.Fatalf("%s: got %d %s, err %v, want …%s…", body, resp.StatusCode, text, err, want)
		}
	}
	const deploy = `{"id": "shop-2", "what": "version 1 → 2 by pipeline 4711", "labels": {"service": "shop"}}`
	announce(deploy, `"created":true`) // while the history is learned
	announce(`{"what": "version 8 → 9", "labels": {"service": "blog"}}`, `"created":true`)
	announce(fmt.Sprintf(`{"kind": "config_changes", "what": "flag new-search on", "at": %q}`, time.Now().Add(-5*time.Minute).Format(time.RFC3339)), `"created":true`)
	tidemark.stop()

	tidemark = start(t, dir)
	announce(deploy, `"created":false`)
	eventually(t, time.Minute, "tidemark is ready", tidemark.ready)
	brokenFrom.Store(time.Now().Unix())
	var id string
	eventually(t, 30*time.Second, "the deploy is blamed", func() bool {
		for _, in := range tidemark.incidents() {
			if in.Rule == "bad_deploy" && in.State == "firing" && in.Suspect == "deploy" {
				id = in.ID
			}
		}
		return id != ""
	})
	text := tidemark.text("/incidents/" + id)
	nearest, other := strings.Index(text, `"kind":"deploys","what":"version 1 → 2 by pipeline 4711"`), strings.Index(text, `"kind":"config_changes","what":"flag new-search on"`)
	if nearest < 0 || other < nearest {
		t.Errorf("the changes do not name the deploy first, then the flag: %s", text)
	}
	if !strings.Contains(text, "Changed just before: version 1 → 2 by pipeline 4711 at ") || strings.Contains(text, "version 8") {
		t.Errorf("the description does not name this deploy alone: %s", text)
	}
}
