package alerting

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/incident"
)

// world is a random history of incidents in some scopes, as the engine tells it.
type world struct {
	rnd    *rand.Rand
	n      int
	open   map[string]*incident.Incident // by service
	closed []incident.Incident
	fired  map[string]bool // alertname/service of every incident that ever fired
}

// step changes the state of some scopes.
func (w *world) step() {
	for _, service := range []string{"a", "b", "c", "d"} {
		in := w.open[service]
		switch {
		case w.rnd.IntN(3) > 0: // nothing happens here
		case in == nil:
			w.begin(service, incident.Pending)
		case in.State == incident.Pending && w.rnd.IntN(3) == 0:
			delete(w.open, service) // it came to nothing
		case in.State == incident.Pending:
			in.State, in.FiredAt = incident.Firing, time.Now()
			w.fired[key(*in)] = true
		case w.rnd.IntN(8) == 0: // another diagnosis takes over
			old := resolve(*in)
			w.begin(service, incident.Firing)
			old.SupersededBy = w.open[service].ID
			w.closed = append(w.closed, old)
		case w.rnd.IntN(7) == 0: // its rule is removed
			delete(w.open, service)
		case w.rnd.IntN(2) == 0:
			in.Held = !in.Held
			in.Verdict.Summary += "."
		default:
			w.closed = append(w.closed, resolve(*in))
			delete(w.open, service)
		}
	}
	w.closed = slices.DeleteFunc(w.closed, func(in incident.Incident) bool { return time.Since(in.ResolvedAt) > 15*time.Minute })
}

func (w *world) begin(service string, state incident.State) {
	w.n++
	alert := []string{"CacheBypass", "SlowDatabase"}[w.rnd.IntN(2)]
	in := firing(alert, service)
	in.ID = fmt.Sprint("incident-", w.n)
	in.StartedAt = in.StartedAt.Add(time.Duration(w.rnd.IntN(300)-180) * time.Second) // may lie in the future
	if in.State = state; state == incident.Pending {
		in.FiredAt = time.Time{}
	} else {
		w.fired[key(in)] = true
	}
	w.open[service] = &in
}

func key(in incident.Incident) string {
	return in.Verdict.Alert + "/" + string(in.Verdict.Scope["service"])
}

// incidents returns what the engine would publish, in any order.
func (w *world) incidents() []incident.Incident {
	out := slices.Clone(w.closed)
	for _, in := range w.open {
		out = append(out, *in)
	}
	w.rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// firing returns what an Alertmanager should show.
func (w *world) firing() []string {
	out := []string{}
	for _, in := range w.open {
		if in.State == incident.Firing {
			out = append(out, key(*in))
		}
	}
	slices.Sort(out)
	return out
}

// TestRandomHistories lets incidents, an Alertmanager and a webhook that fail
// now and then, and restarts happen at random. Whatever happens, no alert ends
// before it starts, none fires after its incident is resolved, none is sent of an
// incident that never fired; and soon after the faults end all agree.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomHistory(t, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func randomHistory(t *testing.T, rnd *rand.Rand) {
	w := &world{rnd: rnd, open: map[string]*incident.Incident{}, fired: map[string]bool{}}
	var mended atomic.Bool
	answers := func() func() int {
		rnd := rand.New(rand.NewPCG(rnd.Uint64(), 0)) // each fake has its own goroutine
		return func() int {
			if !mended.Load() && rnd.IntN(3) == 0 {
				return []int{500, 503, 429, 404}[rnd.IntN(4)]
			}
			return http.StatusOK
		}
	}
	am := &fakeAlertmanager{status: answers()}
	answer := answers()
	chat := &fakeWebhook{status: func(message) int { return answer() }}
	n := network{host: am, "chat.example.org": chat}
	c := toAlertmanagers(host)
	c.Webhooks = toWebhook(hook).Webhooks
	o := testOptions()
	o.Ledger = &memory{}

	restart := func() (*Sender, func() time.Duration) {
		o.Registerer = nil
		return start(t, c, o, n)
	}
	s, stop := restart()
	shown := map[string]string{} // what people think, by alert
	check := func() {
		t.Helper()
		want := w.firing()
		for _, p := range am.taken() {
			for _, a := range p.alerts {
				k := string(a.Labels["alertname"] + "/" + a.Labels["service"])
				if a.EndsAt.Before(a.StartsAt) || a.StartsAt.After(p.at) {
					t.Errorf("%s at %v is from %v to %v", k, p.at, a.StartsAt, a.EndsAt)
				}
				if !w.fired[k] {
					t.Errorf("%s was sent but never fired", k)
				}
				if a.EndsAt.After(p.at) != slices.Contains(want, k) {
					t.Errorf("%s at %v ends at %v, but these fire: %v", k, p.at, a.EndsAt, want)
				}
			}
		}
		chat.mu.Lock()
		defer chat.mu.Unlock()
		for _, m := range chat.messages {
			k := string(m.CommonLabels["alertname"] + "/" + m.CommonLabels["service"])
			if (m.Status == statusFiring) != slices.Contains(want, k) {
				t.Errorf("the webhook was told that %s is %s, but these fire: %v", k, m.Status, want)
			}
			if m.Status == statusResolved && shown[k] != statusFiring && mended.Load() {
				t.Errorf("the webhook was told of the end of %s, of which it did not know", k)
			}
			shown[k] = m.Status
		}
		chat.messages = nil
	}
	// What ends while it cannot be told is forgotten with the process.
	excused := map[string]bool{}
	for range 150 {
		w.step()
		s.Notify(w.incidents())
		sleep(time.Duration(rnd.IntN(90_000)) * time.Millisecond)
		if rnd.IntN(10) == 0 {
			stop()
			sleep(time.Duration(rnd.IntN(60)) * time.Second)
			s, stop = restart()
			check()
			for k, status := range shown {
				excused[k] = status == statusFiring && !slices.Contains(w.firing(), k)
			}
			s.Notify(w.incidents())
			synctest.Wait()
		}
		check()
	}
	mended.Store(true)
	sleep(2 * time.Minute) // a refusal of the webhook lasts a minute
	check()
	if diff := cmp.Diff(w.firing(), am.firing()); diff != "" {
		t.Errorf("the Alertmanager does not know what fires (-want +got):\n%s", diff)
	}
	told := []string{}
	for k, status := range shown {
		if status == statusFiring && (!excused[k] || slices.Contains(w.firing(), k)) {
			told = append(told, k)
		}
	}
	slices.Sort(told)
	if diff := cmp.Diff(w.firing(), told); diff != "" {
		t.Errorf("the webhook does not know what fires (-want +got):\n%s", diff)
	}
}
