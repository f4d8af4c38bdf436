package backtest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

func TestText(t *testing.T) {
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	bypass := incident.Incident{
		State: incident.Resolved, StartedAt: at(0), FiredAt: at(3), ResolvedAt: at(42),
		Verdict: rules.Verdict{
			Alert: "CacheBypass", Suspect: signal.Cache, Severity: rules.Critical, Scope: model.LabelSet{"service": "shop"},
			Confidence: 0.93, Victims: []signal.Component{signal.Database, signal.Application}, Summary: "Requests go past the cache.",
			RuledOut: []rules.RuledOut{{Component: signal.Traffic, Because: "requests 102/s are inside 85/s–130/s"}, {Component: signal.Deploy, Because: "no change"}},
			Changes:  []rules.Change{{At: at(-1), What: "memory 64 MiB → 1 MiB"}},
			Blind:    []string{"db_latency"},
		},
	}
	surge := incident.Incident{
		State: incident.Firing, StartedAt: at(600), FiredAt: at(605),
		Verdict: rules.Verdict{Alert: "TrafficSurge", Suspect: signal.Traffic, Severity: rules.Warning, Confidence: 0.5, Summary: "More requests."},
	}
	known := incident.Incident{
		State: incident.Resolved, StartedAt: at(700), FiredAt: at(701), ResolvedAt: at(710), SuppressedBy: "weekly-import",
		Verdict: rules.Verdict{Alert: "CacheMisses", Suspect: signal.Cache, Severity: rules.Warning, Confidence: 0.5, Summary: "More misses."},
	}
	r := &Report{
		Incidents: []incident.Incident{bypass, surge, known},
		Anomalies: []incident.Anomaly{{Signal: "request_rate"}, {Signal: "db_qps"}, {Signal: "db_qps"}},
		Stats:     Stats{Start: start, End: at(14*24*60 - 1), Step: step, Slots: 14 * 24 * 60, Series: 9, Samples: 1000, Partial: true},
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	want := `Wed 2025-03-05 12:00:00  CacheBypass  {service="shop"}  critical
  suspect     cache (93 % sure), suffering: database, application
  summary     Requests go past the cache.
  ruled out   traffic: requests 102/s are inside 85/s–130/s
              deploy: no change
  changed     memory 64 MiB → 1 MiB at 11:59:00
  blind       db_latency
  paged       3m after its onset
  resolved    after 42m, at 12:42:00

Wed 2025-03-05 22:00:00  TrafficSurge  {}  warning
  suspect     traffic (50 % sure)
  summary     More requests.
  paged       5m after its onset
  firing      still at the end of the range

Wed 2025-03-05 23:40:00  CacheMisses  {}  warning
  suspect     cache (50 % sure)
  summary     More misses.
  suppressed  by weekly-import, nobody is told
  resolved    after 10m, at 23:50:00

Wed 2025-03-05 12:00:00 to Wed 2025-03-19 11:59:00: 14 days of 20160 slots, 9 series, 1000 samples
incidents       3  1.5 per week
  CacheBypass   1  0.5 per week
  CacheMisses   1  0.5 per week
  TrafficSurge  1  0.5 per week
suppressed      1  0.5 per week
anomalies       3  1.5 per week
  db_qps        2  1 per week
  request_rate  1  0.5 per week
The data is partial: see the warnings.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}
