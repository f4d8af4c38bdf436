package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/api"
	"tidemark/audit"
)

// Audits is where audits come from and dismissals go to. Calls may overlap.
type Audits interface {
	// AuditReport returns the newest audit, nil before the first is over.
	AuditReport() *audit.Report
	// AuditInterval returns the distance between audits, 0 if there are none.
	AuditInterval() time.Duration
	// Dismissals returns those that are in force at a time or later.
	Dismissals(at time.Time) ([]audit.Dismissal, error)
	// Dismiss remembers a dismissal, which replaces the one of the same check
	// and labels.
	Dismiss(d audit.Dismissal) error
}

type auditForm struct {
	At     instant     `json:"at"`
	Checks []checkForm `json:"checks"`
}

type checkForm struct {
	ID        string        `json:"id"`
	Title     string        `json:"title"`
	Severity  string        `json:"severity"`
	Component string        `json:"component"`
	Pack      string        `json:"pack"`
	Query     string        `json:"query"`
	State     string        `json:"state"`
	Error     reference     `json:"error"`
	Why       string        `json:"why"`
	Remedy    string        `json:"remedy"`
	Findings  []findingForm `json:"findings"`
	More      int           `json:"more"`
}

type findingForm struct {
	ID        string         `json:"id"`
	Labels    model.LabelSet `json:"labels"`
	Value     api.Number     `json:"value"`
	Evidence  string         `json:"evidence"`
	Since     instant        `json:"since"`
	Dismissed *dismissalForm `json:"dismissed"`
}

type dismissalForm struct {
	Check  string         `json:"check"`
	Labels model.LabelSet `json:"labels"`
	By     reference      `json:"by"`
	Reason string         `json:"reason"`
	At     instant        `json:"at"`
	Until  instant        `json:"until"`
}

// audit answers with the newest audit, what is dismissed marked as such.
func (a *API) audit(*http.Request) (any, error) {
	report, err := a.auditReport()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	dismissals, err := a.opts.Audits.Dismissals(now)
	if err != nil {
		return nil, unavailable("the dismissals cannot be read: %w", err)
	}
	return auditForm{instant(report.Time), formsOf(report.Results, func(r audit.Result) checkForm {
		c := r.Check
		f := checkForm{
			ID: c.ID, Title: c.Title, Severity: string(c.Severity), Component: string(c.Component), Pack: c.Pack,
			Query: c.Query, State: string(r.State), Why: c.Why, Remedy: c.Remedy, More: r.More,
		}
		if r.Err != nil {
			f.Error = reference(r.Err.Error())
		}
		f.Findings = formsOf(r.Findings, func(found audit.Finding) findingForm {
			form := findingForm{
				ID: found.ID, Labels: found.Labels, Value: api.Number(found.Value), Evidence: found.Evidence, Since: instant(found.Since),
			}
			if d := audit.Dismissed(c, found, dismissals, now); d != nil {
				form.Dismissed = new(formOfDismissal(*d))
			}
			return form
		})
		return f
	})}, nil
}

func (a *API) auditReport() (*audit.Report, error) {
	if a.opts.Audits == nil || a.opts.Audits.AuditInterval() == 0 {
		return nil, notFound("audits are switched off: set audit.interval in the configuration")
	}
	report := a.opts.Audits.AuditReport()
	if report == nil {
		return nil, unavailable("the first audit is not over yet: try again")
	}
	return report, nil
}

func formOfDismissal(d audit.Dismissal) dismissalForm {
	labels := d.Labels
	if labels == nil {
		labels = model.LabelSet{}
	}
	return dismissalForm{d.Check, labels, reference(d.By), d.Reason, instant(d.At), instant(d.Until)}
}

// dismissBody is the body of a request to dismiss findings.
type dismissBody struct {
	Check  string         `json:"check"`
	Labels model.LabelSet `json:"labels"`
	Reason string         `json:"reason"`
	Until  time.Time      `json:"until"`
}

const (
	dismissExample = `{"check": "redis_noeviction", "labels": {"instance": "queue:6379"}, "reason": "it is a queue", "until": "2027-01-31T00:00:00Z"}`
	maxDismissal   = 366 * 24 * time.Hour
)

// dismissedForm is a dismissal, and how many findings it covers now.
type dismissedForm struct {
	dismissalForm
	Covers int `json:"covers"`
}

// dismiss dismisses the findings that the body selects.
func (a *API) dismiss(r *http.Request) (any, error) {
	if err := a.adminOnly(); err != nil {
		return nil, err
	}
	var body dismissBody
	if err := readBody(r.Body, &body, dismissExample); err != nil {
		return nil, err
	}
	report, err := a.auditReport()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := checkDismissal(body, now); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(report.Results, func(r audit.Result) bool { return r.Check.ID == body.Check })
	if i < 0 {
		return nil, notFound("there is no check %q: GET /api/v1/audit lists them", body.Check)
	}
	user, _, _ := r.BasicAuth()
	d := audit.Dismissal{Check: body.Check, Labels: body.Labels, By: user, Reason: body.Reason, At: now.UTC(), Until: body.Until.UTC()}
	if err := a.opts.Audits.Dismiss(d); err != nil {
		return nil, fmt.Errorf("dismiss the findings: %w", err)
	}
	a.opts.Logger.Info("Findings are dismissed", "check", d.Check, "labels", d.Labels.String(), "reason", d.Reason, "until", d.Until,
		"user", user, "remote_address", r.RemoteAddr)
	covers := 0
	for _, f := range report.Results[i].Findings {
		if d.Covers(report.Results[i].Check, f, now) {
			covers++
		}
	}
	return dismissedForm{formOfDismissal(d), covers}, nil
}

func checkDismissal(body dismissBody, now time.Time) error {
	switch {
	case body.Check == "":
		return badData("check is missing: write JSON such as %s", dismissExample)
	case strings.TrimSpace(body.Reason) == "":
		return badData("reason is missing: write why the findings are all right, for those who read it later")
	case !body.Until.After(now):
		return badData("until %s is not in the future: write when to look again, such as %s", body.Until.UTC().Format(time.RFC3339), now.AddDate(0, 3, 0).UTC().Format(time.RFC3339))
	case body.Until.After(now.Add(maxDismissal)):
		return badData("until %s is more than a year ahead: write when to look again; to leave a check out for good, name it under audit.disabled", body.Until.UTC().Format(time.RFC3339))
	}
	if err := checkLine("reason", body.Reason); err != nil {
		return err
	}
	return checkLabels(body.Labels)
}
