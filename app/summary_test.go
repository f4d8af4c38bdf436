package app_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tidemark/internal/promtest"
)

// TestSummaryFails checks that a rule whose summary is fine when the file loads and
// fails on the incident's numbers pages nevertheless, with a plain text.
func TestSummaryFails(t *testing.T) {
	var brokenFrom atomic.Int64
	prometheus := newStandIn(t, &brokenFrom)
	alertmanager := promtest.StartAlertmanager(t, promtest.AlertmanagerOptions{})
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidemark.yml"), fmt.Sprintf(acceptConfig, prometheus.URL)+
		fmt.Sprintf("alerting: {alertmanagers: [{url: %q}]}\n", alertmanager.URL))
	writeFile(t, filepath.Join(dir, "rules.yml"), `
rules:
  - name: cache_bypass
    suspect: cache
    severity: critical
    priority: 20
    all:
      - {signal: cache_lookups_per_request, is: down}
      - {signal: db_queries_per_request, is: up}
    summary: 'Past the cache{{ with up "db_queries_per_request" }}: {{ if eq .Title "database queries per request" }}{{ slice .Title 0 40 }}{{ end }}{{ end }}'
`)
	tidemark := start(t, dir)
	eventually(t, time.Minute, "tidemark is ready", tidemark.ready)
	brokenFrom.Store(time.Now().Unix())
	var first alertJSON
	eventually(t, 30*time.Second, "it is an alert", func() bool {
		all, _ := alerts(t, alertmanager.URL)
		if len(all) > 0 {
			first = all[0]
		}
		return len(all) > 0
	})
	if got := first.Labels["alertname"]; got != "CacheBypass" {
		t.Errorf("alert %s, want CacheBypass", got)
	}
	const want = "CacheBypass: look at the cache (its summary cannot be shown: the template is wrong: "
	if got := first.Annotations["summary"]; !strings.HasPrefix(got, want) {
		t.Errorf("summary %q, want %s…", got, want)
	}
	if got := first.Annotations["description"]; !strings.Contains(got, "\nLook at: cache. Victims: database (database queries per request +") {
		t.Errorf("description %q, want what is known besides", got)
	}
}
