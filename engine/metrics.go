package engine

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tidemark/detector"
	"tidemark/incident"
)

type metrics struct {
	cycles, failed, missed prometheus.Counter
	accepted               prometheus.Counter
	lastSlot               prometheus.Gauge
	series, incidents      *prometheus.GaugeVec
	suppressed             prometheus.Gauge
	blind                  prometheus.Gauge
	progress               prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		cycles: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_engine_cycles_total", Help: "Evaluation cycles that read the source.",
		}),
		failed: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_engine_cycles_failed_total", Help: "Evaluation cycles in which nothing could be read. Incidents were held as they were.",
		}),
		missed: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_engine_slots_late_total", Help: "Slots that were judged later than their own cycle.",
		}),
		accepted: f.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_engine_accepted_series_total", Help: "Series whose level an operator accepted as the new normal.",
		}),
		lastSlot: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_engine_last_slot_timestamp_seconds", Help: "The newest slot that was judged.",
		}),
		series: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_engine_series", Help: "Series by what their detectors think of the newest sample.",
		}, []string{"state"}),
		incidents: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_engine_incidents", Help: "Incidents in the book by state.",
		}, []string{"state"}),
		suppressed: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_engine_incidents_suppressed", Help: "Firing incidents that a suppression keeps from paging.",
		}),
		blind: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_engine_signals_unreadable", Help: "Signals that could not be read in the newest cycle.",
		}),
		progress: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_engine_learning_progress_ratio", Help: "Share of the history that has been learned.",
		}),
	}
}

func (m *metrics) set(s *Snapshot) {
	if !s.Time.IsZero() {
		m.lastSlot.Set(float64(s.Time.UnixMilli()) / 1e3)
	}
	m.progress.Set(s.Progress)
	states := s.states()
	for _, state := range []detector.State{detector.Unknown, detector.Learning, detector.Normal, detector.Anomalous} {
		m.series.WithLabelValues(state.String()).Set(float64(states[state]))
	}
	counts := map[incident.State]int{}
	suppressed := 0
	for _, in := range s.Incidents {
		counts[in.State]++
		if in.State == incident.Firing && in.SuppressedBy != "" {
			suppressed++
		}
	}
	m.suppressed.Set(float64(suppressed))
	for _, state := range []incident.State{incident.Pending, incident.Firing, incident.Resolved} {
		m.incidents.WithLabelValues(string(state)).Set(float64(counts[state]))
	}
	blind := 0
	for _, sig := range s.Signals {
		if sig.Err != nil {
			blind++
		}
	}
	m.blind.Set(float64(blind))
}
