package httpapi

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidemark/incident"
)

// fakeFeedback keeps feedback in memory.
type fakeFeedback struct {
	given map[string]incident.Feedback
	err   error
}

func newFakeFeedback() *fakeFeedback {
	return &fakeFeedback{given: map[string]incident.Feedback{
		"recent0000000001": {At: now, Verdict: incident.False, Comment: "the import", Author: "alice"},
		"old0000000000001": {At: now, Verdict: incident.False},
		"old0000000000003": {At: now, Verdict: incident.Useful},
	}}
}

func (f *fakeFeedback) Feedback() (map[string]incident.Feedback, error) { return f.given, f.err }

func (f *fakeFeedback) RecordFeedback(id string, fb incident.Feedback) (incident.Feedback, bool, error) {
	if old, ok := f.given[id]; ok && old.Same(fb) {
		return old, false, f.err
	}
	f.given[id] = fb
	return fb, true, f.err
}

const bypassFeedback = "/api/v1/incidents/a1b2c3d4e5f60718/feedback"

func TestFeedback(t *testing.T) {
	for _, tc := range []struct {
		name, method, target, body string
		off                        bool
		err                        error
		headers                    []string
		code                       int
		want                       string
		given                      *incident.Feedback
	}{
		{name: "useful", body: `{"verdict": "useful"}`, code: 200, given: &incident.Feedback{Verdict: incident.Useful},
			want: `{"incident_id":"a1b2c3d4e5f60718","verdict":"useful","comment":"","author":null,"at":"2026-03-01T22:10:00Z","created":true}`},
		{name: "false", body: `{"verdict": "false", "comment": "the import", "author": "bob"}`, code: 200, want: `"author":"bob"`,
			given: &incident.Feedback{Verdict: incident.False, Comment: "the import", Author: "bob"}},
		{name: "by the user", body: `{"verdict": "false"}`, headers: []string{"Authorization", "Basic YWxpY2U6cHc="}, code: 200, want: `"author":"alice"`,
			given: &incident.Feedback{Verdict: incident.False, Author: "alice"}},
		{name: "the same again", target: "/api/v1/incidents/recent0000000001/feedback", body: `{"verdict": "false", "comment": "the import", "author": "alice"}`, code: 200, want: `"created":false`},
		{name: "an incident of the history", target: "/api/v1/incidents/old0000000000002/feedback", body: `{"verdict": "false"}`, code: 200, want: `"created":true`},
		{name: "no such incident", target: "/api/v1/incidents/nope/feedback", body: `{"verdict": "false"}`, code: 404, want: `there is no incident \"nope\"`},
		{name: "switched off", body: `{"verdict": "false"}`, off: true, code: 403, want: "start with --web.enable-admin-api"},
		{name: "get", method: http.MethodGet, code: 405, want: "use POST"},
		{name: "another site", body: `{"verdict": "false"}`, headers: []string{"Sec-Fetch-Site", "cross-site"}, code: 403, want: "another site"},
		{name: "unknown verdict", body: `{"verdict": "meh"}`, code: 400, want: `verdict \"meh\" is not known: write false if nobody should have been paged, else useful`},
		{name: "no verdict", body: `{}`, code: 400, want: `verdict \"\" is not known`},
		{name: "misspelt", body: `{"verdict": "false", "coment": "x"}`, code: 400, want: `unknown field \"coment\"`},
		{name: "not JSON", body: "verdict=false", code: 400, want: "the body cannot be read"},
		{name: "a long comment", body: `{"verdict": "false", "comment": "` + strings.Repeat("x", 301) + `"}`, code: 400, want: "comment has 301 bytes"},
		{name: "several lines", body: `{"verdict": "false", "author": "a\nb"}`, code: 400, want: "author is not one line"},
		{name: "too large", body: `{"verdict": "false", "comment": "` + strings.Repeat("x", maxBodyBytes) + `"}`, code: 413, want: "too_large"},
		{name: "not saved", body: `{"verdict": "false"}`, err: errors.New("disk is full"), code: 500, want: "record the feedback: disk is full"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at(t, now, func(t *testing.T) {
				o := testOptions(t)
				o.EnableAdminAPI = !tc.off
				kept := newFakeFeedback()
				kept.err = tc.err
				o.Feedback = kept
				target := tc.target
				if target == "" {
					target = bypassFeedback
				}
				if res, body := send(t, New(o).Handler(), tc.method, target, tc.body, tc.headers...); res.StatusCode != tc.code || !strings.Contains(body, tc.want) {
					t.Errorf("got %d %s, want %d …%s…", res.StatusCode, body, tc.code, tc.want)
				}
				if tc.given != nil {
					if diff := cmp.Diff(*tc.given, kept.given["a1b2c3d4e5f60718"], cmpopts.IgnoreFields(incident.Feedback{}, "At")); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				}
			})
		})
	}
}

// send sends a body, by POST if no method is given.
func send(t *testing.T, h http.Handler, method, target, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	if method == "" {
		method = http.MethodPost
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

// TestFeedbackIsCounted checks the metric and the log: what is said again is not
// news.
func TestFeedbackIsCounted(t *testing.T) {
	o := testOptions(t)
	o.EnableAdminAPI = true
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	h := New(o).Handler()
	for _, verdict := range []string{"false", "false", "useful"} {
		if res, body := send(t, h, "", bypassFeedback, `{"verdict": "`+verdict+`"}`); res.StatusCode != http.StatusOK {
			t.Fatalf("got %d %s, want 200", res.StatusCode, body)
		}
	}
	const want = `
# HELP tidemark_incidents_feedback_total Feedback that people gave on incidents, by whether the incident was useful or false.
# TYPE tidemark_incidents_feedback_total counter
tidemark_incidents_feedback_total{verdict="false"} 1
tidemark_incidents_feedback_total{verdict="useful"} 1
`
	if err := testutil.GatherAndCompare(o.Gatherer, strings.NewReader(want), "tidemark_incidents_feedback_total"); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "Feedback on an incident is given"); n != 2 {
		t.Errorf("logged %d times, want 2:\n%s", n, log.String())
	}
	if res, body := ask(t, h, http.MethodGet, "/incidents/a1b2c3d4e5f60718"); res.StatusCode != http.StatusOK || !strings.Contains(body, `"feedback":{"verdict":"useful",`) {
		t.Errorf("got %d %s, want the newest feedback", res.StatusCode, body)
	}
}

// TestFeedbackUnreadable checks that incidents are shown without it.
func TestFeedbackUnreadable(t *testing.T) {
	o := testOptions(t)
	o.Feedback = &fakeFeedback{err: errors.New("disk is gone")}
	h := New(o).Handler()
	for _, target := range []string{"/incidents/recent0000000001", "/incidents"} {
		if res, body := ask(t, h, http.MethodGet, target); res.StatusCode != http.StatusOK || !strings.Contains(body, `"feedback":null`) {
			t.Errorf("%s: got %d %s, want it without feedback", target, res.StatusCode, body)
		}
	}
}

func TestFeedbackFromPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		o.EnableAdminAPI = true
		o.ExternalURL, _ = url.Parse("https://ops.example.com/tidemark/")
		h := New(o).Handler()
		const target = "/tidemark/incidents/a1b2c3d4e5f60718"
		form := []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}
		before := page(t, h, target)
		if !strings.Contains(before, `action="`+target+`/feedback"`) || !strings.Contains(before, `http-equiv="refresh"`) {
			t.Errorf("the page has no form, or does not renew itself:\n%s", before)
		}
		if writing := page(t, h, target+"?comment"); !strings.Contains(writing, `name="comment"`) || strings.Contains(writing, `http-equiv="refresh"`) {
			t.Errorf("the page has no field for a comment, or renews itself:\n%s", writing)
		}
		res, body := send(t, h, "", target+"/feedback", "verdict=false&comment=the+import&author=alice", form...)
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != target {
			t.Fatalf("got %d to %q %s, want to go back", res.StatusCode, res.Header.Get("Location"), body)
		}
		after := visible(t, page(t, h, target))
		for _, want := range []string{"False alarm : the import alice, ", "review this", "- name: cache-bypass-a1b2c3d4", "Change it"} {
			if !strings.Contains(after, want) {
				t.Errorf("the page does not say %q:\n%s", want, after)
			}
		}
		for _, tc := range []struct {
			name, target, body string
			code               int
			want               string
		}{
			{"no verdict", target + "/feedback", "comment=x", 400, "verdict"},
			{"not a form", target + "/feedback", "verdict=%", 400, "the form cannot be read"},
			{"too large", target + "/feedback", strings.Repeat("x", maxBodyBytes+1), 413, "the form has more than"},
			{"no such incident", "/tidemark/incidents/nope/feedback", "verdict=false", 404, "there is no incident"},
		} {
			if res, body := send(t, h, "", tc.target, tc.body, form...); res.StatusCode != tc.code || !strings.Contains(visible(t, body), tc.want) {
				t.Errorf("%s: got %d %s, want %d …%s…", tc.name, res.StatusCode, body, tc.code, tc.want)
			}
		}
		o = testOptions(t)
		h = New(o).Handler()
		if off := page(t, h, "/incidents/a1b2c3d4e5f60718"); strings.Contains(off, "<form") || strings.Contains(off, "Was it useful?") {
			t.Error("without the admin API the page asks for feedback")
		}
		if res, _ := send(t, h, "", "/incidents/a1b2c3d4e5f60718/feedback", "verdict=false", form...); res.StatusCode != http.StatusForbidden {
			t.Errorf("without the admin API: got %d, want 403", res.StatusCode)
		}
	})
}
