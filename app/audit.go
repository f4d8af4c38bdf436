package app

import (
	"context"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/alerting"
	"tidemark/audit"
	"tidemark/rules"
	"tidemark/store"
)

// auditRetry is how long to wait after an audit that could ask nothing.
const auditRetry = time.Minute

// startAudits runs the generation's audits until stop is called. They have a
// goroutine of their own: no cycle waits for one.
func (a *app) startAudits(ctx context.Context, g *generation) (stop func()) {
	interval := time.Duration(g.config.Audit.Interval)
	if interval == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			wait := interval
			if !a.audit(ctx, g) {
				wait = min(wait, auditRetry)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// audit runs one audit, offers what it found to the receivers, and reports
// whether any check could be asked.
func (a *app) audit(ctx context.Context, g *generation) (asked bool) {
	start := time.Now()
	ts := g.slot(start)
	report, err := g.auditor.Run(ctx, ts, a.announcedChanges(ts))
	if err != nil {
		return false // it was told to stop
	}
	found, failed := 0, 0
	for _, r := range report.Results {
		found += len(r.Findings)
		if r.State == audit.Failed {
			failed++
			a.logger.Warn("A check of the audit cannot be asked", "check", r.Check.ID, "err", r.Err)
		}
	}
	a.logger.Info("The configuration is audited", "checks", len(report.Results), "findings", found, "failed", failed, "seconds", time.Since(start).Seconds())
	a.announceFindings(g)
	return failed < len(report.Results) || failed == 0
}

// changesAudited is how far back a check may look for an announced change.
const changesAudited = 31 * 24 * time.Hour

func (a *app) announcedChanges(ts time.Time) []rules.Change {
	events, _, err := a.store.Events(store.Query{Start: ts.Add(-changesAudited)})
	if err != nil {
		a.logger.Error("Announced changes cannot be read, the audit goes without them", "err", err)
	}
	changes := make([]rules.Change, len(events))
	for i, e := range events {
		changes[i] = e.Change
	}
	return changes
}

// announceFindings offers the findings that are not dismissed to the receivers.
func (a *app) announceFindings(g *generation) {
	a.announcing.Lock() // so that the newest state is announced last
	defer a.announcing.Unlock()
	report := g.auditor.Report()
	if report == nil || !g.config.Audit.Alerts {
		return
	}
	now := time.Now()
	dismissals, err := a.store.Dismissals(now)
	if err != nil {
		a.logger.Error("Dismissals cannot be read, the findings that are alerted stay as they were", "err", err)
		return
	}
	var notices []alerting.Notice
	for _, r := range report.Results {
		for _, f := range r.Findings {
			if audit.Dismissed(r.Check, f, dismissals, now) == nil {
				notices = append(notices, noticeOf(r.Check, f))
			}
		}
	}
	g.sender.Announce(notices)
}

// noticeOf makes a finding an alert. Its category lets Alertmanager keep it from
// paging.
func noticeOf(c *audit.Check, f audit.Finding) alerting.Notice {
	return alerting.Notice{
		ID: f.ID, Since: f.Since, Page: "/audit",
		Labels: f.Labels.Merge(model.LabelSet{
			model.AlertNameLabel: model.LabelValue(c.Alert()),
			"severity":           model.LabelValue(c.Severity),
			"component":          model.LabelValue(c.Component),
			"category":           "audit",
		}),
		Annotations: model.LabelSet{
			"summary":     model.LabelValue(c.Title + ": " + f.Evidence + "."),
			"description": model.LabelValue(c.Why + "\n" + c.Remedy),
		},
	}
}

// AuditReport implements httpapi.Audits.
func (a *app) AuditReport() *audit.Report { return a.current.Load().auditor.Report() }

// AuditInterval implements httpapi.Audits.
func (a *app) AuditInterval() time.Duration {
	return time.Duration(a.current.Load().config.Audit.Interval)
}

// Dismissals implements httpapi.Audits.
func (a *app) Dismissals(at time.Time) ([]audit.Dismissal, error) { return a.store.Dismissals(at) }

// Dismiss implements httpapi.Audits. What it covers is resolved at once.
func (a *app) Dismiss(d audit.Dismissal) error {
	if err := a.store.Dismiss(d); err != nil {
		return err
	}
	a.announceFindings(a.current.Load())
	return nil
}
