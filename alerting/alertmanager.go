package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
)

// alertmanager is one Alertmanager.
type alertmanager struct {
	loop
	address  string // shown
	endpoint *url.URL
	poster   poster
	sender   *Sender
	logger   *slog.Logger
	resend   time.Duration
	batch    int
	backoff  backoff

	mu   sync.Mutex
	sent map[model.Fingerprint]sent
}

// sent is what the Alertmanager made of an alert when it was sent last.
type sent struct {
	state   state
	at      time.Time
	refused bool
}

func newAlertmanager(a AlertmanagerConfig, c Config, s *Sender, rt transport) (*alertmanager, error) {
	way, err := rt(a.HTTPClientConfig, "alertmanager")
	if err != nil {
		return nil, fmt.Errorf("set up the connection to Alertmanager %s: %w", a.address(), err)
	}
	return &alertmanager{
		loop:     newLoop(),
		address:  a.address(),
		endpoint: a.endpoint(),
		poster:   newPoster(way, time.Duration(a.Timeout)),
		sender:   s,
		logger:   s.logger.With("alertmanager", a.address()),
		resend:   time.Duration(c.ResendDelay),
		batch:    c.MaxBatchSize,
		sent:     map[model.Fingerprint]sent{},
	}, nil
}

func (a *alertmanager) name() string { return a.address }

func (a *alertmanager) run(ctx, work context.Context) { a.loop.run(ctx, work, a.round) }

func (a *alertmanager) accepted(o offer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, ok := a.sent[o.fingerprint]
	return ok && !last.refused && last.state == o.state()
}

// round sends what is due, in batches.
func (a *alertmanager) round(ctx context.Context) outcome {
	now := time.Now()
	batches, next := a.due(now)
	left := 0
	for _, b := range batches {
		left += len(b)
	}
	queued := a.sender.metrics.queueLength.WithLabelValues(a.address)
	queued.Set(float64(left))
	for _, b := range batches {
		if err := a.deliver(ctx, b); err != nil {
			wait := a.backoff.next(err)
			a.logger.Warn("Alerts could not be sent, they will be again", "err", err, "alerts", left, "retry_seconds", wait.Seconds())
			return outcome{wait, true}
		}
		a.backoff.reset()
		left -= len(b)
		queued.Set(float64(left))
	}
	return outcome{wait: next}
}

// due returns the batches to send now, and how long it takes until something
// has to be sent again after that. What was refused stands alone, so that it
// does not take others with it.
func (a *alertmanager) due(now time.Time) (batches [][]offer, next time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var changed, again []offer
	next = idleWait
	known := make(map[model.Fingerprint]sent, len(a.sent))
	for _, o := range a.sender.current(now) {
		last, ok := a.sent[o.fingerprint]
		if ok {
			known[o.fingerprint] = last
		}
		wait := a.resend - now.Sub(last.at)
		switch {
		case ok && last.state == o.state() && wait > 0:
			next = min(next, wait)
			continue
		case last.refused:
			batches = append(batches, []offer{o})
		case ok && last.state == o.state():
			again = append(again, o)
		default:
			changed = append(changed, o)
		}
		next = min(next, a.resend)
	}
	a.sent = known
	ordered := slices.Concat(changed, again)
	return append(slices.Collect(slices.Chunk(ordered, a.batch)), batches...), next
}

// deliver sends the alerts. If they are refused it looks for the bad one by
// halves; Alertmanager has then taken the good ones of the batch, but it does
// not say which. The error says that nothing is known of some of them.
func (a *alertmanager) deliver(ctx context.Context, batch []offer) error {
	err := a.post(ctx, batch)
	switch {
	case err == nil:
		a.mark(batch, false)
		return nil
	case !refused(err):
		return err
	case len(batch) == 1:
		a.mark(batch, true)
		a.sender.metrics.dropped.WithLabelValues(a.address, droppedRefused).Inc()
		a.logger.Error("Alertmanager refuses an alert", "err", err, "incident", batch[0].id, "labels", batch[0].alert.Labels.String())
		return nil
	}
	half := len(batch) / 2
	if err := a.deliver(ctx, batch[:half]); err != nil {
		return err
	}
	return a.deliver(ctx, batch[half:])
}

func (a *alertmanager) post(ctx context.Context, batch []offer) error {
	start := time.Now()
	alerts := make([]Alert, len(batch))
	for i, o := range batch {
		alerts[i] = o.at(start, a.sender.lead)
	}
	err := a.poster.post(ctx, a.endpoint, alerts)
	a.sender.metrics.posted(a.address, start, len(batch), err)
	return err
}

// refused reports whether the answer is about the alerts themselves, as opposed
// to the way there or the right to send.
func refused(err error) bool {
	var s *statusError
	if !errors.As(err, &s) {
		return false
	}
	switch s.code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

func (a *alertmanager) mark(batch []offer, refused bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for _, o := range batch {
		a.sent[o.fingerprint] = sent{o.state(), now, refused}
	}
}
