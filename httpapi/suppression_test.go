package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSuppressionIsProposed(t *testing.T) {
	at(t, now, func(t *testing.T) {
		h := New(testOptions(t)).Handler()
		res, body := ask(t, h, http.MethodGet, "/api/v1/incidents/recent0000000001/suppression")
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/yaml; charset=utf-8" {
			t.Errorf("got %d %s, want 200 and YAML", res.StatusCode, res.Header.Get("Content-Type"))
		}
		const want = `# Keeps the like of https://tidemark.example.com/incidents/recent0000000001
# from paging. Review it, put it under suppressions in the configuration, reload.
suppressions:
- name: traffic-surge-recent00
  rule: traffic_surge
  scope:
    service: shop
  signals:
  - request_rate
  max_severity: warning
  until: "2026-03-31"
  reason: the import
  author: alice
`
		if diff := cmp.Diff(want, body); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if res, body := ask(t, h, http.MethodGet, "/api/v1/incidents/nope/suppression"); res.StatusCode != http.StatusNotFound || !strings.Contains(body, "not_found") {
			t.Errorf("got %d %s, want 404", res.StatusCode, body)
		}
		o := testOptions(t)
		s, history := fixture()
		history.err = errHistory
		o.Engine, o.History = fakeEngine{s}, history
		if res, body := ask(t, New(o).Handler(), http.MethodGet, "/api/v1/incidents/recent0000000001/suppression"); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("without history: got %d %s, want 503", res.StatusCode, body)
		}
	})
}

// TestProposalFollowsAPattern checks that only earlier incidents which were false
// give the proposal its windows.
func TestProposalFollowsAPattern(t *testing.T) {
	at(t, now, func(t *testing.T) {
		for _, tc := range []struct {
			name, id string
			want     bool
		}{
			{"false, a week ago", "weekly0000000001", true},
			{"useful, a week ago", "weekly0000000002", false},
		} {
			o := testOptions(t)
			_, history := fixture()
			history.incidents = append(history.incidents, past(tc.id, "traffic_surge", shop, now.AddDate(0, 0, -7).Add(-25*60e9)))
			kept := newFakeFeedback()
			kept.given["weekly0000000001"] = kept.given["old0000000000001"]
			kept.given["weekly0000000002"] = kept.given["old0000000000003"]
			o.History, o.Feedback = history, kept
			_, body := ask(t, New(o).Handler(), http.MethodGet, "/api/v1/incidents/recent0000000001/suppression")
			if got := strings.Contains(body, "weekdays: [sunday]"); got != tc.want {
				t.Errorf("%s: windows are proposed: %v, want %v:\n%s", tc.name, got, tc.want, body)
			}
		}
	})
}

// TestSuppressedIsShown checks that a suppressed incident is there, and is no
// alert.
func TestSuppressedIsShown(t *testing.T) {
	at(t, now, func(t *testing.T) {
		o := testOptions(t)
		s, history := fixture()
		s.Incidents[0].SuppressedBy = "weekly-import"
		o.Engine, o.History = fakeEngine{s}, history
		h := New(o).Handler()
		for target, want := range map[string]string{
			"/incidents":                  `"suppressed_by":"weekly-import"`,
			"/incidents/a1b2c3d4e5f60718": `"suppressed_by":"weekly-import"`,
		} {
			if _, body := ask(t, h, http.MethodGet, target); !strings.Contains(body, want) {
				t.Errorf("%s: got %s, want …%s…", target, body, want)
			}
		}
		for _, target := range []string{"/api/v1/alerts", "/api/v1/rules"} {
			if _, body := ask(t, h, http.MethodGet, target); strings.Contains(body, "Requests go past the cache: 41") {
				t.Errorf("%s: the suppressed incident is an alert: %s", target, body)
			}
		}
		for target, want := range map[string]string{
			"/":                           "Suppressed Nobody is told of these",
			"/incidents":                  "firing suppressed CacheBypass",
			"/incidents/a1b2c3d4e5f60718": "Nobody is told of it: suppressed by weekly-import until 2026-04-01, since “the import reads all” (bob)",
		} {
			text := visible(t, page(t, h, target))
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page does not say %q:\n%s", target, want, text)
			}
			if strings.Contains(text, "1 firing") {
				t.Errorf("%s: the page counts it as firing:\n%s", target, text)
			}
		}
	})
}
