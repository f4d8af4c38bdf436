package alerting

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// message is what Alertmanager sends to webhooks, in version 4 of its format.
// Each incident is a group of its own.
type message struct {
	Version           string         `json:"version"`
	GroupKey          string         `json:"groupKey"`
	TruncatedAlerts   uint64         `json:"truncatedAlerts"`
	Status            string         `json:"status"`
	Receiver          string         `json:"receiver"`
	GroupLabels       model.LabelSet `json:"groupLabels"`
	CommonLabels      model.LabelSet `json:"commonLabels"`
	CommonAnnotations model.LabelSet `json:"commonAnnotations"`
	ExternalURL       string         `json:"externalURL"`
	Alerts            []messageAlert `json:"alerts"`
}

type messageAlert struct {
	Status       string         `json:"status"`
	Labels       model.LabelSet `json:"labels"`
	Annotations  model.LabelSet `json:"annotations"`
	StartsAt     time.Time      `json:"startsAt"`
	EndsAt       time.Time      `json:"endsAt"` // zero while firing, as Alertmanager has it
	GeneratorURL string         `json:"generatorURL"`
	Fingerprint  string         `json:"fingerprint"`
}

const (
	statusFiring   = "firing"
	statusResolved = "resolved"
)

func status(o offer) string {
	if o.resolved() {
		return statusResolved
	}
	return statusFiring
}

func (w *webhook) message(o offer) message {
	a := o.alert
	return message{
		Version: "4", GroupKey: groupKey(a.Labels), Status: status(o), Receiver: w.config.Name,
		GroupLabels: a.Labels, CommonLabels: a.Labels, CommonAnnotations: a.Annotations,
		ExternalURL: w.external,
		Alerts: []messageAlert{{
			Status: status(o), Labels: a.Labels, Annotations: a.Annotations,
			StartsAt: a.StartsAt, EndsAt: a.EndsAt,
			GeneratorURL: a.GeneratorURL, Fingerprint: o.fingerprint.String(),
		}},
	}
}

// groupKey names the group as Alertmanager does for its top route, which is
// the same text for the same labels.
func groupKey(labels model.LabelSet) string {
	pairs := make([]string, 0, len(labels))
	for name, value := range labels {
		pairs = append(pairs, fmt.Sprintf("%s=%q", name, string(value)))
	}
	slices.Sort(pairs)
	return "{}:{" + strings.Join(pairs, ", ") + "}"
}
