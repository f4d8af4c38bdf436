package alerting

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/internal/promtest"
)

// pager is the end of the chain: what an Alertmanager tells its receiver.
type pager struct {
	mu    sync.Mutex
	pages []string
}

func (p *pager) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range m.Alerts {
		p.pages = append(p.pages, fmt.Sprintf("%s %s/%s", a.Status, a.Labels["alertname"], a.Labels["service"]))
	}
}

// expect waits until exactly these pages have come, in any order.
func (p *pager) expect(t *testing.T, what string, want ...string) {
	t.Helper()
	slices.Sort(want)
	var got []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		p.mu.Lock()
		got = slices.Sorted(slices.Values(p.pages))
		p.mu.Unlock()
		if len(got) >= len(want) {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s: pages (-want +got):\n%s", what, diff)
	}
}

// alertmanagerWithPager starts an Alertmanager that pages at once and for each
// alert by itself.
func alertmanagerWithPager(t *testing.T) (*promtest.Server, *pager) {
	t.Helper()
	p := &pager{}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	am := promtest.StartAlertmanager(t, promtest.AlertmanagerOptions{Config: fmt.Sprintf(`
route: {receiver: pager, group_by: [alertname, service], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: pager
    webhook_configs: [{url: %s, send_resolved: true}]
`, server.URL)})
	return am, p
}

// run starts a sender over the real network and returns how to end it.
func run(t *testing.T, url string) (s *Sender, stop func()) {
	t.Helper()
	c := toAlertmanagers(strings.TrimPrefix(url, "http://"))
	c.ResendDelay = model.Duration(time.Second)
	o := testOptions()
	o.Interval = time.Second
	s, err := New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

// TestAlertmanager takes a real Alertmanager through the life of incidents,
// outages of it, and restarts of the sender, and counts the pages.
func TestAlertmanager(t *testing.T) {
	am, p := alertmanagerWithPager(t)
	s, stop := run(t, am.URL)
	bypass := example()
	bypass.StartedAt = time.Now().Add(-2 * time.Minute)
	bypass.FiredAt = time.Now()
	pending := firing("SlowDatabase", "blog")
	pending.State, pending.FiredAt = incident.Pending, time.Time{}

	s.Notify([]incident.Incident{bypass, pending})
	p.expect(t, "firing", "firing CacheBypass/shop")
	alerts := activeAlerts(t, am.URL)
	if len(alerts) != 1 {
		t.Fatalf("got alerts %v, want one", alerts)
	}
	want := s.Alerts()[0]
	got := alerts[0]
	if diff := cmp.Diff(want.Labels, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Annotations, got.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if !got.StartsAt.Equal(want.StartsAt) || got.GeneratorURL != want.GeneratorURL {
		t.Errorf("got %v, %s, want %v, %s", got.StartsAt, got.GeneratorURL, want.StartsAt, want.GeneratorURL)
	}
	// What identifies an alert in our messages is what does in Alertmanager's.
	if fp := want.Labels.Fingerprint().String(); got.Fingerprint != fp {
		t.Errorf("got fingerprint %s, want %s", got.Fingerprint, fp)
	}

	// A restart, and an outage of the Alertmanager that is shorter than four
	// resend delays, page nobody.
	stop()
	s, _ = run(t, am.URL)
	s.Notify([]incident.Incident{bypass})
	time.Sleep(1500 * time.Millisecond)
	am.Restart()
	time.Sleep(6 * time.Second)
	p.expect(t, "after restarts", "firing CacheBypass/shop")

	// What happens while it is away is delivered when it is back.
	am.Kill()
	surge := firing("TrafficSurge", "shop")
	over := resolve(bypass)
	s.Notify([]incident.Incident{over, surge})
	time.Sleep(time.Second)
	am.Start()
	p.expect(t, "after an outage", "firing CacheBypass/shop", "resolved CacheBypass/shop", "firing TrafficSurge/shop")

	superseded := resolve(surge)
	superseded.SupersededBy = "other"
	s.Notify([]incident.Incident{over, superseded})
	p.expect(t, "superseded", "firing CacheBypass/shop", "resolved CacheBypass/shop", "firing TrafficSurge/shop", "resolved TrafficSurge/shop")
	time.Sleep(3 * time.Second) // the resolved alerts are sent again
	p.expect(t, "in the end", "firing CacheBypass/shop", "resolved CacheBypass/shop", "firing TrafficSurge/shop", "resolved TrafficSurge/shop")
}

// TestAlertmanagerTakesWhatWeMend sends what a real Alertmanager refuses unless
// it is mended.
func TestAlertmanagerTakesWhatWeMend(t *testing.T) {
	am, p := alertmanagerWithPager(t)
	s, _ := run(t, am.URL)
	in := firing("CacheBypass", "sh\xffop")
	in.Verdict.Scope["k8s.pod"], in.Verdict.Scope["größe"], in.Verdict.Scope["empty"] = "a", "b", ""
	in.Verdict.Description = strings.Repeat("ü", 1<<20)
	s.Notify([]incident.Incident{in, firing("SlowDatabase", "shop")})
	p.expect(t, "mended", "firing CacheBypass/sh\uFFFDop", "firing SlowDatabase/shop")
	if got := s.undelivered(); got != 0 {
		t.Errorf("got %v undelivered alerts, want 0", got)
	}
}

type apiAlert struct {
	Alert
	Fingerprint string `json:"fingerprint"`
}

func activeAlerts(t *testing.T, url string) []apiAlert {
	t.Helper()
	res, err := http.Get(url + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out []apiAlert
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
