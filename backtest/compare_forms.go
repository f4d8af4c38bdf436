package backtest

import (
	"bytes"
	"fmt"
	"strconv"
	"text/tabwriter"

	"tidemark/api"
	"tidemark/incident"
)

// SideBySide is a figure of both configurations.
type SideBySide struct{ Name, Here, There string }

// sideBySide puts the totals of both reports side by side.
func (r *Report) sideBySide() []SideBySide {
	other := r.Comparison.Other
	out := []SideBySide{
		{"incidents", strconv.Itoa(len(r.Incidents)), strconv.Itoa(len(other.Incidents))},
		{"anomalies", strconv.Itoa(len(r.Anomalies)), strconv.Itoa(len(other.Anomalies))},
	}
	if r.Truth == nil {
		return out
	}
	there := map[string]string{}
	for _, f := range other.Truth.figures() {
		there[f.Name] = f.Value
	}
	for _, f := range r.Truth.figures() {
		value, ok := there[f.Name]
		if !ok {
			value = "–"
		}
		out = append(out, SideBySide{f.Name, f.Value, value})
	}
	return out
}

// DifferenceRow is an incident that the configurations do not agree about.
type DifferenceRow struct {
	Where    string // only here, only there, both
	Incident incident.Incident
	What     string
}

// Rows are the differences, those that only one of them found first.
func (c *Comparison) Rows() []DifferenceRow {
	var out []DifferenceRow
	for _, in := range c.OnlyA {
		out = append(out, DifferenceRow{"only here", in, in.Verdict.Summary})
	}
	for _, in := range c.OnlyB {
		out = append(out, DifferenceRow{"only there", in, in.Verdict.Summary})
	}
	for _, p := range c.Both {
		if d := p.Differences(); d != "" {
			out = append(out, DifferenceRow{"both", p.A, d})
		}
	}
	return out
}

func (r *Report) writeComparison(b *bytes.Buffer) {
	c := r.Comparison
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\ncompared\there\t%s\n", c.Name)
	for _, f := range r.sideBySide() {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", f.Name, f.Here, f.There)
	}
	_ = tw.Flush() // a buffer takes everything
	fmt.Fprintf(b, "%d only here, %d only there, %d in both, %d of them the same\n", len(c.OnlyA), len(c.OnlyB), len(c.Both), c.Same())
	for _, row := range c.Rows() {
		v := row.Incident.Verdict
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s\n", row.Where, row.Incident.StartedAt.UTC().Format(day), v.Alert, v.Scope, row.What)
	}
	_ = tw.Flush()
}

// compareForm is a comparison in JSON. A is the report that it is part of.
type compareForm struct {
	File      string         `json:"file"`
	Incidents []api.Incident `json:"incidents"`
	Anomalies []api.Anomaly  `json:"anomalies"`
	Truth     *truthForm     `json:"truth,omitempty"`
	OnlyA     []string       `json:"only_a"`
	OnlyB     []string       `json:"only_b"`
	Both      []pairForm     `json:"both"`
}

type pairForm struct {
	A           string  `json:"a"`
	B           string  `json:"b"`
	SameRule    bool    `json:"same_rule"`
	SameSuspect bool    `json:"same_suspect"`
	OnsetShift  float64 `json:"onset_shift_seconds"` // positive: later in B
	PageShift   float64 `json:"page_shift_seconds"`
}

func (c *Comparison) form() *compareForm {
	if c == nil {
		return nil
	}
	return &compareForm{
		File: c.Name, Incidents: incidentForms(c.Other.Incidents), Anomalies: anomalyForms(c.Other.Anomalies),
		Truth: c.Other.Truth.form(), OnlyA: ids(c.OnlyA), OnlyB: ids(c.OnlyB),
		Both: api.Forms(c.Both, func(p Pair) pairForm {
			return pairForm{
				A: p.A.ID, B: p.B.ID,
				SameRule:    p.A.Verdict.Rule == p.B.Verdict.Rule,
				SameSuspect: p.A.Verdict.Suspect == p.B.Verdict.Suspect,
				OnsetShift:  p.B.StartedAt.Sub(p.A.StartedAt).Seconds(),
				PageShift:   p.B.FiredAt.Sub(p.A.FiredAt).Seconds(),
			}
		}),
	}
}
