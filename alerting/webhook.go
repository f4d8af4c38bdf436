package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
)

// webhook is one webhook. Behind it are people: it is told of changes, and
// reminded of what goes on, but not at every resend.
type webhook struct {
	loop
	config   WebhookConfig
	external string
	poster   poster
	sender   *Sender
	logger   *slog.Logger
	ledger   Ledger                     // nil: nothing is remembered
	past     map[model.Fingerprint]note // what the ledger knew at the start
	backoff  backoff

	mu    sync.Mutex
	notes map[model.Fingerprint]*note
}

// note is what the webhook was told of one alert.
type note struct {
	offer     offer
	told      state     // the newest state that was delivered
	at        time.Time // when it was
	open      bool      // it may have been told that the alert fires, but not of the end
	notBefore time.Time // after a refusal
}

func newWebhook(c WebhookConfig, o Options, s *Sender, rt transport) (*webhook, error) {
	way, err := rt(c.HTTPClientConfig, "webhook")
	if err != nil {
		return nil, fmt.Errorf("set up the connection to webhook %q: %w", c.Name, err)
	}
	w := &webhook{
		loop:   newLoop(),
		config: c,
		poster: newPoster(way, time.Duration(c.Timeout)),
		sender: s,
		logger: s.logger.With("webhook", c.Name),
		ledger: o.Ledger,
		notes:  map[model.Fingerprint]*note{},
	}
	if o.ExternalURL != nil {
		w.external = o.ExternalURL.String()
	}
	return w, nil
}

func (w *webhook) name() string { return w.config.Name }

func (w *webhook) run(ctx, work context.Context) {
	if w.ledger != nil {
		past, err := w.ledger.Deliveries()
		if err != nil {
			w.logger.Error("What was delivered before the start is not known, some may be delivered again", "err", err)
		}
		w.past = w.remember(past)
	}
	w.loop.run(ctx, work, w.round)
}

func (w *webhook) accepted(o offer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.notes[o.fingerprint]
	return n != nil && n.told == o.state()
}

// round tells of what is due, one alert after the other.
func (w *webhook) round(ctx context.Context) outcome {
	due, next := w.due(time.Now())
	queued := w.sender.metrics.queueLength.WithLabelValues(w.config.Name)
	for i, n := range due {
		queued.Set(float64(len(due) - i))
		switch err := w.tell(ctx, n); {
		case err == nil:
			w.backoff.reset()
			next = min(next, time.Duration(w.config.RepeatInterval))
		case permanent(err):
			// Others may still get through.
			w.mu.Lock()
			n.notBefore = time.Now().Add(refusalWait)
			w.mu.Unlock()
			next = min(next, refusalWait)
			w.logger.Error("The webhook refuses an alert, it will be sent again", "err", err, "incident", n.offer.id, "retry_seconds", refusalWait.Seconds())
		default:
			wait := w.backoff.next(err)
			w.logger.Warn("An alert could not be sent, it will be again", "err", err, "incident", n.offer.id, "retry_seconds", wait.Seconds())
			return outcome{wait, true}
		}
	}
	queued.Set(0)
	return outcome{wait: next}
}

// refusalWait is how long to wait with an alert that was refused. It stays due:
// what is wrong may be the endpoint's configuration.
const refusalWait = time.Minute

// permanent reports whether the same request would be answered the same way.
func permanent(err error) bool {
	var s *statusError
	return errors.As(err, &s) && s.code < 500 && s.code != http.StatusRequestTimeout && s.code != http.StatusTooManyRequests
}

// due brings the notes up to date with the offers. It returns those to tell of
// now, and how long it takes until another one is due.
func (w *webhook) due(now time.Time) (due []*note, next time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next = idleWait
	offered := map[model.Fingerprint]bool{}
	for _, o := range w.sender.current(now) {
		offered[o.fingerprint] = true
		n := w.notes[o.fingerprint]
		if n == nil {
			past := w.past[o.fingerprint]
			n = &past
			w.notes[o.fingerprint] = n
		}
		if o.state() != n.offer.state() {
			n.notBefore = time.Time{}
		}
		n.offer = o
		if at, ok := w.dueAt(n); ok && !at.After(now) {
			due = append(due, n)
		} else if ok {
			next = min(next, at.Sub(now))
		}
	}
	for fp, n := range w.notes {
		if offered[fp] {
			continue
		}
		// It is not offered any more, but its end may still have to be told.
		at, ok := w.dueAt(n)
		switch {
		case !ok || !n.offer.resolved():
			delete(w.notes, fp)
		case now.Sub(n.offer.alert.EndsAt) > giveUp:
			w.sender.metrics.dropped.WithLabelValues(w.config.Name, droppedExpired).Inc()
			w.logger.Error("The end of an incident was never accepted and is given up", "incident", n.offer.id)
			delete(w.notes, fp)
		case !at.After(now):
			due = append(due, n)
		default:
			next = min(next, at.Sub(now))
		}
	}
	return due, next
}

// giveUp is for how long an end is delivered late. After that it is of no use.
const giveUp = 24 * time.Hour

// dueAt returns when the alert has to be told of, and false if it has not. An
// end is told only to those who may know of the beginning.
func (w *webhook) dueAt(n *note) (time.Time, bool) {
	at := time.Time{}
	switch s := n.offer.state(); {
	case s.resolved && (!n.open || !w.config.SendResolved):
		return at, false
	case n.told == s:
		at = n.at.Add(time.Duration(w.config.RepeatInterval))
	}
	if at.Before(n.notBefore) {
		at = n.notBefore
	}
	return at, true
}

// tell delivers the note's offer.
func (w *webhook) tell(ctx context.Context, n *note) error {
	o := n.offer
	to, err := w.endpoint()
	if err != nil {
		return err
	}
	if !o.resolved() {
		n.open = true
	}
	start := time.Now()
	err = w.poster.post(ctx, to, w.message(o))
	w.sender.metrics.posted(w.config.Name, start, 1, err)
	if err != nil {
		return err
	}
	now := time.Now()
	w.mu.Lock()
	n.told, n.at, n.open = o.state(), now, !o.resolved()
	w.mu.Unlock()
	if w.ledger != nil {
		if err := w.ledger.RecordDelivery(w.key(o), now); err != nil {
			w.logger.Error("A delivery could not be recorded, it may be repeated after a restart", "err", err, "incident", o.id)
		}
	}
	return nil
}

// key is the name of a delivery in the ledger: webhook/alert/incident/status.
func (w *webhook) key(o offer) string {
	return strings.Join([]string{w.config.Name, o.fingerprint.String(), o.id, status(o)}, "/")
}

// remember returns what this webhook was told last of each alert.
func (w *webhook) remember(deliveries map[string]time.Time) map[model.Fingerprint]note {
	out := map[model.Fingerprint]note{}
	for key, at := range deliveries {
		rest, ours := strings.CutPrefix(key, w.config.Name+"/")
		parts := strings.Split(rest, "/")
		if !ours || len(parts) != 3 {
			continue
		}
		fp, err := model.ParseFingerprint(parts[0])
		if err != nil || at.Before(out[fp].at) {
			continue
		}
		ended := parts[2] == statusResolved
		out[fp] = note{told: state{parts[1], ended}, at: at, open: !ended}
	}
	return out
}

func (w *webhook) endpoint() (*url.URL, error) {
	if w.config.URLFile == "" {
		return parseSecretURL(string(w.config.URL))
	}
	text, err := os.ReadFile(w.config.URLFile)
	if err != nil {
		return nil, fmt.Errorf("url_file: %w", err)
	}
	u, err := parseSecretURL(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("url_file %s: its content %w", w.config.URLFile, err)
	}
	return u, nil
}
