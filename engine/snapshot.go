package engine

import (
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// Snapshot is what the engine knew after a cycle. It is immutable: readers may
// keep it, nobody may change it.
type Snapshot struct {
	Time      time.Time // the newest slot that was judged; zero before the first
	Ready     bool      // history is learned and a cycle has run
	Progress  float64   // 0–1, how much of the history is learned
	Err       error     // why the last cycle could read nothing; nil if it could
	Incidents []incident.Incident
	Anomalies []incident.Anomaly // active ones
	Ended     []incident.Anomaly // those that ended in this cycle
	Changes   []rules.Change     // newest first
	Signals   []SignalStatus     // in the order of the configuration
}

// SignalStatus is how one signal stands: whether it can be read, and what is
// thought of each of its series.
type SignalStatus struct {
	Signal signal.Signal
	Err    error // why it cannot be read; nil if it can
	Series []SeriesStatus
}

// SeriesStatus is the newest judgement of one series.
type SeriesStatus struct {
	Labels    model.LabelSet
	Scope     model.LabelSet
	Judgement detector.Judgement
}
