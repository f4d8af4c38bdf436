package httpapi

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"

	"tidemark/engine"
	"tidemark/incident"
	"tidemark/rules"
)

// alertForm is an alert as Prometheus shows it.
type alertForm struct {
	Labels      model.LabelSet `json:"labels"`
	Annotations model.LabelSet `json:"annotations"`
	State       string         `json:"state"`
	ActiveAt    instant        `json:"activeAt"`
	Value       string         `json:"value"` // the confidence
}

// ruleForm is an alerting rule as Prometheus shows it. Durations are seconds.
type ruleForm struct {
	State          string         `json:"state"` // inactive, pending or firing
	Name           string         `json:"name"`
	Query          string         `json:"query"`
	Duration       float64        `json:"duration"`
	KeepFiringFor  float64        `json:"keepFiringFor"`
	Labels         model.LabelSet `json:"labels"`
	Annotations    model.LabelSet `json:"annotations"`
	Alerts         []alertForm    `json:"alerts,omitzero"` // nil is left out
	Health         string         `json:"health"`          // ok, err or unknown
	LastError      string         `json:"lastError,omitempty"`
	EvaluationTime float64        `json:"evaluationTime"`
	LastEvaluation instant        `json:"lastEvaluation"`
	Type           string         `json:"type"`
}

type groupForm struct {
	Name           string     `json:"name"`
	File           string     `json:"file"`
	Rules          []ruleForm `json:"rules"`
	Interval       float64    `json:"interval"`
	Limit          int        `json:"limit"`
	EvaluationTime float64    `json:"evaluationTime"`
	LastEvaluation instant    `json:"lastEvaluation"`
}

func (a *API) alerts(*http.Request) (any, error) {
	open := slices.DeleteFunc(slices.Clone(a.opts.Engine.Snapshot().Incidents), func(in incident.Incident) bool { return !alerts(in) })
	return struct {
		Alerts []alertForm `json:"alerts"`
	}{formsOf(open, a.formOfAlert)}, nil
}

// alerts reports whether an incident is an alert, or may become one: the others
// are under /incidents.
func alerts(in incident.Incident) bool { return in.Open() && in.SuppressedBy == "" }

func (a *API) formOfAlert(in incident.Incident) alertForm {
	v := in.Verdict
	return alertForm{
		Labels: alertLabels(v),
		Annotations: withoutEmpty(model.LabelSet{
			"summary":     model.LabelValue(v.Summary),
			"description": model.LabelValue(v.Description),
			"runbook_url": model.LabelValue(a.absolute(v.Runbook)),
		}),
		State:    string(in.State),
		ActiveAt: instant(in.StartedAt),
		Value:    strconv.FormatFloat(v.Confidence, 'e', -1, 64),
	}
}

// rules answers with one group for each file, with Prometheus's filters. As
// there, parameters that it does not know are ignored.
func (a *API) rules(r *http.Request) (any, error) {
	q := r.URL.Query()
	selectors, err := parseSelectors(q["match[]"])
	if err != nil {
		return nil, err
	}
	kind := q.Get("type")
	if kind != "" && kind != "alert" && kind != "record" {
		return nil, badData("type %q is not known: write alert or record", kind)
	}
	withoutAlerts := false
	if s := q.Get("exclude_alerts"); s != "" {
		if withoutAlerts, err = strconv.ParseBool(s); err != nil {
			return nil, badData("exclude_alerts %q is not a truth value: write true or false", s)
		}
	}
	s := a.opts.Engine.Snapshot()
	groups := []groupForm{}
	for _, rule := range a.opts.Configuration.Rules() {
		file := rule.File()
		group := strings.TrimSuffix(path.Base(file), path.Ext(file))
		if kind == "record" || !named(q["rule_name[]"], rule.Alert) || !named(q["rule_group[]"], group) || !named(q["file[]"], file) {
			continue
		}
		form := a.formOfRule(rule, s)
		if !(filter{selectors: selectors}).matches(form.Labels) {
			continue
		}
		if withoutAlerts {
			form.Alerts = nil
		}
		if n := len(groups); n == 0 || groups[n-1].File != file {
			groups = append(groups, groupForm{
				Name: group, File: file,
				Interval: a.opts.Configuration.Interval().Seconds(), LastEvaluation: instant(s.Time),
			})
		}
		last := &groups[len(groups)-1]
		last.Rules = append(last.Rules, form)
	}
	return struct {
		Groups []groupForm `json:"groups"`
	}{groups}, nil
}

func (a *API) formOfRule(rule *rules.Rule, s *engine.Snapshot) ruleForm {
	form := ruleForm{
		State: ruleState(rule.Name, s), Name: rule.Alert, Query: conditionsText(rule),
		Duration: time.Duration(rule.For).Seconds(), KeepFiringFor: time.Duration(rule.KeepFiringFor).Seconds(),
		Labels: model.LabelSet{
			"severity":  model.LabelValue(rule.Severity),
			"component": model.LabelValue(rule.Suspect),
		},
		Annotations: withoutEmpty(model.LabelSet{
			"summary":     model.LabelValue(rule.Summary),
			"runbook_url": model.LabelValue(a.absolute(rule.Runbook)),
		}),
		Alerts: []alertForm{}, Health: "ok", LastEvaluation: instant(s.Time), Type: "alerting",
	}
	switch {
	case s.Err != nil:
		form.Health, form.LastError = "err", s.Err.Error()
	case s.Time.IsZero():
		form.Health = "unknown"
	}
	for _, in := range s.Incidents {
		if !alerts(in) || in.Verdict.Rule != rule.Name {
			continue
		}
		form.Alerts = append(form.Alerts, a.formOfAlert(in))
	}
	return form
}

// withoutEmpty removes what is empty: an empty annotation is none.
func withoutEmpty(ls model.LabelSet) model.LabelSet {
	maps.DeleteFunc(ls, func(_ model.LabelName, v model.LabelValue) bool { return v == "" })
	return ls
}

// conditionsText writes what a rule expects as one expression, as it is meant
// to be read rather than parsed.
func conditionsText(r *rules.Rule) string {
	var parts []string
	for _, c := range r.All {
		parts = append(parts, conditionText(c))
	}
	if len(r.Any) > 0 {
		parts = append(parts, anyText(r))
	}
	text := strings.Join(parts, " and ")
	if len(r.None) > 0 {
		text += " unless " + join(r.None, " or ")
	}
	return text
}

func anyText(r *rules.Rule) string {
	return strconv.Itoa(r.AnyMin) + " of (" + join(r.Any, ", ") + ")"
}

func join(cs []rules.Condition, sep string) string {
	return strings.Join(formsOf(cs, conditionText), sep)
}

func conditionText(c rules.Condition) string {
	subject := c.Signals.String()
	if len(c.Signals) > 1 {
		subject = "(" + subject + ")"
	}
	switch {
	case c.Below != nil:
		return subject + " < " + strconv.FormatFloat(*c.Below, 'g', -1, 64)
	case c.Above != nil:
		return subject + " > " + strconv.FormatFloat(*c.Above, 'g', -1, 64)
	case c.Is == rules.IsChanged:
		return subject + " changed within " + c.Within.String()
	default:
		return subject + " " + string(c.Is)
	}
}

type buildinfoForm struct {
	Version   string `json:"version"`
	Revision  string `json:"revision"`
	Branch    string `json:"branch"`
	BuildUser string `json:"buildUser"`
	BuildDate string `json:"buildDate"`
	GoVersion string `json:"goVersion"`
}

// build tells what this program was built from.
func build() buildinfoForm {
	return buildinfoForm{
		Version: version.Version, Revision: version.GetRevision(), Branch: version.Branch,
		BuildUser: version.BuildUser, BuildDate: version.BuildDate, GoVersion: version.GoVersion,
	}
}

func buildinfo(*http.Request) (any, error) {
	return build(), nil
}
