package alerting

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The reasons for which alerts are dropped.
const (
	droppedCapacity = "capacity" // there were too many
	droppedRefused  = "refused"  // the receiver does not take it
	droppedExpired  = "expired"  // it could not be delivered for so long that nobody wants it
)

type metrics struct {
	sent        *prometheus.CounterVec
	errors      *prometheus.CounterVec
	dropped     *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	queueLength *prometheus.GaugeVec
	lastSuccess *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer, undelivered func() float64) *metrics {
	f := promauto.With(reg)
	label := []string{"receiver"}
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tidemark_alerting_undelivered_alerts",
		Help: "Firing alerts that no receiver has accepted.",
	}, undelivered)
	return &metrics{
		sent: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_alerting_sent_total",
			Help: "Alerts that a receiver accepted, each time that they were sent.",
		}, label),
		errors: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_alerting_errors_total",
			Help: "Alerts in requests that failed, each time that they were sent.",
		}, label),
		dropped: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_alerting_dropped_total",
			Help: "Times that an alert was not delivered to a receiver for another reason than a failed request.",
		}, []string{"receiver", "reason"}),
		latency: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tidemark_alerting_latency_seconds",
			Help:    "Time that requests to a receiver took until they were answered or failed.",
			Buckets: []float64{.005, .02, .1, .5, 1, 2.5, 5, 10, 30},
		}, label),
		queueLength: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_alerting_queue_length",
			Help: "Alerts that are due for a receiver and not accepted yet.",
		}, label),
		lastSuccess: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_alerting_last_success_timestamp_seconds",
			Help: "Unix time at which a receiver last accepted alerts; 0 if it never did.",
		}, label),
	}
}

// initialise makes a receiver's series known before its first request.
func (m *metrics) initialise(receiver string) {
	m.sent.WithLabelValues(receiver)
	m.errors.WithLabelValues(receiver)
	m.latency.WithLabelValues(receiver)
	m.queueLength.WithLabelValues(receiver)
	m.lastSuccess.WithLabelValues(receiver)
	for _, reason := range []string{droppedCapacity, droppedRefused, droppedExpired} {
		m.dropped.WithLabelValues(receiver, reason)
	}
}

// posted counts a request that carried some alerts.
func (m *metrics) posted(receiver string, start time.Time, alerts int, err error) {
	m.latency.WithLabelValues(receiver).Observe(time.Since(start).Seconds())
	if err != nil {
		m.errors.WithLabelValues(receiver).Add(float64(alerts))
		return
	}
	m.sent.WithLabelValues(receiver).Add(float64(alerts))
	m.lastSuccess.WithLabelValues(receiver).SetToCurrentTime()
}
