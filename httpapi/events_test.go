package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/rules"
	"tidemark/signal"
	"tidemark/store"
)

// eventBook records events as the store does.
type eventBook map[string]store.Event

func (b eventBook) record(e store.Event) (store.Event, bool, error) {
	if old, ok := b[e.ID]; ok {
		return old, false, nil
	}
	b[e.ID] = e
	return e, true, nil
}

func TestEvents(t *testing.T) {
	change := func(c rules.Change) rules.Change {
		if c.At.IsZero() {
			c.At = now
		}
		if c.Kind == "" {
			c.Kind, c.Component = "deploys", signal.Deploy
		}
		return c
	}
	taken := store.Event{ID: "taken", Change: change(rules.Change{What: "release 1", At: now.Add(-time.Hour)})}
	for _, tc := range []struct {
		name, method, body string
		off                bool
		err                error
		code               int
		want               string
		id                 string // "" is any
		recorded           *rules.Change
	}{
		{
			name: "a deploy", body: `{"id": "shop-2", "kind": "deploys", "what": "version 1 → 2", "at": "2026-03-01T23:09:00+01:00", "labels": {"service": "shop"}}`, code: 200,
			want: `{"id":"shop-2","kind":"deploys","component":"deploy","what":"version 1 → 2","at":"2026-03-01T22:09:00Z","labels":{"service":"shop"},"created":true}`,
			id:   "shop-2", recorded: new(change(rules.Change{What: "version 1 → 2", At: now.Add(-time.Minute), Labels: shop})),
		},
		{name: "the least", body: `{"what": "release 2"}`, code: 200, want: `"at":"2026-03-01T22:10:00Z","labels":{},"created":true}`, recorded: new(change(rules.Change{What: "release 2"}))},
		{
			name: "settings of the cache", body: `{"kind": "cache_settings", "what": "maxmemory 64mb → 1mb"}`, code: 200, want: `"component":"cache"`,
			recorded: &rules.Change{At: now, Kind: "cache_settings", Component: signal.Cache, What: "maxmemory 64mb → 1mb"},
		},
		{name: "again", body: `{"id": "taken", "what": "release 1"}`, code: 200, want: `"at":"2026-03-01T21:10:00Z","labels":{},"created":false}`},
		{name: "another under its id", body: `{"id": "taken", "what": "release 2"}`, code: 409, want: `id \"taken\" is taken by deploys \"release 1\" at 2026-03-01T21:10:00Z`},
		{name: "at another time", body: `{"id": "taken", "what": "release 1", "at": "2026-03-01T22:00:00Z"}`, code: 409, want: "conflict"},
		{name: "switched off", body: `{"what": "release 2"}`, off: true, code: 403, want: "start with --web.enable-events"},
		{name: "get", method: http.MethodGet, code: 405, want: "use POST"},
		{name: "no body", code: 400, want: "the body cannot be read: EOF: write JSON such as"},
		{name: "misspelt", body: `{"text": "release 2"}`, code: 400, want: `unknown field \"text\"`},
		{name: "two objects", body: `{"what": "a"} {"what": "b"}`, code: 400, want: "something follows the JSON object"},
		{name: "too long", body: `{"what": "` + strings.Repeat("x", maxBodyBytes) + `"}`, code: 413, want: "the body has more than 65536 bytes"},
		{name: "nothing said", body: `{"id": "a", "what": " "}`, code: 400, want: "what is missing"},
		{name: "two lines", body: `{"what": "release\n2"}`, code: 400, want: "what is not one line of printable text"},
		{name: "a novel", body: `{"what": "` + strings.Repeat("x", 301) + `"}`, code: 400, want: "what has 301 bytes: write at most 300"},
		{name: "long id", body: `{"what": "a", "id": "` + strings.Repeat("x", 301) + `"}`, code: 400, want: "id has 301 bytes"},
		{name: "unknown kind", body: `{"kind": "deploy", "what": "a"}`, code: 400, want: `kind \"deploy\" is not a signal of changes: write one of cache_flushes, cache_restarts, cache_settings, config_changes, db_restarts, db_settings, deploys, process_restarts`},
		{name: "judged kind", body: `{"kind": "request_rate", "what": "a"}`, code: 400, want: "is not a signal of changes"},
		{name: "no time", body: `{"what": "a", "at": "today"}`, code: 400, want: "the body cannot be read"},
		{name: "far future", body: `{"what": "a", "at": "2026-03-01T22:16:00Z"}`, code: 400, want: "at 2026-03-01T22:16:00Z is more than 5m ahead of this clock"},
		{name: "near future", body: `{"what": "a", "at": "2026-03-01T22:14:00Z"}`, code: 200, want: "22:14:00Z", recorded: new(change(rules.Change{What: "a", At: now.Add(4 * time.Minute)}))},
		{name: "far past", body: `{"what": "a", "at": "2026-02-01T22:15:00Z"}`, code: 400, want: "at 2026-02-01T22:15:00Z is more than 1w ago"},
		{name: "bad label", body: `{"what": "a", "labels": {"a-b": "x"}}`, code: 400, want: `labels: \"a-b\" is not a label name`},
		{name: "empty label", body: `{"what": "a", "labels": {"service": ""}}`, code: 400, want: "labels: service is empty"},
		{name: "label of two lines", body: `{"what": "a", "labels": {"service": "a\nb"}}`, code: 400, want: "labels: service is not one line"},
		{name: "many labels", body: `{"what": "a", "labels": ` + manyLabels(31) + `}`, code: 400, want: "labels has 31 entries: write at most 30"},
		{name: "not saved", body: `{"what": "a"}`, err: errors.New("disk is full"), code: 500, want: "record the event: disk is full"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at(t, now, func(t *testing.T) {
				o := testOptions(t)
				o.EnableEvents = !tc.off
				book := eventBook{taken.ID: taken}
				o.RecordEvent = book.record
				if tc.err != nil {
					o.RecordEvent = func(store.Event) (store.Event, bool, error) { return store.Event{}, false, tc.err }
				}
				method := tc.method
				if method == "" {
					method = http.MethodPost
				}
				w := httptest.NewRecorder()
				New(o).Handler().ServeHTTP(w, httptest.NewRequest(method, "/api/v1/events", strings.NewReader(tc.body)))
				if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.want) {
					t.Errorf("got %d %s, want %d …%s…", w.Code, w.Body, tc.code, tc.want)
				}
				delete(book, taken.ID)
				var recorded *rules.Change
				for id, e := range book {
					recorded = &e.Change
					if tc.id != "" && id != tc.id {
						t.Errorf("got ID %q, want %q", id, tc.id)
					}
				}
				if diff := cmp.Diff(tc.recorded, recorded); diff != "" {
					t.Errorf("recorded (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestEventWithoutID checks that the same content is the same event.
func TestEventWithoutID(t *testing.T) {
	at(t, now, func(t *testing.T) {
		o := testOptions(t)
		book := eventBook{}
		o.EnableEvents, o.RecordEvent = true, book.record
		h := New(o).Handler()
		for _, body := range []string{
			`{"what": "release 2", "at": "2026-03-01T22:00:00Z", "labels": {"a": "1", "b": "2"}}`,
			`{"labels": {"b": "2", "a": "1"}, "at": "2026-03-01T23:00:00+01:00", "what": "release 2", "kind": "deploys"}`,
			`{"what": "release 2", "at": "2026-03-01T22:00:01Z", "labels": {"a": "1", "b": "2"}}`,
		} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v1/events", strings.NewReader(body)))
			if w.Code != http.StatusOK {
				t.Errorf("%s: got %d %s", body, w.Code, w.Body)
			}
		}
		if len(book) != 2 {
			t.Errorf("got %d events, want 2: %v", len(book), book)
		}
	})
}

func manyLabels(n int) string {
	labels := model.LabelSet{}
	for i := range n {
		labels[model.LabelName(fmt.Sprintf("l%d", i))] = "x"
	}
	text, _ := json.Marshal(labels)
	return string(text)
}
