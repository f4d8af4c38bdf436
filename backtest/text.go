package backtest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
)

// WriteText writes the report as a timeline for a person, with the totals at its
// end. Times are UTC.
func (r *Report) WriteText(w io.Writer) error {
	var b bytes.Buffer
	for _, in := range r.Incidents {
		writeIncident(&b, in)
	}
	r.writeTotals(&b)
	if r.Truth != nil {
		r.Truth.writeText(&b)
	}
	if r.Comparison != nil {
		r.writeComparison(&b)
	}
	if r.WhatIf != nil {
		r.WhatIf.writeText(&b)
	}
	_, err := w.Write(b.Bytes())
	return err
}

const day = "Mon 2006-01-02 15:04:05"

func writeIncident(b *bytes.Buffer, in incident.Incident) {
	v := in.Verdict
	fmt.Fprintf(b, "%s  %s  %s  %s\n", in.StartedAt.UTC().Format(day), v.Alert, v.Scope, v.Severity)
	line := func(name, text string) { fmt.Fprintf(b, "  %-10s  %s\n", name, text) }
	line("suspect", suspect(v))
	line("summary", v.Summary)
	name := "ruled out"
	for _, out := range v.RuledOut {
		line(name, fmt.Sprintf("%s: %s", out.Component, out.Because))
		name = ""
	}
	name = "changed"
	for _, c := range v.Changes {
		line(name, fmt.Sprintf("%s at %s", c.What, c.At.UTC().Format(time.TimeOnly)))
		name = ""
	}
	if len(v.Blind) > 0 {
		line("blind", strings.Join(v.Blind, ", "))
	}
	if in.SuppressedBy == "" {
		line("paged", fmt.Sprintf("%s after its onset", model.Duration(in.FiredAt.Sub(in.StartedAt))))
	} else {
		line("suppressed", "by "+in.SuppressedBy+", nobody is told")
	}
	line(ending(in))
	b.WriteByte('\n')
}

func suspect(v rules.Verdict) string {
	text := fmt.Sprintf("%s (%.0f %% sure)", v.Suspect, 100*v.Confidence)
	var victims []string
	for _, c := range v.Victims {
		victims = append(victims, string(c))
	}
	if victims = append(victims, v.Callers...); len(victims) == 0 {
		return text
	}
	return text + ", suffering: " + strings.Join(victims, ", ")
}

func ending(in incident.Incident) (name, text string) {
	lasted := model.Duration(in.ResolvedAt.Sub(in.StartedAt))
	switch {
	case in.SupersededBy != "":
		return "replaced", fmt.Sprintf("after %s, by a diagnosis that fits better", lasted)
	case in.Open():
		return "firing", "still at the end of the range"
	default:
		return "resolved", fmt.Sprintf("after %s, at %s", lasted, in.ResolvedAt.UTC().Format(time.TimeOnly))
	}
}

const week = 7 * 24 * time.Hour

func (r *Report) writeTotals(b *bytes.Buffer) {
	s := r.Stats
	fmt.Fprintf(b, "%s to %s: %s of %d slots, %d series, %d samples\n",
		s.Start.UTC().Format(day), s.End.UTC().Format(day), inDays(s.length()), s.Slots, s.Series, s.Samples)

	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "incidents\t%d\t%s\n", len(r.Incidents), s.perWeek(len(r.Incidents)))
	for _, t := range tally(r.Incidents, func(in incident.Incident) string { return in.Verdict.Alert }) {
		fmt.Fprintf(tw, "  %s\t%d\t%s\n", t.name, t.n, s.perWeek(t.n))
	}
	if n := r.suppressed(); n > 0 {
		fmt.Fprintf(tw, "suppressed\t%d\t%s\n", n, s.perWeek(n))
	}
	fmt.Fprintf(tw, "anomalies\t%d\t%s\n", len(r.Anomalies), s.perWeek(len(r.Anomalies)))
	for _, t := range tally(r.Anomalies, func(a incident.Anomaly) string { return a.Signal }) {
		fmt.Fprintf(tw, "  %s\t%d\t%s\n", t.name, t.n, s.perWeek(t.n))
	}
	_ = tw.Flush() // a buffer takes everything
	if s.Partial {
		b.WriteString("The data is partial: see the warnings.\n")
	}
}

func (s Stats) length() time.Duration { return time.Duration(s.Slots) * s.Step }

// perWeek writes a number of the range as a rate.
func (s Stats) perWeek(n int) string {
	rate := float64(n) * float64(week) / float64(s.length())
	if rate >= 99.5 {
		return fmt.Sprintf("%.0f per week", rate)
	}
	return fmt.Sprintf("%.2g per week", rate)
}

// inDays writes a length as days if it is some, else as hours and minutes.
func inDays(d time.Duration) string {
	if d < 2*24*time.Hour {
		return model.Duration(d).String()
	}
	return fmt.Sprintf("%.3g days", d.Hours()/24)
}

// total is how often a name was met.
type total struct {
	name string
	n    int
}

// tally counts items by name, the most frequent first.
func tally[T any](items []T, nameOf func(T) string) []total {
	counts := map[string]int{}
	for _, item := range items {
		counts[nameOf(item)]++
	}
	var out []total
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, total{name, counts[name]})
	}
	slices.SortStableFunc(out, func(a, b total) int { return cmp.Compare(b.n, a.n) })
	return out
}
