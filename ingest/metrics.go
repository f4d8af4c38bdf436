package ingest

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The results by which queries are counted.
const (
	succeeded = "success"
	failed    = "error"
	canceled  = "canceled" // by the caller, which says nothing about the source
)

type metrics struct {
	queries       *prometheus.CounterVec
	duration      prometheus.Histogram
	errors        *prometheus.CounterVec
	supportErrors prometheus.Counter
	series        prometheus.Gauge
	samples       prometheus.Counter
	gaps          prometheus.Counter
	lastSuccess   prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		queries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_ingest_queries_total",
			Help: "Queries sent to Prometheus, by result.",
		}, []string{"result"}),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidemark_ingest_query_duration_seconds",
			Help:    "Time from sending a query until its answer was checked or it failed.",
			Buckets: []float64{0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60},
		}),
		errors: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_ingest_errors_total",
			Help: "Queries that gave no data, by reason.",
		}, []string{"reason"}),
		supportErrors: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_ingest_support_errors_total",
			Help: "Readings of a signal without its support, because the support query gave no data.",
		}),
		series: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_ingest_series",
			Help: "Series of all signals in the newest reading.",
		}),
		samples: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_ingest_samples_total",
			Help: "Samples read.",
		}),
		gaps: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_ingest_gaps_total",
			Help: "Slots of read series that have no sample, or one that is not a finite number.",
		}),
		lastSuccess: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_ingest_last_success_timestamp_seconds",
			Help: "Unix time at which a signal was last read.",
		}),
	}
	for _, result := range []string{succeeded, failed, canceled} {
		m.queries.WithLabelValues(result)
	}
	for _, r := range reasons {
		m.errors.WithLabelValues(string(r))
	}
	return m
}
