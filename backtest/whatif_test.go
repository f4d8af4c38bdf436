package backtest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/config"
	"tidemark/detector"
	"tidemark/incident"
	"tidemark/signal"
)

func TestWhatIf(t *testing.T) {
	faults := []Fault{{Start: after(55), End: after(85)}}
	found := func(anomalies int, incidents ...incident.Incident) *Report {
		r := &Report{Incidents: incidents, Stats: Stats{Start: start, End: end, Step: step, Slots: 481, Services: 1}}
		for range anomalies {
			r.Anomalies = append(r.Anomalies, incident.Anomaly{Signal: "db_qps"})
		}
		r.Truth = r.Assess(faults, 0)
		return r
	}
	bypass := page("bypass", "CacheBypass", "cache_bypass", signal.Cache, nil, 60, 90)
	surge := page("surge", "TrafficSurge", "traffic_surge", signal.Traffic, nil, 300, 320)
	r := found(2, bypass)
	signals := []signal.Signal{
		{Name: "request_rate", Kind: detector.Rate, Sensitivity: 4.5},
		{Name: "db_qps", Kind: detector.Rate, Sensitivity: 6},
		{Name: "deploys", Kind: signal.Change},
	}
	r.WhatIf = whatIf(signals, r, []*Report{found(3, bypass, surge), found(1, bypass), found(1), found(0)})
	var text bytes.Buffer
	r.WhatIf.writeText(&text)
	want := `
with a sensitivity of  -0.5  as configured  +0.5  +1  +1.5
incidents              2     1              1     0   0
  of them false        1     0              0     0   0
  faults missed        0     0              0     1   1
  CacheBypass          1     1              1     0   0
  TrafficSurge         1     0              0     0   0
anomalies              3     2              1     1   0
  db_qps               3     2              1     1   0
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	var form bytes.Buffer
	if err := r.WriteJSON(&form); err != nil {
		t.Fatal(err)
	}
	var got struct {
		WhatIf []map[string]any `json:"what_if"`
	}
	if err := json.Unmarshal(form.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	first := map[string]any{
		"sensitivity_offset": -0.5, "incidents": 2.0, "incidents_by_rule": map[string]any{"cache_bypass": 1.0, "traffic_surge": 1.0},
		"false_incidents": 1.0, "faults_missed": 0.0, "anomalies": 3.0, "anomalies_by_signal": map[string]any{"db_qps": 3.0},
	}
	if len(got.WhatIf) != 5 {
		t.Fatalf("got %d columns, want 5", len(got.WhatIf))
	}
	if diff := cmp.Diff(first, got.WhatIf[0]); diff != "" {
		t.Errorf("what_if (-want +got):\n%s", diff)
	}
}

// TestShifted checks that a variant leaves the configuration as it is.
func TestShifted(t *testing.T) {
	c := &config.Config{Signals: []signal.Signal{{Sensitivity: 4.5}}}
	if got := shifted(c, 0.5).Signals[0].Sensitivity; got != 5 || c.Signals[0].Sensitivity != 4.5 {
		t.Errorf("got %g, want 5, and %g, want 4.5 as before", got, c.Signals[0].Sensitivity)
	}
}
