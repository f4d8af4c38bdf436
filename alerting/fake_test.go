package alerting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// network answers requests by host, in the goroutine that sends them, so that
// it can be used in a bubble.
type network map[string]http.Handler

func (n network) transport(config.HTTPClientConfig, string) (http.RoundTripper, error) { return n, nil }

// RoundTrip implements http.RoundTripper. The panic with http.ErrAbortHandler
// cuts the connection.
func (n network) RoundTrip(req *http.Request) (res *http.Response, err error) {
	h, ok := n[req.URL.Host]
	if !ok {
		return nil, errors.New("connection refused")
	}
	defer func() {
		if r := recover(); r != nil {
			if failure, ok := r.(error); !ok || !errors.Is(failure, http.ErrAbortHandler) {
				panic(r)
			}
			err = errors.New("connection reset by peer")
		}
	}()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}

// post is one request that reached a fake.
type post struct {
	at     time.Time
	alerts []Alert
	code   int
}

// fakeAlertmanager takes alerts as an Alertmanager does. Refuse and status may
// be changed between requests.
type fakeAlertmanager struct {
	mu     sync.Mutex
	posts  []post
	alerts map[model.Fingerprint]Alert

	status func() int       // the answer to all requests, if it is not 0
	refuse func(Alert) bool // what is answered with 400
	hang   bool             // no answer until the client gives up
}

func (f *fakeAlertmanager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method != http.MethodPost || r.URL.Path != "/api/v2/alerts" || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "what is "+r.Method+" "+r.URL.Path, http.StatusNotFound)
		return
	}
	p := post{at: time.Now(), code: http.StatusOK}
	if err := json.NewDecoder(r.Body).Decode(&p.alerts); err != nil {
		panic(err)
	}
	if f.hang {
		f.mu.Unlock()
		<-r.Context().Done()
		f.mu.Lock()
		p.code = 0
		f.posts = append(f.posts, p)
		return
	}
	if f.status != nil {
		p.code = f.status()
	}
	if p.code == http.StatusOK {
		for _, a := range p.alerts {
			if f.refuse != nil && f.refuse(a) || a.EndsAt.Before(a.StartsAt) || a.StartsAt.IsZero() {
				p.code = http.StatusBadRequest
				continue
			}
			f.store(a, p.at)
		}
	}
	f.posts = append(f.posts, p)
	w.WriteHeader(p.code)
	fmt.Fprintf(w, `{"code":%d}`, p.code)
}

// store merges an alert into those that are known, as Alertmanager does.
func (f *fakeAlertmanager) store(a Alert, now time.Time) {
	if f.alerts == nil {
		f.alerts = map[model.Fingerprint]Alert{}
	}
	fp := a.Labels.Fingerprint()
	old, known := f.alerts[fp]
	overlaps := a.EndsAt.After(old.StartsAt) && a.EndsAt.Before(old.EndsAt) || a.StartsAt.After(old.StartsAt) && a.StartsAt.Before(old.EndsAt)
	if known && overlaps {
		if old.StartsAt.Before(a.StartsAt) {
			a.StartsAt = old.StartsAt
		}
		if a.EndsAt.After(now) && old.EndsAt.After(a.EndsAt) {
			a.EndsAt = old.EndsAt
		}
	}
	f.alerts[fp] = a
}

// firing returns the alert names that fire as far as the fake knows.
func (f *fakeAlertmanager) firing() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []string{}
	for _, a := range f.alerts {
		if a.EndsAt.After(time.Now()) {
			out = append(out, string(a.Labels["alertname"])+"/"+string(a.Labels["service"]))
		}
	}
	slices.Sort(out)
	return out
}

// taken returns the requests since the last call.
func (f *fakeAlertmanager) taken() []post {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.posts
	f.posts = nil
	return out
}

// fakeWebhook keeps the messages that it accepts.
type fakeWebhook struct {
	mu       sync.Mutex
	messages []message
	paths    []string
	requests int
	status   func(message) int // nil accepts all
}

func (f *fakeWebhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		panic(err)
	}
	f.requests++
	if f.status != nil {
		if code := f.status(m); code != http.StatusOK {
			http.Error(w, "cannot take "+r.URL.String(), code)
			return
		}
	}
	f.messages = append(f.messages, m)
	f.paths = append(f.paths, r.URL.Path)
}

// told returns what was accepted since the last call, as "firing CacheBypass/shop".
func (f *fakeWebhook) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []string{}
	for _, m := range f.messages {
		out = append(out, m.Status+" "+string(m.CommonLabels["alertname"])+"/"+string(m.CommonLabels["service"]))
	}
	f.messages = nil
	return out
}

// memory is a ledger.
type memory struct {
	mu   sync.Mutex
	keys map[string]time.Time
	err  error
}

func (m *memory) Deliveries() (map[string]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]time.Time{}
	for k, v := range m.keys {
		out[k] = v
	}
	return out, m.err
}

func (m *memory) RecordDelivery(key string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil {
		m.keys = map[string]time.Time{}
	}
	m.keys[key] = at
	return m.err
}

func mustURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

// toAlertmanagers returns the configuration for some hosts.
func toAlertmanagers(hosts ...string) Config {
	c := DefaultConfig
	for _, h := range hosts {
		a := DefaultAlertmanagerConfig
		a.URL = config.URL{URL: mustURL("http://" + h)}
		c.Alertmanagers = append(c.Alertmanagers, a)
	}
	return c
}

func toWebhook(url string) Config {
	c := DefaultConfig
	w := DefaultWebhookConfig
	w.Name, w.URL = "chat", config.Secret(url)
	c.Webhooks = []WebhookConfig{w}
	return c
}

func testOptions() Options {
	return Options{
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		ExternalURL: mustURL("https://tidemark.example.org/t"), ExternalLabels: model.LabelSet{"cluster": "a"},
		Interval: 15 * time.Second,
	}
}

// start runs a sender until the test ends or stop is called, which returns how
// long it took to end.
func start(t *testing.T, c Config, o Options, n network) (s *Sender, stop func() time.Duration) {
	t.Helper()
	s, err := newSender(c, o, n.transport)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceValue(func() time.Duration {
		begin := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		return time.Since(begin)
	})
	t.Cleanup(func() { stop() })
	synctest.Wait()
	return s, stop
}

// sleep lets time pass, and everything that is due then happen.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func notify(s *Sender, incidents ...incident.Incident) {
	s.Notify(incidents)
	synctest.Wait()
}

// firing returns an incident that fires now and began two minutes ago.
func firing(alert, service string) incident.Incident {
	now := time.Now()
	return incident.Incident{
		ID: alert + "-" + service, State: incident.Firing,
		StartedAt: now.Add(-2 * time.Minute), DetectedAt: now.Add(-time.Minute), FiredAt: now, LastSeen: now,
		Verdict: rules.Verdict{
			Rule: alert, Alert: alert, Suspect: signal.Cache, Severity: rules.Critical,
			Scope: model.LabelSet{"service": model.LabelValue(service)}, Confidence: 0.9, Summary: alert + " of " + service,
		},
	}
}

// resolve returns the incident as it is when it is resolved now.
func resolve(in incident.Incident) incident.Incident {
	in.State, in.ResolvedAt = incident.Resolved, time.Now()
	return in
}
