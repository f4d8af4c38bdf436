package alerting

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"

	"tidemark/incident"
)

const host = "am:9093"

// TestLife follows one alert: it is sent at once, again at every resend delay
// although nobody calls Notify, and as resolved for 15 minutes.
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		in := firing("CacheBypass", "shop")
		began := in.StartedAt.UTC().Truncate(time.Millisecond)
		pending := firing("SlowDatabase", "shop")
		pending.State = incident.Pending

		notify(s, in, pending)
		sleep(10 * time.Minute)
		posts := am.taken()
		if len(posts) != 11 {
			t.Fatalf("got %d requests in 10 minutes, want 11", len(posts))
		}
		for i, p := range posts {
			if len(p.alerts) != 1 {
				t.Fatalf("request %d: got %d alerts, want 1: the pending one is not sent", i, len(p.alerts))
			}
			a := p.alerts[0]
			if want := time.Duration(i) * time.Minute; p.at.Sub(in.FiredAt).Round(time.Second) != want {
				t.Errorf("request %d: sent after %v, want %v", i, p.at.Sub(in.FiredAt), want)
			}
			if !a.StartsAt.Equal(began) {
				t.Errorf("request %d: got startsAt %v, want %v", i, a.StartsAt, began)
			}
			if got := a.EndsAt.Sub(p.at).Round(time.Second); got != 4*time.Minute {
				t.Errorf("request %d: ends %v after it was sent, want 4m", i, got)
			}
		}

		over := resolve(in)
		notify(s, over)
		sleep(5 * time.Minute)
		notify(s) // the incident is forgotten
		sleep(25 * time.Minute)
		posts = am.taken()
		if len(posts) != 16 {
			t.Errorf("got %d requests after it was resolved, want 16 in 15 minutes", len(posts))
		}
		for i, p := range posts {
			want := over.ResolvedAt.UTC().Truncate(time.Millisecond)
			if a := p.alerts[0]; !a.EndsAt.Equal(want) || !a.StartsAt.Equal(began) {
				t.Errorf("request %d: got %v to %v, want %v to %v", i, a.StartsAt, a.EndsAt, began, want)
			}
		}
		if got := s.Alerts(); len(got) != 0 {
			t.Errorf("got alerts %v long after all is over, want none", got)
		}
	})
}

func TestLongIntervalOutlivesItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		o := testOptions()
		o.Interval = 5 * time.Minute
		s, _ := start(t, toAlertmanagers(host), o, network{host: am})
		notify(s, firing("CacheBypass", "shop"))
		p := am.taken()[0]
		if got := p.alerts[0].EndsAt.Sub(p.at).Round(time.Second); got != 20*time.Minute {
			t.Errorf("ends %v after it was sent, want 20m", got)
		}
	})
}

// TestNeverResolvedWithoutFiring: an incident that only was pending is nobody's
// business.
func TestNeverResolvedWithoutFiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		in := firing("CacheBypass", "shop")
		in.State, in.FiredAt = incident.Pending, time.Time{}
		notify(s, in)
		notify(s, resolve(in))
		notify(s)
		sleep(time.Hour)
		if posts := am.taken(); len(posts) > 0 {
			t.Errorf("got %v, want no requests", posts)
		}
	})
}

// TestVanished: an incident that fires and is gone, with its rule, is resolved.
func TestVanished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		notify(s, firing("CacheBypass", "shop"), firing("CacheBypass", "blog"))
		if diff := cmp.Diff([]string{"CacheBypass/blog", "CacheBypass/shop"}, am.firing()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		sleep(time.Second)
		notify(s, firing("CacheBypass", "blog"))
		if diff := cmp.Diff([]string{"CacheBypass/blog"}, am.firing()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestSameLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		first := firing("CacheBypass", "shop")
		first.ID = "first"
		notify(s, first)
		sleep(10 * time.Minute)
		first = resolve(first)
		notify(s, first)
		sleep(5 * time.Minute)
		am.taken()
		second := firing("CacheBypass", "shop")
		second.ID = "second"
		for _, order := range [][]incident.Incident{{first, second}, {second, first}} {
			notify(s, order...)
			sleep(3 * time.Minute)
		}
		for _, p := range am.taken() {
			if len(p.alerts) != 1 || !p.alerts[0].EndsAt.After(p.at) {
				t.Errorf("got %v, want the second incident alone, firing", p.alerts)
			}
		}
		if got := am.firing(); len(got) != 1 {
			t.Errorf("got %v firing, want one", got)
		}
	})
}

// TestDeadReceiver: one that hangs, one that refuses connections and one that
// answers 503 delay no other.
func TestDeadReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, hangs := &fakeAlertmanager{}, &fakeAlertmanager{hang: true}
		broken := &fakeAlertmanager{status: func() int { return http.StatusServiceUnavailable }}
		o := testOptions()
		s, _ := start(t, toAlertmanagers("hangs", "gone", "broken", host), o, network{host: good, "hangs": hangs, "broken": broken})
		begin := time.Now()
		for i := range 100 {
			notify(s, firing("CacheBypass", fmt.Sprint("s", i)))
			if len(good.firing()) == 0 {
				t.Fatalf("incident %d was not delivered at once", i)
			}
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("Notify took %v", took)
		}
		good.taken()
		hangs.taken()
		sleep(time.Minute)
		if got := len(hangs.taken()); got < 3 || got > 8 {
			t.Errorf("got %d requests to the one that hangs in a minute, want one each 10 s timeout and backoff", got)
		}
		if got := broken.taken(); len(got) < 12 || len(got) > 24 {
			t.Errorf("got %d requests to the broken one in a minute, want one each 4 to 5 s after the first", len(got))
		}
		if got := testutil.ToFloat64(s.metrics.errors.WithLabelValues("http://gone")); got == 0 {
			t.Error("no errors are counted for the one that is gone")
		}
		if got := s.undelivered(); got != 0 {
			t.Errorf("got %v undelivered alerts, want 0: one receiver is enough", got)
		}
	})
}

// TestReturns: an Alertmanager that was away gets the newest state within
// seconds, and nothing of what happened meanwhile.
func TestReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		var back atomic.Bool
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !back.Load() {
				panic(http.ErrAbortHandler)
			}
			am.ServeHTTP(w, r)
		})})
		a, b := firing("CacheBypass", "a"), firing("CacheBypass", "b")
		notify(s, a, b)
		if got := s.undelivered(); got != 2 {
			t.Errorf("got %v undelivered alerts, want 2", got)
		}
		sleep(20 * time.Minute)
		b = resolve(b)
		notify(s, a, b)
		sleep(time.Minute)
		back.Store(true)
		sleep(5 * time.Second)
		posts := am.taken()
		if len(posts) != 1 || len(posts[0].alerts) != 2 {
			t.Fatalf("got %v, want one request with both alerts", posts)
		}
		if diff := cmp.Diff([]string{"CacheBypass/a"}, am.firing()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := s.undelivered(); got != 0 {
			t.Errorf("got %v undelivered alerts, want 0", got)
		}
	})
}

// TestHalfOfTheRequestsFail: the alert does not lapse.
func TestHalfOfTheRequestsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		am := &fakeAlertmanager{status: func() int {
			if calls++; calls%2 == 0 {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		}}
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		notify(s, firing("CacheBypass", "shop"))
		for range 60 {
			sleep(time.Minute)
			if len(am.firing()) != 1 {
				t.Fatal("the alert lapsed")
			}
		}
	})
}

// TestRefusedAlert: a bad alert does not keep the others of its batch from
// being delivered, and the same batch is not sent twice.
func TestRefusedAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{refuse: func(a Alert) bool { return a.Labels["service"] == "s37" }}
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		var incidents []incident.Incident
		for i := range 64 {
			incidents = append(incidents, firing("CacheBypass", fmt.Sprint("s", i)))
		}
		notify(s, incidents...)
		posts := am.taken()
		// The batch of 64, then 2 of each size from 32 to 1.
		if len(posts) != 13 {
			t.Errorf("got %d requests, want 13", len(posts))
		}
		seen := map[string]bool{}
		for _, p := range posts {
			key := fmt.Sprint(p.alerts)
			if seen[key] {
				t.Errorf("a batch of %d was sent twice", len(p.alerts))
			}
			seen[key] = true
		}
		if got := len(am.firing()); got != 63 {
			t.Errorf("got %d alerts, want 63", got)
		}
		if got := testutil.ToFloat64(s.metrics.dropped.WithLabelValues("http://am:9093", "refused")); got != 1 {
			t.Errorf("got %v refused alerts, want 1", got)
		}
		if got := s.undelivered(); got != 1 {
			t.Errorf("got %v undelivered alerts, want 1", got)
		}

		sleep(time.Minute)
		posts = am.taken()
		if sizes := sizesOf(posts); !slices.Equal(sizes, []int{63, 1}) {
			t.Errorf("a minute later: got batches of %v, want the bad one by itself: [63 1]", sizes)
		}
		am.mu.Lock()
		am.refuse = nil
		am.mu.Unlock()
		sleep(time.Minute)
		if got := len(am.firing()); got != 64 {
			t.Errorf("got %d alerts after the bad one is taken, want 64", got)
		}
		am.taken()
		sleep(time.Minute)
		if sizes := sizesOf(am.taken()); !slices.Equal(sizes, []int{64}) {
			t.Errorf("got batches of %v, want [64]", sizes)
		}
	})
}

func sizesOf(posts []post) []int {
	var out []int
	for _, p := range posts {
		out = append(out, len(p.alerts))
	}
	return out
}

// TestWrongWay: what is not about the alerts is not split.
func TestWrongWay(t *testing.T) {
	for _, code := range []int{301, 401, 403, 404, 405, 408, 429, 500, 502} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				am := &fakeAlertmanager{status: func() int { return code }}
				s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
				notify(s, firing("CacheBypass", "a"), firing("CacheBypass", "b"))
				sleep(10 * time.Second)
				for _, p := range am.taken() {
					if len(p.alerts) != 2 {
						t.Errorf("got a batch of %d, want 2", len(p.alerts))
					}
				}
				am.mu.Lock()
				am.status = nil
				am.mu.Unlock()
				sleep(maxBackoff)
				if got := len(am.firing()); got != 2 {
					t.Errorf("got %d alerts after it works again, want 2", got)
				}
			})
		})
	}
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		c := toAlertmanagers(host)
		c.QueueCapacity, c.MaxBatchSize = 25, 10
		s, _ := start(t, c, testOptions(), network{host: am})
		var incidents []incident.Incident
		for i := range 30 {
			in := firing("CacheBypass", fmt.Sprint("s", i))
			in.StartedAt = in.StartedAt.Add(time.Duration(i) * time.Second)
			incidents = append(incidents, in)
		}
		notify(s, incidents...)
		if got := sizesOf(am.taken()); !slices.Equal(got, []int{10, 10, 5}) {
			t.Errorf("got batches of %v, want [10 10 5]", got)
		}
		if got := testutil.ToFloat64(s.metrics.dropped.WithLabelValues("http://am:9093", "capacity")); got != 5 {
			t.Errorf("got %v dropped alerts, want 5", got)
		}
		if got := am.firing(); slices.Contains(got, "CacheBypass/s25") || !slices.Contains(got, "CacheBypass/s24") {
			t.Errorf("got %v, want those that began first", got)
		}
	})
}

// TestRestart: what is restored is sent at once, with the same labels and start.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		in := firing("CacheBypass", "shop")
		s, stop := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		notify(s, in)
		before := am.taken()
		stop()
		sleep(3 * time.Minute)
		s, err := newSender(toAlertmanagers(host), testOptions(), network{host: am}.transport)
		if err != nil {
			t.Fatal(err)
		}
		s.Notify([]incident.Incident{in}) // before Run
		go s.Run(t.Context())
		synctest.Wait()
		after := am.taken()
		if len(before) != 1 || len(after) != 1 {
			t.Fatalf("got %d and %d requests, want 1 and 1", len(before), len(after))
		}
		a, b := before[0].alerts[0], after[0].alerts[0]
		a.EndsAt, b.EndsAt = time.Time{}, time.Time{}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("the restart changed the alert (-before +after):\n%s", diff)
		}
	})
}

// TestDrain: what changed just before the end is delivered, even if the first
// try fails.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 2
		am := &fakeAlertmanager{status: func() int {
			if failures > 0 {
				failures--
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		}}
		s, stop := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		s.Notify([]incident.Incident{firing("CacheBypass", "shop")})
		took := stop()
		if got := am.firing(); len(got) != 1 {
			t.Errorf("got %v firing, want the alert", got)
		}
		if took > 2*time.Second {
			t.Errorf("the end took %v", took)
		}
	})
}

// TestDrainAfterRequest: what changes while a request is under way is delivered
// before the end, too.
func TestDrainAfterRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			am.ServeHTTP(w, r)
		})
		s, stop := start(t, toAlertmanagers(host), testOptions(), network{host: slow})
		in := firing("CacheBypass", "shop")
		notify(s, in)
		sleep(100 * time.Millisecond)
		s.Notify([]incident.Incident{resolve(in), firing("SlowDatabase", "shop")})
		stop()
		if diff := cmp.Diff([]string{"SlowDatabase/shop"}, am.firing()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestDrainIsBounded(t *testing.T) {
	for name, am := range map[string]*fakeAlertmanager{
		"hangs":  {hang: true},
		"broken": {status: func() int { return 500 }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, stop := start(t, toAlertmanagers(host, "gone"), testOptions(), network{host: am})
				notify(s, firing("CacheBypass", "shop"))
				if took := stop(); took > drainTimeout+time.Second {
					t.Errorf("the end took %v, want at most %v", took, drainTimeout)
				}
			})
		})
	}
	t.Run("nothing to do", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, stop := start(t, toAlertmanagers(host), testOptions(), network{})
			if took := stop(); took != 0 {
				t.Errorf("the end took %v, want nothing", took)
			}
		})
	})
}

// TestClock: whatever the clock and the incident say, no alert ends before it
// starts or starts in the future.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &fakeAlertmanager{}
		s, _ := start(t, toAlertmanagers(host), testOptions(), network{host: am})
		now := time.Now()
		offsets := []time.Duration{-time.Hour, 0, time.Second, time.Hour}
		for i, from := range offsets {
			for j, to := range offsets {
				in := firing("CacheBypass", fmt.Sprint(i, j))
				in.StartedAt = now.Add(from)
				over := resolve(firing("SlowDatabase", fmt.Sprint(i, j)))
				over.StartedAt, over.ResolvedAt = now.Add(from), now.Add(to)
				unset := firing("CacheDown", fmt.Sprint(i, j))
				unset.StartedAt = time.Time{}
				notify(s, in, over, unset)
			}
		}
		for _, p := range am.taken() {
			if p.code != http.StatusOK {
				t.Errorf("got %d for %v", p.code, p.alerts)
			}
			for _, a := range p.alerts {
				if a.StartsAt.After(p.at) || a.EndsAt.Before(a.StartsAt) {
					t.Errorf("at %v: got an alert from %v to %v", p.at, a.StartsAt, a.EndsAt)
				}
				if a.Labels["alertname"] == "SlowDatabase" && a.EndsAt.After(p.at) {
					t.Errorf("at %v: a resolved alert ends at %v", p.at, a.EndsAt)
				}
			}
		}
	})
}

func TestNoReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := start(t, DefaultConfig, testOptions(), network{})
		notify(s, firing("CacheBypass", "shop"))
		if got := s.undelivered(); got != 1 {
			t.Errorf("got %v undelivered alerts, want 1", got)
		}
		if got := s.Alerts(); len(got) != 1 {
			t.Errorf("got alerts %v, want one", got)
		}
		sleep(time.Hour)
		stop()
	})
}

func TestMetricsExistFromTheStart(t *testing.T) {
	reg := prometheus.NewRegistry()
	o := testOptions()
	o.Registerer = reg
	c := toAlertmanagers("user:hunter2@am:9093/prefix?token=hunter2")
	c.Webhooks = toWebhook("http://chat/hunter2").Webhooks
	if _, err := newSender(c, o, network{}.transport); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"tidemark_alerting_sent_total": 2, "tidemark_alerting_errors_total": 2, "tidemark_alerting_dropped_total": 6,
		"tidemark_alerting_queue_length": 2, "tidemark_alerting_undelivered_alerts": 1,
	} {
		if got, err := testutil.GatherAndCount(reg, name); err != nil || got != want {
			t.Errorf("%s: got %d series, err %v, want %d", name, got, err, want)
		}
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	receivers := map[string]bool{}
	for _, f := range families {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if l.GetName() == "receiver" {
					receivers[l.GetValue()] = true
				}
			}
		}
	}
	if diff := cmp.Diff(map[string]bool{"http://am:9093/prefix": true, "chat": true}, receivers); diff != "" {
		t.Errorf("receivers (-want +got):\n%s", diff)
	}
}

// TestLabelsDoNotFollowTheEvidence: values change from cycle to cycle, the
// identity does not.
func TestLabelsDoNotFollowTheEvidence(t *testing.T) {
	b := builder{labels: model.LabelSet{"cluster": "a"}}
	in := firing("CacheBypass", "shop")
	want := b.offer(in, time.Now())
	in.Verdict.Confidence, in.Verdict.Summary, in.Held = math.NaN(), "other", true
	in.LastSeen, in.Verdict.Onset = time.Now(), time.Now()
	got := b.offer(in, time.Now())
	if got.fingerprint != want.fingerprint || !got.alert.StartsAt.Equal(want.alert.StartsAt) {
		t.Errorf("got %v from %v, want %v from %v", got.alert.Labels, got.alert.StartsAt, want.alert.Labels, want.alert.StartsAt)
	}
}
