package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/detector"
	"tidemark/engine"
	"tidemark/incident"
)

func TestAccept(t *testing.T) {
	const incidentID = `{"incident_id": "a1b2c3d4e5f60718"}`
	accepted := engine.Acceptance{
		Accepted: []incident.Acceptance{{At: now, By: "alice", Signal: "latency_p99", Labels: shop}},
		Skipped:  []engine.Skipped{{Signal: "request_rate", Labels: blog, State: detector.Learning}},
	}
	const answer = `{"accepted":[{"signal":"latency_p99","labels":{"service":"shop"}}],"skipped":[{"signal":"request_rate","labels":{"service":"blog"},"state":"learning"}]}`
	for _, tc := range []struct {
		name, method, body string
		off                bool
		err                error
		headers            []string
		code               int
		want               string
		asked              *engine.Selection
	}{
		{name: "an incident", body: incidentID, code: 200, want: answer, asked: &engine.Selection{Incident: "a1b2c3d4e5f60718"}},
		{name: "a series", body: `{"signal": "latency_p99", "labels": {"service": "shop"}}`, code: 200, want: answer,
			asked: &engine.Selection{Signal: "latency_p99", Labels: shop}},
		{name: "a resolved incident", body: `{"incident_id": "recent0000000001"}`, code: 200, want: `{"accepted":[],"skipped":[]}`},
		{name: "an incident of the history", body: `{"incident_id": "old0000000000001"}`, code: 200, want: `{"accepted":[],"skipped":[]}`},
		{name: "no such incident", body: `{"incident_id": "nope"}`, code: 404, want: `there is no incident \"nope\"`},
		{name: "switched off", body: incidentID, off: true, code: 403, want: "start with --web.enable-admin-api"},
		{name: "get", method: http.MethodGet, code: 405, want: "use POST"},
		{name: "another site", body: incidentID, headers: []string{"Sec-Fetch-Site", "cross-site"}, code: 403, want: "another site"},
		{name: "no body", code: 400, want: "the body cannot be read: EOF: write JSON such as"},
		{name: "not JSON", body: "signal=latency_p99", code: 400, want: "the body cannot be read"},
		{name: "misspelt", body: `{"incident": "a1b2c3d4e5f60718"}`, code: 400, want: `unknown field \"incident\"`},
		{name: "nothing is selected", body: `{"labels": {"service": "shop"}}`, code: 400, want: "neither incident_id nor signal is set"},
		{name: "two objects", body: incidentID + incidentID, code: 400, want: "something follows the JSON object"},
		{name: "bad label", body: `{"signal": "latency_p99", "labels": {"": "x"}}`, code: 400, want: "the body cannot be read"},
		{name: "no such series", body: incidentID, err: &engine.UnknownError{}, code: 404, want: "not_found", asked: &engine.Selection{Incident: "a1b2c3d4e5f60718"}},
		{name: "not judged", body: incidentID, err: &engine.UnjudgedError{}, code: 409, want: "conflict", asked: &engine.Selection{Incident: "a1b2c3d4e5f60718"}},
		{name: "learning", body: incidentID, err: ErrLearning, code: 503, want: "the history is being learned", asked: &engine.Selection{Incident: "a1b2c3d4e5f60718"}},
		{name: "not saved", body: incidentID, err: errors.New("disk is full"), code: 500, want: "accept the level: disk is full", asked: &engine.Selection{Incident: "a1b2c3d4e5f60718"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := testOptions(t)
			o.EnableAdminAPI = !tc.off
			var asked *engine.Selection
			o.Accept = func(_ context.Context, s engine.Selection, _ string) (engine.Acceptance, error) {
				asked = &s
				if tc.err != nil {
					return engine.Acceptance{}, tc.err
				}
				return accepted, nil
			}
			method := tc.method
			if method == "" {
				method = http.MethodPost
			}
			r := httptest.NewRequest(method, "/api/v1/accept", strings.NewReader(tc.body))
			for i := 0; i+1 < len(tc.headers); i += 2 {
				r.Header.Set(tc.headers[i], tc.headers[i+1])
			}
			w := httptest.NewRecorder()
			New(o).Handler().ServeHTTP(w, r)
			if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("got %d %s, want %d …%s…", w.Code, w.Body, tc.code, tc.want)
			}
			if diff := cmp.Diff(tc.asked, asked); diff != "" {
				t.Errorf("selection (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAcceptIsAudited(t *testing.T) {
	o := testOptions(t)
	o.EnableAdminAPI = true
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	var user string
	o.Accept = func(_ context.Context, s engine.Selection, by string) (engine.Acceptance, error) {
		user = by
		return engine.Acceptance{Accepted: []incident.Acceptance{{Signal: s.Signal, Labels: shop, By: by}}}, errors.New("disk is full")
	}
	r := httptest.NewRequest(http.MethodPost, "/api/v1/accept", strings.NewReader(`{"signal": "latency_p99"}`))
	r.SetBasicAuth("alice", "secret")
	New(o).Handler().ServeHTTP(httptest.NewRecorder(), r)
	want := fmt.Sprintf(`signal=latency_p99 labels="{service=\"shop\"}" incident_id="" user=alice remote_address=%s`, r.RemoteAddr)
	if user != "alice" || !strings.Contains(log.String(), want) || strings.Contains(log.String(), "secret") {
		t.Errorf("user %q, log %swant alice and …%s", user, log.String(), want)
	}
}

func TestIncidentPageOffersToAccept(t *testing.T) {
	at(t, now, func(t *testing.T) {
		for _, tc := range []struct {
			name, target string
			enabled      bool
			want         bool
		}{
			{"switched on", "/incidents/a1b2c3d4e5f60718", true, true},
			{"switched off", "/incidents/a1b2c3d4e5f60718", false, false},
			{"resolved", "/incidents/recent0000000001", true, false},
		} {
			o := testOptions(t)
			o.EnableAdminAPI = tc.enabled
			text := visible(t, page(t, New(o).Handler(), tc.target))
			got := strings.Contains(text, `curl -X POST -d '{"incident_id":"a1b2c3d4e5f60718"}' https://tidemark.example.com/api/v1/accept`)
			if got != tc.want {
				t.Errorf("%s: the command is shown: %t, want %t:\n%s", tc.name, got, tc.want, text)
			}
		}
	})
}
