// Package alerting turns incidents into alerts and delivers them to
// Alertmanagers and to webhooks that take Alertmanager's format.
//
// Vocabulary: an offer is the newest state of one alert; a receiver is an
// Alertmanager or a webhook; a round is one pass of a receiver over the offers;
// an alert is due for a receiver if its state has changed since the receiver
// accepted it, or if that is longer ago than the resend delay.
//
// Sending is level-triggered. A receiver holds no queue of messages but looks at
// the newest state of every alert, so that it can never deliver an old one after
// a newer one, and what is lost heals by itself. Each receiver has a loop, a
// timeout and a backoff of its own: one that is dead delays no other. The loops
// run on their own clock: what fires is offered again even while nothing new is
// learned.
//
// The package does not decide what fires. It neither groups, silences nor
// inhibits, which is Alertmanager's to do, and sends nothing about an incident
// that never fired.
package alerting

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"tidemark/incident"
)

// Ledger remembers across restarts what webhooks were notified of. Alertmanager
// does that by itself. Calls may overlap, and may take long: only the webhook
// that calls waits for them.
type Ledger interface {
	// Deliveries returns when each key was recorded last.
	Deliveries() (map[string]time.Time, error)
	RecordDelivery(key string, at time.Time) error
}

// Options are what the sender needs besides its configuration.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil registers nowhere

	// ExternalURL is what links in alerts begin with. Nil leaves them out.
	ExternalURL *url.URL

	// ExternalLabels are added to every alert. They never replace a label.
	ExternalLabels model.LabelSet

	// Interval is the distance between cycles. What fires ends by itself after
	// four intervals, or four resend delays, without a new offer.
	Interval time.Duration

	// Ledger keeps a restart from notifying webhooks again. Nil is none.
	Ledger Ledger
}

// Sender delivers alerts. Its methods may be called from any goroutine.
type Sender struct {
	builder   builder
	logger    *slog.Logger
	metrics   *metrics
	capacity  int
	lead      time.Duration // how far ahead a firing alert ends
	receivers []receiver

	mu        sync.Mutex
	incidents offers // as of the last Notify
	notices   offers // as of the last Announce
	offers    offers // of both, with what was resolved lately
}

// receiver is where alerts are delivered to.
type receiver interface {
	// run delivers until ctx is done, then what is left to deliver until work
	// is done, too.
	run(ctx, work context.Context)
	// wake says that the offers have changed. It does not block.
	wake()
	// accepted reports whether the receiver has taken the offer in its state.
	accepted(offer) bool
	// name is the value of the receiver label.
	name() string
}

// New returns a sender for the configuration. It sends nothing before Run.
func New(c Config, o Options) (*Sender, error) {
	return newSender(c, o, func(h config.HTTPClientConfig, name string) (http.RoundTripper, error) {
		return config.NewRoundTripperFromConfig(h, name, config.WithUserAgent(userAgent()))
	})
}

// transport makes the way to a receiver.
type transport func(h config.HTTPClientConfig, name string) (http.RoundTripper, error)

func newSender(c Config, o Options, rt transport) (*Sender, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Sender{
		builder:  builder{external: o.ExternalURL, labels: o.ExternalLabels},
		logger:   o.Logger,
		capacity: c.QueueCapacity,
		lead:     4 * max(o.Interval, time.Duration(c.ResendDelay)),
		offers:   offers{},
	}
	s.metrics = newMetrics(o.Registerer, s.undelivered)
	for _, a := range c.Alertmanagers {
		r, err := newAlertmanager(a, c, s, rt)
		if err != nil {
			return nil, err
		}
		s.receivers = append(s.receivers, r)
	}
	for _, w := range c.Webhooks {
		r, err := newWebhook(w, o, s, rt)
		if err != nil {
			return nil, err
		}
		s.receivers = append(s.receivers, r)
	}
	for _, r := range s.receivers {
		s.metrics.initialise(r.name())
	}
	return s, nil
}

// Notify takes the newest state of all open and recently resolved incidents,
// and wakes the receivers. It does not wait for them. An alert whose incident
// fired and is not among them any more is offered as resolved.
func (s *Sender) Notify(incidents []incident.Incident) {
	now := time.Now()
	s.offer(now, func() { s.incidents = s.builder.offers(incidents, now) })
}

// Announce takes the newest state of all notices, as Notify does of incidents.
// Notices take at most half of the capacity, so that incidents have room.
func (s *Sender) Announce(notices []Notice) {
	now := time.Now()
	if limit := s.capacity / 2; len(notices) > limit {
		s.logger.Warn("There are more findings than half of queue_capacity, the last ones are not sent", "dropped", len(notices)-limit, "queue_capacity", s.capacity)
		notices = notices[:limit]
	}
	s.offer(now, func() { s.notices = s.builder.notices(notices, now) })
}

// offer changes what is said of incidents or notices and wakes the receivers.
func (s *Sender) offer(now time.Time, change func()) {
	s.mu.Lock()
	change()
	said := maps.Clone(s.notices)
	if said == nil {
		said = offers{}
	}
	maps.Copy(said, s.incidents)
	next, dropped := s.offers.next(said, now, s.capacity)
	s.offers = next
	s.mu.Unlock()
	if dropped > 0 {
		s.logger.Error("There are more alerts than queue_capacity, those that began last are not sent", "dropped", dropped, "queue_capacity", s.capacity)
	}
	for _, r := range s.receivers {
		s.metrics.dropped.WithLabelValues(r.name(), droppedCapacity).Add(float64(dropped))
		r.wake()
	}
}

// drainTimeout is how long Run goes on to deliver what is new when it is told
// to end.
const drainTimeout = 5 * time.Second

// Run delivers alerts until ctx is done. It then tries for a few seconds to
// deliver the changes that no receiver has accepted yet, and returns nil. It
// must be called once.
func (s *Sender) Run(ctx context.Context) error {
	if len(s.receivers) == 0 {
		s.logger.Warn("No Alertmanager and no webhook is configured, nobody will be told of incidents")
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainTimeout, cancel) })()

	var loops sync.WaitGroup
	for _, r := range s.receivers {
		loops.Go(func() { r.run(ctx, work) })
	}
	<-ctx.Done()
	loops.Wait()
	return nil
}

// Alerts returns what is offered now, firing alerts first.
func (s *Sender) Alerts() []Alert {
	now := time.Now()
	out := []Alert{}
	for _, o := range s.current(now) {
		out = append(out, o.at(now, s.lead))
	}
	return out
}

// current returns the offers as of now. The caller must not change what they
// hold.
func (s *Sender) current(now time.Time) []offer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offers.sorted(now)
}

// undelivered counts the firing alerts that no receiver has accepted.
func (s *Sender) undelivered() float64 {
	n := 0
	for _, o := range s.current(time.Now()) {
		if !o.resolved() && !s.acceptedByAny(o) {
			n++
		}
	}
	return float64(n)
}

func (s *Sender) acceptedByAny(o offer) bool {
	for _, r := range s.receivers {
		if r.accepted(o) {
			return true
		}
	}
	return false
}
