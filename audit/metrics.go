package audit

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	findings *prometheus.GaugeVec
	checks   *prometheus.GaugeVec
	last     prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer, checks []Check) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		findings: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_audit_findings", Help: "Findings of each check in the newest audit, dismissed ones included.",
		}, []string{"check", "severity"}),
		checks: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_audit_checks", Help: "Checks by what became of them in the newest audit.",
		}, []string{"state"}),
		last: f.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_audit_last_run_timestamp_seconds", Help: "The time of the newest audit.",
		}),
	}
	for _, c := range checks {
		m.findings.WithLabelValues(c.ID, string(c.Severity))
	}
	for _, s := range States {
		m.checks.WithLabelValues(string(s))
	}
	return m
}

func (m *metrics) set(r *Report) {
	m.last.Set(float64(r.Time.UnixMilli()) / 1e3)
	states := map[State]int{}
	for _, res := range r.Results {
		states[res.State]++
		m.findings.WithLabelValues(res.Check.ID, string(res.Check.Severity)).Set(float64(len(res.Findings) + res.More))
	}
	for _, s := range States {
		m.checks.WithLabelValues(string(s)).Set(float64(states[s]))
	}
}
