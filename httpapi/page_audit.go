package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"tidemark/audit"
	"tidemark/rules"
)

// auditView is the newest audit, sorted by what a reader has to do.
type auditView struct {
	Problem       string // why there is nothing to show
	At            time.Time
	Every         string
	Warnings      []checkView // what is wrong, and not dismissed
	Infos         []checkView
	Failed        []checkView
	Dismissed     []checkView
	OK            []checkView
	NotApplicable []checkView
	Quiet         bool // nothing is wrong, of what could be asked
	Asked         int
}

// checkView is a check with some of its findings.
type checkView struct {
	*audit.Check
	Err      error
	Findings []auditFinding
	More     int
}

type auditFinding struct {
	audit.Finding
	Dismissal *audit.Dismissal
	Dismiss   string // the command that dismisses it, if that is possible
}

func (a *API) auditPage(w http.ResponseWriter, _ *http.Request) {
	f := frame{Title: "Audit", Section: "/audit"}
	report, err := a.auditReport()
	if err != nil {
		f.Page = auditView{Problem: err.Error()}
		a.show(w, http.StatusOK, "audit", f)
		return
	}
	now := time.Now()
	dismissals, err := a.opts.Audits.Dismissals(now)
	view := a.auditViewOf(report, dismissals, now)
	if err != nil {
		view.Problem = fmt.Sprintf("The dismissals cannot be read, all findings are shown: %v", err)
	}
	f.Page = view
	a.show(w, http.StatusOK, "audit", f)
}

func (a *API) auditViewOf(report *audit.Report, dismissals []audit.Dismissal, now time.Time) auditView {
	v := auditView{At: report.Time, Every: span(a.opts.Audits.AuditInterval())}
	for _, r := range report.Results {
		var open, dismissed []auditFinding
		for _, f := range r.Findings {
			if d := audit.Dismissed(r.Check, f, dismissals, now); d != nil {
				dismissed = append(dismissed, auditFinding{Finding: f, Dismissal: d})
			} else {
				open = append(open, auditFinding{Finding: f, Dismiss: a.dismissCommand(r.Check, f, now)})
			}
		}
		if len(open) > 0 {
			list := &v.Infos
			if r.Check.Severity == rules.Warning {
				list = &v.Warnings
			}
			*list = append(*list, checkView{r.Check, r.Err, open, r.More})
		}
		if len(dismissed) > 0 {
			v.Dismissed = append(v.Dismissed, checkView{Check: r.Check, Findings: dismissed})
		}
		switch bare := (checkView{Check: r.Check, Err: r.Err}); r.State {
		case audit.Failed:
			v.Failed = append(v.Failed, bare)
		case audit.NotApplicable:
			v.NotApplicable = append(v.NotApplicable, bare)
		case audit.OK:
			v.OK = append(v.OK, bare)
		case audit.Found: // listed above
		}
	}
	v.Asked = len(report.Results) - len(v.Failed) - len(v.NotApplicable)
	v.Quiet = v.Asked > 0 && len(v.Warnings)+len(v.Infos)+len(v.Failed) == 0
	return v
}

// dismissCommand returns the command that dismisses one finding for a quarter.
func (a *API) dismissCommand(c *audit.Check, f audit.Finding, now time.Time) string {
	if !a.opts.EnableAdminAPI {
		return ""
	}
	body, err := json.Marshal(dismissBody{Check: c.ID, Labels: f.Labels, Reason: "…", Until: now.AddDate(0, 3, 0).UTC().Truncate(24 * time.Hour)})
	if err != nil {
		return ""
	}
	return fmt.Sprintf("curl -X POST -d %s %s", shellQuoted(string(body)), a.absolute("/api/v1/audit/dismiss"))
}
