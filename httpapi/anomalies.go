package httpapi

import (
	"net/http"
	"slices"

	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/store"
)

var anomalyStates = []string{"active", "ended", "all"}

// anomaly is an anomaly and whether it goes on as far as the engine knows. An
// anomaly that the store took for active when the process died is over,
// although nobody saw when it ended.
type anomaly struct {
	incident.Anomaly
	active bool
}

func (a anomaly) state() string {
	if a.active {
		return "active"
	}
	return "ended"
}

type anomaliesForm struct {
	Anomalies  []anomalyForm `json:"anomalies"`
	NextCursor reference     `json:"next_cursor"`
}

func (a *API) anomalies(r *http.Request) (any, error) {
	f, err := parseFilter(r, anomalyStates)
	if err != nil {
		return nil, err
	}
	found, next, err := a.findAnomalies(f)
	if err != nil {
		return nil, err
	}
	return anomaliesForm{formsOf(found, formOfAnomaly), reference(next)}, nil
}

// findAnomalies returns a page of anomalies and the cursor of the next. Active
// ones are known to the engine, so that a broken store cannot hide them.
func (a *API) findAnomalies(f filter) ([]anomaly, string, error) {
	s := a.opts.Engine.Snapshot()
	var recent []anomaly
	for _, an := range slices.Concat(s.Anomalies, s.Ended) {
		recent = append(recent, anomaly{an, an.Active()})
	}
	var older func(store.Query) ([]anomaly, string, error)
	if a.opts.History != nil && f.wants("ended") {
		older = func(q store.Query) ([]anomaly, string, error) {
			found, next, err := a.opts.History.Anomalies(q)
			if err != nil {
				return nil, "", unavailable("the history of anomalies cannot be read: %w: ask for state=active to see what is known without it", err)
			}
			return formsOf(found, func(an incident.Anomaly) anomaly { return anomaly{Anomaly: an} }), next, nil
		}
	}
	l := list[anomaly]{
		filter:   f,
		position: func(an anomaly) position { return position{an.StartedAt, an.ID} },
		wants:    f.wantsAnomaly,
	}
	return l.page(recent, older)
}

func (f filter) wantsAnomaly(a anomaly) bool {
	return f.wants(a.state()) && f.overlaps(a.StartedAt, a.EndedAt) && named(f.signals, a.Signal) &&
		f.matches(anomalyLabels(a.Anomaly))
}

// anomalyLabels are what a selector is matched against. The signal stands where
// a series has its metric name.
func anomalyLabels(a incident.Anomaly) model.LabelSet {
	return a.Scope.Merge(a.Labels).Merge(model.LabelSet{model.MetricNameLabel: model.LabelValue(a.Signal)})
}
