package backtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"tidemark/api"
	"tidemark/config"
	"tidemark/incident"
	"tidemark/signal"
)

// offsets are by how much the sensitivity of all signals is varied.
var offsets = []float64{-0.5, 0, 0.5, 1, 1.5}

// WhatIf says how much would have been found at other sensitivities. It is not an
// estimate: an engine with each of them learned and judged the same samples.
type WhatIf struct {
	Columns []WhatIfColumn // by offset, ascending
	Signals []string       // the judged ones, in the order of the configuration

	uniform float64 // the sensitivity of all signals as configured, 0 if they differ
}

// WhatIfColumn is what was found with the sensitivity of every signal changed by
// an offset.
type WhatIfColumn struct {
	Offset    float64
	Incidents []incident.Incident // that paged
	Anomalies map[string]int      // by signal
	Truth     *Assessment         // nil if there are no faults to compare with
}

// shiftedBy returns the configuration with each of the offsets but 0.
func shiftedBy(c *config.Config, offsets []float64) []*config.Config {
	var out []*config.Config
	for _, offset := range offsets {
		if offset != 0 {
			out = append(out, shifted(c, offset))
		}
	}
	return out
}

// shifted returns the configuration with another sensitivity of every signal.
func shifted(c *config.Config, offset float64) *config.Config {
	other := *c
	other.Signals = slices.Clone(c.Signals)
	for i := range other.Signals {
		other.Signals[i].Sensitivity += offset
	}
	return &other
}

// whatIf puts the report and those of the other offsets side by side.
func whatIf(signals []signal.Signal, r *Report, others []*Report) *WhatIf {
	w := &WhatIf{}
	for _, s := range signals {
		if !s.Judged() {
			continue
		}
		switch {
		case w.Signals == nil:
			w.uniform = s.Sensitivity
		case s.Sensitivity != w.uniform:
			w.uniform = 0
		}
		w.Signals = append(w.Signals, s.Name)
	}
	next := 0
	for _, offset := range offsets {
		found := r
		if offset != 0 {
			found = others[next]
			next++
		}
		w.Columns = append(w.Columns, columnOf(offset, found))
	}
	return w
}

func columnOf(offset float64, r *Report) WhatIfColumn {
	c := WhatIfColumn{Offset: offset, Incidents: r.pages(), Anomalies: map[string]int{}, Truth: r.Truth}
	for _, a := range r.Anomalies {
		c.Anomalies[a.Signal]++
	}
	return c
}

// Heads are what the columns are called: the sensitivity if it is the same for
// all signals, else by how much it is changed.
func (w *WhatIf) Heads() []string {
	return api.Forms(w.Columns, func(c WhatIfColumn) string {
		switch {
		case w.uniform > 0 && c.Offset == 0:
			return fmt.Sprintf("%g (now)", w.uniform)
		case w.uniform > 0:
			return fmt.Sprintf("%g", w.uniform+c.Offset)
		case c.Offset == 0:
			return "as configured"
		default:
			return fmt.Sprintf("%+g", c.Offset)
		}
	})
}

// WhatIfRow is a line of the table: a count for each column.
type WhatIfRow struct {
	Name   string
	Part   bool // of the row before
	Counts []int
}

// Rows are the incidents, those that are false if that is known, those of each
// rule, and the anomalies of each signal that had any.
func (w *WhatIf) Rows() []WhatIfRow {
	row := func(name string, part bool, count func(WhatIfColumn) int) WhatIfRow {
		return WhatIfRow{name, part, api.Forms(w.Columns, count)}
	}
	rows := []WhatIfRow{row("incidents", false, func(c WhatIfColumn) int { return len(c.Incidents) })}
	if w.Columns[0].Truth != nil {
		rows = append(rows,
			row("  of them false", true, func(c WhatIfColumn) int { return len(c.Truth.False) }),
			row("  faults missed", true, func(c WhatIfColumn) int { s := c.Truth.recall(); return s.of - s.n }))
	}
	var all []incident.Incident
	for _, c := range w.Columns {
		all = append(all, c.Incidents...)
	}
	alert := func(in incident.Incident) string { return in.Verdict.Alert }
	for _, t := range tally(all, alert) {
		rows = append(rows, row("  "+t.name, true, func(c WhatIfColumn) int {
			n := 0
			for _, in := range c.Incidents {
				if alert(in) == t.name {
					n++
				}
			}
			return n
		}))
	}
	rows = append(rows, row("anomalies", false, func(c WhatIfColumn) int {
		n := 0
		for _, of := range c.Anomalies {
			n += of
		}
		return n
	}))
	for _, name := range w.Signals {
		r := row("  "+name, true, func(c WhatIfColumn) int { return c.Anomalies[name] })
		if slices.Max(r.Counts) > 0 {
			rows = append(rows, r)
		}
	}
	return rows
}

func (w *WhatIf) writeText(b *bytes.Buffer) {
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\nwith a sensitivity of\t%s\n", strings.Join(w.Heads(), "\t"))
	for _, r := range w.Rows() {
		fmt.Fprint(tw, r.Name)
		for _, n := range r.Counts {
			fmt.Fprintf(tw, "\t%d", n)
		}
		fmt.Fprintln(tw)
	}
	_ = tw.Flush() // a buffer takes everything
}

type whatIfForm struct {
	Offset            float64        `json:"sensitivity_offset"`
	Incidents         int            `json:"incidents"`
	IncidentsByRule   map[string]int `json:"incidents_by_rule"`
	FalseIncidents    *int           `json:"false_incidents"`
	FaultsMissed      *int           `json:"faults_missed"`
	Anomalies         int            `json:"anomalies"`
	AnomaliesBySignal map[string]int `json:"anomalies_by_signal"`
}

func (w *WhatIf) forms() []whatIfForm {
	if w == nil {
		return nil
	}
	return api.Forms(w.Columns, func(c WhatIfColumn) whatIfForm {
		f := whatIfForm{Offset: c.Offset, Incidents: len(c.Incidents), IncidentsByRule: map[string]int{}, AnomaliesBySignal: c.Anomalies}
		for _, in := range c.Incidents {
			f.IncidentsByRule[in.Verdict.Rule]++
		}
		for _, n := range c.Anomalies {
			f.Anomalies += n
		}
		if c.Truth != nil {
			recall := c.Truth.recall()
			missed, wrong := recall.of-recall.n, len(c.Truth.False)
			f.FaultsMissed, f.FalseIncidents = &missed, &wrong
		}
		return f
	})
}
