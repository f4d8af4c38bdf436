package backtest

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

//go:embed report.html
var reportHTML string

//go:embed report.css
var reportCSS string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"stamp":   func(t time.Time) string { return t.UTC().Format("Mon 2006-01-02 15:04") },
	"clock":   func(t time.Time) string { return t.UTC().Format("15:04") },
	"span":    func(d time.Duration) string { return model.Duration(d.Round(time.Second)).String() },
	"suspect": suspect,
}).Parse(reportHTML))

// pictureLimit is how many incidents are drawn, so that a browser can show the
// report. It counts from the first.
const pictureLimit = 60

// WriteHTML writes the report as one page that needs nothing else. Times are UTC.
func (r *Report) WriteHTML(w io.Writer) error {
	var b bytes.Buffer
	if err := reportPage.Execute(&b, r.view()); err != nil {
		return fmt.Errorf("render the report: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// pageView is what the page shows.
type pageView struct {
	Style      template.CSS
	Stats      Stats
	Length     string
	Warnings   []string
	Incidents  []incidentView
	Undrawn    int // incidents without pictures
	Lanes      []barLane
	Rules      []countView
	Signals    []countView
	Anomalies  int
	PerWeek    string // incidents
	Suppressed int    // incidents
	Chance     string // anomalies of healthy series per week
	Truth      *Assessment
	Figures    []figure
	WhatIf     *WhatIf
	Compare    *Comparison
	Sides      []SideBySide // nil without a comparison
}

// incidentView is an incident with its charts.
type incidentView struct {
	incident.Incident
	Lasted   time.Duration
	Paged    time.Duration // after the onset
	Evidence []evidenceView
}

type evidenceView struct {
	Title, Signal   string
	Component       signal.Component
	Labels          model.LabelSet
	Worst           string
	Expected, Range string
	Since           time.Time
	Chart           *chart
}

// barLane is a line of the overview: when a rule's incidents were open.
type barLane struct {
	Name string
	Bars []bar
}

// bar lies at percentages of the range.
type bar struct {
	Left, Width float64
	ID, Title   string
	Severity    rules.Severity
}

// countView is a name, how often it was met, and what is expected by chance.
type countView struct {
	Name, PerWeek, Chance string
	N, Series             int
}

// figure is a number of the assessment.
type figure struct{ Value, Name, Of string }

func (r *Report) view() pageView {
	s := r.Stats
	v := pageView{
		Style: template.CSS(reportCSS),
		Stats: s, Length: inDays(s.length()), Warnings: s.Warnings(), Anomalies: len(r.Anomalies),
		PerWeek: s.perWeek(len(r.Incidents)), Suppressed: r.suppressed(), Truth: r.Truth, WhatIf: r.WhatIf,
	}
	for i, in := range r.Incidents {
		one := incidentView{Incident: in, Paged: in.FiredAt.Sub(in.StartedAt), Lasted: s.over(in).Sub(in.StartedAt)}
		switch {
		case i < pictureLimit && i < len(r.Pictures):
			one.Evidence = evidence(r.Pictures[i].Panels, in)
		default:
			v.Undrawn++
		}
		v.Incidents = append(v.Incidents, one)
	}
	for _, t := range tally(r.Incidents, func(in incident.Incident) string { return in.Verdict.Alert }) {
		v.Rules = append(v.Rules, countView{Name: t.name, N: t.n, PerWeek: s.perWeek(t.n)})
		v.Lanes = append(v.Lanes, r.lane(t.name))
	}
	v.Signals, v.Chance = r.chances()
	if r.Truth != nil {
		v.Figures = r.Truth.figures()
	}
	if r.Comparison != nil {
		v.Compare, v.Sides = r.Comparison, r.sideBySide()
	}
	return v
}

func evidence(panels []Panel, in incident.Incident) []evidenceView {
	out := make([]evidenceView, len(panels))
	for i, p := range panels {
		j, e := p.worst(in), p.Evidence
		view := evidenceView{
			Title: e.Title, Signal: e.Signal, Component: e.Component, Since: e.Since, Chart: newChart(p, in),
			Labels: beyond(p.Labels, in.Verdict.Scope),
			Worst:  p.Signal.Format(j.Value), Expected: p.Signal.Format(j.Expected), Range: p.Signal.Range(j.Lower, j.Upper),
		}
		switch e.Direction {
		case detector.Up:
			view.Worst += " ↑"
		case detector.Down:
			view.Worst += " ↓"
		case detector.Both:
		}
		out[i] = view
	}
	return out
}

// beyond returns the labels that the scope does not have.
func beyond(labels, scope model.LabelSet) model.LabelSet {
	out := model.LabelSet{}
	for k, v := range labels {
		if _, ok := scope[k]; !ok {
			out[k] = v
		}
	}
	return out
}

// lane returns the bars of an alert.
func (r *Report) lane(alert string) barLane {
	l := barLane{Name: alert}
	whole := float64(r.Stats.End.Sub(r.Stats.Start))
	part := func(d time.Duration) float64 { return round(100 * float64(d) / max(whole, 1)) }
	for _, in := range r.Incidents {
		if in.Verdict.Alert != alert {
			continue
		}
		from := in.StartedAt
		if from.Before(r.Stats.Start) {
			from = r.Stats.Start
		}
		l.Bars = append(l.Bars, bar{
			Left: part(from.Sub(r.Stats.Start)), Width: max(0.3, part(r.Stats.over(in).Sub(from))), ID: in.ID,
			Title:    in.StartedAt.UTC().Format(day) + " " + in.Verdict.Scope.String(),
			Severity: in.Verdict.Severity,
		})
	}
	return l
}

// over is when an incident ended: at the latest with the range.
func (s Stats) over(in incident.Incident) time.Time {
	if in.Open() {
		return s.End
	}
	return in.ResolvedAt
}

// chances counts the anomalies of each judged signal, next to those that healthy
// series would have in a week by what the sensitivity promises.
func (r *Report) chances() (rows []countView, total string) {
	counts := map[string]int{}
	for _, a := range r.Anomalies {
		counts[a.Signal]++
	}
	sum := 0.0
	for i, s := range r.signals {
		if !s.Judged() {
			continue
		}
		n := r.Stats.Signals[i].Series
		chance := float64(n) * float64(week) / float64(s.FalseAlarmPeriod())
		sum += chance
		rows = append(rows, countView{
			Name: s.Name, N: counts[s.Name], Series: n,
			PerWeek: r.Stats.perWeek(counts[s.Name]), Chance: fmt.Sprintf("%.2g", chance),
		})
	}
	return rows, fmt.Sprintf("%.2g", sum)
}

// figures are what a person wants to know of an assessment.
func (a *Assessment) figures() []figure {
	out := []figure{
		{a.recall().percent(), "recall", a.recall().fraction() + " faults paged"},
		{a.precision().percent(), "precision", a.precision().fraction() + " incidents belong to a fault"},
	}
	if d := a.delays(); len(d) > 0 {
		out = append(out, figure{model.Duration(quantile(d, 0.5)).String(), "delay, median", model.Duration(quantile(d, 0.9)).String() + " for 90 % of the faults found"})
	}
	out = append(out,
		figure{a.causes().percent(), "cause right", a.causes().fraction() + " first pages name it"},
		figure{a.oneIncident().percent(), "one incident", a.oneIncident().fraction() + " faults found paged once"})
	if a.Services > 0 {
		out = append(out, figure{fmt.Sprintf("%.2g", a.falsePerServiceMonth()), "false per service and month", fmt.Sprintf("%d incidents", len(a.False))})
	}
	return out
}
