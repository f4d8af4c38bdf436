package store

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.etcd.io/bbolt"
)

type metrics struct {
	duration    prometheus.Histogram
	failures    prometheus.Counter
	unreadable  *prometheus.CounterVec
	pruned      *prometheus.CounterVec
	movedAside  prometheus.Counter
	sizeInBytes prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidemark_store_write_duration_seconds",
			Help:    "Time that transactions took to be written to disk, or to fail.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10},
		}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_store_write_failures_total",
			Help: "Transactions that could not be written.",
		}),
		unreadable: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_store_unreadable_records_total",
			Help: "Times that a record was left out of an answer because it cannot be read.",
		}, []string{"table"}),
		pruned: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_store_pruned_rows_total",
			Help: "Rows deleted because they ended longer ago than the retention.",
		}, []string{"table"}),
		movedAside: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_store_damaged_files_total",
			Help: "Damaged databases that were moved aside.",
		}),
		sizeInBytes: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_store_size_bytes",
			Help: "Size of the database.",
		}),
	}
	for _, t := range tables {
		m.unreadable.WithLabelValues(t.name)
		m.pruned.WithLabelValues(t.name)
	}
	return m
}

func (m *metrics) write(start time.Time, err error) {
	m.duration.Observe(time.Since(start).Seconds())
	if err != nil {
		m.failures.Inc()
	}
}

// size notes the size of the file. A size that cannot be read is as it was.
func (m *metrics) size(db *bbolt.DB) {
	_ = db.View(func(tx *bbolt.Tx) error {
		m.sizeInBytes.Set(float64(tx.Size()))
		return nil
	})
}
