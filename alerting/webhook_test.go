package alerting

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidemark/incident"
)

var update = flag.Bool("update", false, "write the golden files anew")

const hook = "http://chat.example.org/hooks/hunter2?key=hunter3"

func expect(t *testing.T, hook *fakeWebhook, what string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, hook.told()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestWebhookLife: people are told of changes, reminded after hours, and not
// bothered in between.
func TestWebhookLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat := &fakeWebhook{}
		s, _ := start(t, toWebhook(hook), testOptions(), network{"chat.example.org": chat})
		a, b := firing("CacheBypass", "a"), firing("SlowDatabase", "b")
		notify(s, a)
		expect(t, chat, "at once", "firing CacheBypass/a")
		sleep(time.Minute)
		notify(s, a, b)
		expect(t, chat, "another incident", "firing SlowDatabase/b")
		for range 10 {
			sleep(time.Minute)
			a.Verdict.Summary += "!"
			notify(s, a, b)
		}
		expect(t, chat, "ten cycles")
		a = resolve(a)
		notify(s, a, b)
		expect(t, chat, "resolved", "resolved CacheBypass/a")
		notify(s, b)
		sleep(3 * time.Hour)
		expect(t, chat, "hours later")
		sleep(time.Hour)
		expect(t, chat, "repeated", "firing SlowDatabase/b")
		sleep(4 * time.Hour)
		expect(t, chat, "repeated again", "firing SlowDatabase/b")
	})
}

// TestWebhookRetries: a webhook that is away gets what is still true when it
// comes back.
func TestWebhookRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat := &fakeWebhook{status: func(message) int { return http.StatusBadGateway }}
		s, _ := start(t, toWebhook(hook), testOptions(), network{"chat.example.org": chat})
		goesOn, ended, neverTried := firing("CacheBypass", "a"), firing("CacheBypass", "b"), firing("CacheBypass", "c")
		notify(s, goesOn)
		sleep(time.Minute)
		if chat.requests < 10 || chat.requests > 20 {
			t.Errorf("got %d requests in a minute, want one each 4 to 5 s after the first", chat.requests)
		}
		chat.mu.Lock()
		chat.status = func(m message) int {
			if m.CommonLabels["service"] == "a" {
				return http.StatusOK
			}
			return http.StatusBadGateway
		}
		chat.mu.Unlock()
		sleep(maxBackoff)
		expect(t, chat, "back", "firing CacheBypass/a")

		notify(s, goesOn, ended)
		sleep(10 * time.Second)
		ended = resolve(ended)
		notify(s, goesOn, ended, resolve(neverTried))
		sleep(time.Hour)
		notify(s, goesOn)
		expect(t, chat, "still away for b")
		chat.mu.Lock()
		chat.status = nil
		chat.mu.Unlock()
		sleep(maxBackoff)
		expect(t, chat, "the end is told late, to who may have seen the beginning", "resolved CacheBypass/b")
		sleep(time.Hour)
		expect(t, chat, "and once")
	})
}

func TestWebhookGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat := &fakeWebhook{status: func(message) int { return http.StatusServiceUnavailable }}
		s, _ := start(t, toWebhook(hook), testOptions(), network{"chat.example.org": chat})
		in := firing("CacheBypass", "a")
		notify(s, in)
		notify(s, resolve(in))
		sleep(25 * time.Hour)
		if got := testutil.ToFloat64(s.metrics.dropped.WithLabelValues("chat", "expired")); got != 1 {
			t.Errorf("got %v expired alerts, want 1", got)
		}
		chat.mu.Lock()
		chat.status = nil
		chat.mu.Unlock()
		sleep(time.Hour)
		expect(t, chat, "a day later")
	})
}

// TestWebhookRefusal: an alert that is refused does not hold up the others, and
// is tried again when somebody may have mended the endpoint.
func TestWebhookRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat := &fakeWebhook{status: func(m message) int {
			if m.CommonLabels["service"] == "bad" {
				return http.StatusBadRequest
			}
			return http.StatusOK
		}}
		s, _ := start(t, toWebhook(hook), testOptions(), network{"chat.example.org": chat})
		bad := firing("CacheBypass", "bad")
		notify(s, bad, firing("CacheBypass", "good"))
		expect(t, chat, "at once", "firing CacheBypass/good")
		sleep(10*time.Minute + time.Second)
		if want := 2 + 10; chat.requests != want {
			t.Errorf("got %d requests in ten minutes, want %d", chat.requests, want)
		}
		chat.mu.Lock()
		chat.status = nil
		chat.mu.Unlock()
		sleep(time.Minute)
		expect(t, chat, "mended", "firing CacheBypass/bad")
	})
}

// TestWebhookEndAfterRefusal: what changes is tried at once, however the state
// before it was answered.
func TestWebhookEndAfterRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat := &fakeWebhook{status: func(m message) int {
			if m.Status == statusFiring {
				return http.StatusBadRequest
			}
			return http.StatusOK
		}}
		s, _ := start(t, toWebhook(hook), testOptions(), network{"chat.example.org": chat})
		in := firing("CacheBypass", "a")
		notify(s, in)
		sleep(time.Second)
		notify(s, resolve(in))
		expect(t, chat, "resolved", "resolved CacheBypass/a")
	})
}

func TestWebhookWithoutResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := toWebhook(hook)
		c.Webhooks[0].SendResolved = false
		chat := &fakeWebhook{}
		s, stop := start(t, c, testOptions(), network{"chat.example.org": chat})
		in := firing("CacheBypass", "a")
		notify(s, in)
		notify(s, resolve(in))
		sleep(time.Hour)
		expect(t, chat, "life", "firing CacheBypass/a")
		if took := stop(); took != 0 {
			t.Errorf("the end took %v, want nothing: there is nothing to deliver", took)
		}
	})
}

// TestWebhookRestart: with a ledger a restart tells nobody again, and what
// changed meanwhile is told.
func TestWebhookRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat := &fakeWebhook{}
		n := network{"chat.example.org": chat}
		o := testOptions()
		o.Ledger = &memory{}
		restart := func(incidents ...incident.Incident) *Sender {
			o := o
			o.Registerer = nil
			s, err := newSender(toWebhook(hook), o, n.transport)
			if err != nil {
				t.Fatal(err)
			}
			s.Notify(incidents)
			go s.Run(t.Context())
			synctest.Wait()
			return s
		}
		goesOn, ends := firing("CacheBypass", "a"), firing("CacheBypass", "b")
		s, stop := start(t, toWebhook(hook), o, n)
		notify(s, goesOn, ends)
		expect(t, chat, "before", "firing CacheBypass/a", "firing CacheBypass/b")
		stop()
		sleep(time.Hour)
		s = restart(goesOn, ends)
		expect(t, chat, "after a restart")
		notify(s, goesOn, resolve(ends))
		expect(t, chat, "resolved", "resolved CacheBypass/b")
		sleep(time.Minute)
		restart(goesOn, resolve(ends))
		expect(t, chat, "after another restart")
		sleep(3*time.Hour + time.Second)
		if got := chat.told(); len(got) == 0 || got[0] != "firing CacheBypass/a" {
			t.Errorf("four hours after it was told: got %v, want a reminder", got)
		}
	})
}

// TestBrokenLedger: sending does not depend on it.
func TestBrokenLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o := testOptions()
		o.Ledger = &memory{err: errors.New("disk is gone")}
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		chat := &fakeWebhook{}
		s, _ := start(t, toWebhook(hook), o, network{"chat.example.org": chat})
		in := firing("CacheBypass", "a")
		notify(s, in)
		notify(s, in)
		expect(t, chat, "told once", "firing CacheBypass/a")
		if got := strings.Count(log.String(), "disk is gone"); got != 2 {
			t.Errorf("got %d log lines about the ledger, want 2:\n%s", got, log.String())
		}
	})
}

func TestWebhookDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 1
		chat := &fakeWebhook{status: func(message) int {
			if failures > 0 {
				failures--
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		}}
		s, stop := start(t, toWebhook(hook), testOptions(), network{"chat.example.org": chat})
		s.Notify([]incident.Incident{firing("CacheBypass", "a")})
		stop()
		expect(t, chat, "drained", "firing CacheBypass/a")
	})
}

func TestURLFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "url")
	synctest.Test(t, func(t *testing.T) {
		c := toWebhook("")
		c.Webhooks[0].URLFile = "url"
		c.SetDirectory(filepath.Dir(file))
		chat := &fakeWebhook{}
		s, _ := start(t, c, testOptions(), network{"chat.example.org": chat})
		notify(s, firing("CacheBypass", "a"))
		sleep(time.Minute)
		expect(t, chat, "without the file")
		for _, path := range []string{"/one", "/two"} {
			if err := os.WriteFile(file, []byte("http://chat.example.org"+path+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			sleep(4 * time.Hour)
			expect(t, chat, path, "firing CacheBypass/a")
		}
		if diff := cmp.Diff([]string{"/one", "/two"}, chat.paths); diff != "" {
			t.Errorf("paths (-want +got):\n%s", diff)
		}
	})
}

// TestSecretsAreNotShown plants secrets in every address and looks for them in
// the log, whatever goes wrong.
func TestSecretsAreNotShown(t *testing.T) {
	cut := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	echo := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.String())
			http.Error(w, "nothing at "+r.URL.String()+" or "+r.URL.Path+", query "+r.URL.RawQuery, code)
		})
	}
	for name, n := range map[string]network{
		"gone":     {},
		"cut":      {"chat.example.org": cut, host: cut},
		"404":      {"chat.example.org": echo(404), host: echo(404)},
		"400":      {"chat.example.org": echo(400), host: echo(400)},
		"redirect": {"chat.example.org": echo(307), host: echo(307)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				o := testOptions()
				o.Logger = slog.New(slog.NewTextHandler(&log, nil))
				c := toWebhook(hook)
				c.Alertmanagers = toAlertmanagers("user:hunter4@" + host + "?token=hunter5").Alertmanagers
				s, stop := start(t, c, o, n)
				notify(s, firing("CacheBypass", "a"))
				sleep(time.Minute)
				stop()
				if log.Len() == 0 {
					t.Error("nothing was logged")
				}
				if strings.Contains(log.String(), "hunter") {
					t.Errorf("the log shows a secret:\n%s", log.String())
				}
			})
		})
	}
}

// TestMessage compares a whole message with a file.
func TestMessage(t *testing.T) {
	chat := webhook{config: WebhookConfig{Name: "chat"}, external: "https://tidemark.example.org/t"}
	b := builder{external: mustURL("https://tidemark.example.org/t"), labels: exampleExternal}
	for name, in := range map[string]incident.Incident{"firing": example(), "resolved": exampleResolved()} {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(chat.message(b.offer(in, exampleNow)), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "message_"+name+".json", append(got, '\n'))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
