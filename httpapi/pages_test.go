package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"tidemark/engine"
	"tidemark/incident"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// at runs a test at the fixture's time.
func at(t *testing.T, when time.Time, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(when))
		test(t)
	})
}

var runbookFiles = fstest.MapFS{
	"cache_bypass.md": {Data: []byte("# CacheBypass\n\nAsk the cache.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))\n")},
	"plain.md":        {Data: []byte("No heading.\n")},
	"secret.txt":      {Data: []byte("not a runbook")},
}

// every is the path of each page, as a person would walk through them.
var every = []string{
	"/", "/incidents", "/incidents/a1b2c3d4e5f60718", "/incidents/recent0000000001", "/anomalies", "/signals",
	"/signals/cache_served_ratio", "/signals/db_latency", "/rules", "/audit", "/runbooks", "/runbooks/cache_bypass", "/status", "/config",
	"/nowhere", "/incidents/nope", "/incidents?limit=x", "/signals/nope", "/runbooks/nope",
}

func page(t *testing.T, h http.Handler, target string) string {
	t.Helper()
	res, body := ask(t, h, http.MethodGet, target, "Accept", browser)
	if got := res.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Fatalf("%s: got %d %s, want a page: %s", target, res.StatusCode, got, body)
	}
	return body
}

// visible is the text of a page as a reader sees it, on one line.
func visible(t *testing.T, body string) string {
	t.Helper()
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		token := z.Next()
		if token == html.ErrorToken {
			return strings.Join(strings.Fields(b.String()), " ")
		}
		if token == html.TextToken {
			b.Write(z.Text())
			b.WriteByte(' ')
		}
	}
}

func TestPages(t *testing.T) {
	at(t, now, func(t *testing.T) {
		o := testOptions(t)
		o.Runbooks = runbookFiles
		h := New(o).Handler()
		for _, tc := range []struct {
			target string
			code   int
			want   []string
		}{
			{"/", 200, []string{"1 firing · blind on 1 signal", "CacheBypass", "Requests go past the cache: 41 %", "Look at cache victims: database, application",
				"for 6 min 50 s", "Cannot be read", "database time per query", "many-to-many matching not allowed", "Pending", "Lately resolved", "renews itself every 30 s"}},
			{"/incidents/a1b2c3d4e5f60718", 200, []string{"firing critical service= shop CacheBypass", "Began 22:03:10 UTC 6 min 50 s ago", "Confidence 93 %", "Open the runbook",
				"redis_memory_max_bytes 67108864 → 1048576", "database queries per request database datname= orders 4.06 per request ↑ 1.4 per request 1.25 to 1.55 per request 2.9× 17.7",
				"latency p99 application 412 ms ↑ 315 ms 270 to 360 ms +31 % 2.9", "cache hit ratio cache no value 95 % – –",
				"Not traffic : requests 102/s is inside 85/s to 130/s", "Not seen", "database time per query query db_latency: server returned 422",
				"22:01:40 UTC cache settings: redis_memory_max_bytes 67108864 → 1048576 22:03:10 UTC The trouble begins.",
				`22:07:10 UTC alice accepts the level of latency p99 {service="shop"} as the new normal.`, "Nothing like it is remembered", "renews itself every 60 s"}},
			{"/incidents/recent0000000001", 200, []string{"resolved warning", "after 10 min", "Seen before 20:10:00 UTC lasted 10 min 19:10:00 UTC lasted 10 min", "The incident is resolved."}},
			{"/incidents?state=resolved&rule=traffic_surge", 200, []string{"TrafficSurge", "21:40:00 UTC 10 min"}},
			{"/incidents?rule=bad_deploy", 200, []string{"Nothing matches."}},
			{"/incidents?limit=1", 200, []string{"Older"}},
			{"/incidents?limit=x", 400, []string{`limit "x" is not usable: write a number from 1 to 1000`}},
			{"/anomalies", 200, []string{"active incident share of requests served from the cache", "41 % ↓ 93 % 90 to 95 % −52 points −11.5 22:03:10 UTC for 6 min 50 s", "ended latency p99", "no value"}},
			{"/signals", 200, []string{"requests traffic 1 learning 1 normal service= blog 3.2/s", "database time per query database query db_latency"}},
			{"/signals/cache_served_ratio", 200, []string{"every 15s · sensitivity 4.5, about one false alarm per series in 54 weeks", "vector(1)", "1 anomalous 1 without a value", "anomalous service= shop 41 %", "unknown service= blog no value 93 %"}},
			{`/signals/request_rate?match[]={service="blog"}`, 200, []string{"learning service= blog"}},
			{"/signals/request_rate?match[]=%7B", 400, []string{"is not a selector"}},
			{"/signals/db_latency", 200, []string{"It cannot be read."}},
			{"/signals/nope", 404, []string{`there is no signal "nope"`}},
			{"/rules", 200, []string{"CacheBypass firing", "db_latency up cannot be read", "It cannot match: no configured signal can tell"}},
			{"/runbooks", 200, []string{"CacheBypass", "plain"}},
			{"/runbooks/cache_bypass", 200, []string{"Ask the cache."}},
			{"/runbooks/nope", 404, []string{`there is no runbook "nope"`}},
			{"/runbooks/secret.txt", 404, []string{"there is no runbook"}},
			{"/runbooks/..%2Fpages_test", 404, []string{"there is no runbook"}},
			{"/status", 200, []string{"Ready yes", "every 15s", "4 signals", "5 series", "kept on disk", "https://tidemark.example.com"}},
			{"/config", 200, []string{"password: <secret>"}},
			{"/incidents/nope", 404, []string{`there is no incident "nope"`}},
			{"/nowhere", 404, []string{"there is nothing at /nowhere"}},
		} {
			res, body := ask(t, h, http.MethodGet, tc.target, "Accept", browser)
			if res.StatusCode != tc.code {
				t.Errorf("%s: got %d, want %d", tc.target, res.StatusCode, tc.code)
			}
			text := visible(t, body)
			for _, want := range tc.want {
				if !strings.Contains(text, want) {
					t.Errorf("%s: the page does not say %q:\n%s", tc.target, want, text)
				}
			}
		}
	})
}

// TestOverviewStates checks that silence is never shown as good news.
func TestOverviewStates(t *testing.T) {
	quiet := func() *engine.Snapshot {
		return &engine.Snapshot{Time: now, Ready: true, Progress: 1, Signals: signals()[:1]}
	}
	for _, tc := range []struct {
		name           string
		change         func(*engine.Snapshot, *Options)
		want, unwanted string
	}{
		{"quiet", func(*engine.Snapshot, *Options) {}, "Nothing fires 1 series of 1 signal is as expected, 1 still learning", "Cannot be read"},
		{"nothing judged", func(s *engine.Snapshot, _ *Options) { s.Signals[0].Series = s.Signals[0].Series[1:] }, "nothing is known to be normal. Of 1 series none is judged to be as expected, 1 still learning.", "are as expected"},
		{"learning", func(s *engine.Snapshot, _ *Options) { s.Ready, s.Progress = false, 0.37 }, "Not ready yet: 37 % of the history is learned", "Nothing fires"},
		{"blind", func(s *engine.Snapshot, _ *Options) { s.Err = errors.New("connection refused") }, "Prometheus cannot be read.", "Nothing fires"},
		{"late", func(s *engine.Snapshot, _ *Options) { s.Time = now.Add(-12 * time.Minute) }, "behind by 12 min", "Nothing fires"},
		{"history gone", func(_ *engine.Snapshot, o *Options) { o.History = fakeHistory{err: errHistory} }, "the history of incidents cannot be read: disk is gone", "None is remembered"},
		{"no history", func(_ *engine.Snapshot, o *Options) { o.History = nil }, "None is remembered.", "cannot be read"},
		{"held", func(s *engine.Snapshot, _ *Options) {
			in := bypass()
			in.Held = true
			s.Incidents = []incident.Incident{in}
		}, "firing critical held", "Nothing fires"},
		{"loose anomalies", func(s *engine.Snapshot, _ *Options) {
			s.Anomalies = []incident.Anomaly{anomalyAt("x", "latency_p99", shop, now, time.Time{})}
		}, "1 active anomaly outside of any incident", "Cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at(t, now.Add(5*time.Second), func(t *testing.T) {
				o, s := testOptions(t), quiet()
				tc.change(s, &o)
				o.Engine = fakeEngine{s}
				text := visible(t, page(t, New(o).Handler(), "/"))
				if !strings.Contains(text, tc.want) || strings.Contains(text, tc.unwanted) {
					t.Errorf("got %s\nwant %q and not %q", text, tc.want, tc.unwanted)
				}
			})
		})
	}
}

func TestNegotiation(t *testing.T) {
	h := New(testOptions(t)).Handler()
	for _, tc := range []struct{ name, accept, want string }{
		{"curl", "*/*", "application/json"},
		{"nothing", "", "application/json"},
		{"Firefox and Chromium", browser, "text/html"},
		{"JSON client", "application/json", "application/json"},
		{"JSON first", "application/json, text/html", "application/json"},
		{"HTML first", "text/html, application/json", "text/html"},
		{"HTML less", "text/html;q=0.5, application/json", "application/json"},
		{"Java's default", "text/html, image/gif, image/jpeg, */*; q=.2", "text/html"},
		{"rubbish", ";;;,,q=", "application/json"},
	} {
		for _, target := range []string{"/incidents", "/incidents/a1b2c3d4e5f60718", "/anomalies", "/nowhere"} {
			res, _ := ask(t, h, http.MethodGet, target, "Accept", tc.accept)
			if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, tc.want) {
				t.Errorf("%s: %s: got %s, want %s", tc.name, target, got, tc.want)
			}
			if !slices.Contains(res.Header.Values("Vary"), "Accept") {
				t.Errorf("%s: %s: Vary does not name Accept", tc.name, target)
			}
		}
	}
	if res, body := ask(t, h, http.MethodGet, "/config"); res.Header.Get("Content-Type") != "application/yaml; charset=utf-8" || !strings.HasPrefix(body, "prometheus:") {
		t.Errorf("/config: got %s %q, want YAML", res.Header.Get("Content-Type"), body)
	}
}

func TestTimelineOrder(t *testing.T) {
	in := past("x", "traffic_surge", shop, onset)
	in.SupersededBy = "y"
	in.LastSeen = time.Time{} // never seen: not part of the story
	var got []string
	for _, m := range timeline(&engine.Snapshot{}, in) {
		got = append(got, m.Text)
	}
	want := []string{"The trouble begins.", "tidemark sees the pattern for the first time.", "requests: up", "The incident fires.", "Another diagnosis takes over."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}
