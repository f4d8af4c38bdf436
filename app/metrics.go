package app

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	configOK     prometheus.Gauge
	configTime   prometheus.Gauge
	saveFailures prometheus.Counter
	cycleSeconds prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		configOK: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_config_last_reload_successful", Help: "Whether the last configuration reload attempt was successful.",
		}),
		configTime: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_config_last_reload_success_timestamp_seconds", Help: "Timestamp of the last successful configuration reload.",
		}),
		saveFailures: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_store_save_failures_total", Help: "Cycles whose incidents and anomalies could not be saved.",
		}),
		cycleSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "tidemark_engine_cycle_duration_seconds", Help: "Time that a cycle took, with reading.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}),
	}
}

// loaded keeps account of an attempt to load the configuration.
func (m *metrics) loaded(ok bool) {
	if !ok {
		m.configOK.Set(0)
		return
	}
	m.configOK.Set(1)
	m.configTime.SetToCurrentTime()
}
