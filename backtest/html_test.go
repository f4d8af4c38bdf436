package backtest

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"golang.org/x/net/html"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// testFullReport asks for all that a report can hold.
func testFullReport(t *testing.T, url string) {
	report, err := Run(t.Context(), Options{
		Config: load(t, configuration(t, url, "", signals)), Start: start, End: end, Grace: DefaultGrace,
		Faults: []Fault{
			{bypass[0], bypass[1], model.LabelSet{"service": "shop"}, signal.Cache, "cache_bypass"},
			{slow[0], slow[1], nil, signal.Database, "database_slow"},
		},
		WhatIf: true, Pictures: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	a := report.Truth
	if a.recall().value() != 1 || a.causes().value() != 1 || a.kinds().value() != 1 || len(a.False) != 0 {
		t.Errorf("recall %s, cause %s, kind %s, %d false, want all and none false", a.recall(), a.causes(), a.kinds(), len(a.False))
	}
	if d := a.Faults[0].Delay(); d <= 0 || d > 10*time.Minute {
		t.Errorf("the bypass paged after %s, want some minutes", d)
	}
	if a.Services != 3 {
		t.Errorf("got %d services, want 3", a.Services)
	}

	if diff := cmp.Diff([]string{"4", "4.5 (now)", "5", "5.5", "6"}, report.WhatIf.Heads()); diff != "" {
		t.Errorf("heads (-want +got):\n%s", diff)
	}
	for _, c := range report.WhatIf.Columns {
		if len(c.Incidents) != 3 || len(c.Truth.False) != 0 {
			t.Errorf("offset %g: %d incidents, %d false, want 3 that are right: the faults are large", c.Offset, len(c.Incidents), len(c.Truth.False))
		}
	}
	rows := report.WhatIf.Rows()
	anomalies := rows[slices.IndexFunc(rows, func(r WhatIfRow) bool { return r.Name == "anomalies" })].Counts
	if anomalies[1] != len(report.Anomalies) || !slices.IsSortedFunc(anomalies, func(a, b int) int { return b - a }) {
		t.Errorf("anomalies %v, want %d as configured and no more at higher sensitivities", anomalies, len(report.Anomalies))
	}

	if len(report.Pictures) != 3 || len(report.Pictures[0].Panels) < 2 {
		t.Fatalf("got pictures %d, want 3, the first with several panels", len(report.Pictures))
	}
	for i, p := range report.Pictures {
		in := report.Incidents[i]
		for _, panel := range p.Panels {
			first, last := panel.Judged[0].Time, panel.Judged[len(panel.Judged)-1].Time
			if !first.Before(in.StartedAt.Add(-20*time.Minute)) || !last.After(in.ResolvedAt) {
				t.Errorf("%s: %s goes from %s to %s, want from well before %s to after %s", in.Verdict.Alert, panel.Signal.Name, first, last, in.StartedAt, in.ResolvedAt)
			}
			if w := panel.worst(in); !w.Time.After(in.StartedAt.Add(-step)) || math.Abs(w.Score) < 3 {
				t.Errorf("%s: %s is worst at %s with a score of %g, want clear deviation within the incident", in.Verdict.Alert, panel.Signal.Name, w.Time, w.Score)
			}
		}
	}
	page := render(t, report)
	if n := strings.Count(page, `<path class="value"`); n < 5 {
		t.Errorf("the page has %d charts, want one for each piece of evidence", n)
	}
}

func render(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hostile is text as an attacker would put it into a label.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`

// syntheticReport has one incident with one panel, and hostile text wherever text
// of others is shown.
func syntheticReport() *Report {
	evil := model.LabelSet{"service": hostile}
	in := page("a1", hostile, "cache_bypass", signal.Cache, evil, 30, 50)
	in.Verdict.Severity = rules.Critical
	in.Verdict.Summary = hostile
	in.Verdict.RuledOut = []rules.RuledOut{{Component: signal.Traffic, Because: hostile}}
	in.Verdict.Changes = []rules.Change{{At: after(20), What: hostile}}
	in.Verdict.Blind = []string{hostile}
	sig := signal.Signal{Name: "cache_hit_ratio", Kind: detector.Ratio, Step: model.Duration(step), Sensitivity: 4.5}
	p := Panel{Signal: sig, Labels: model.LabelSet{"service": hostile, "pod": hostile}, Evidence: rules.Evidence{Signal: sig.Name, Title: hostile, Direction: detector.Down}}
	for m := range 60 {
		j := detector.Judgement{Time: after(m), Value: 0.9, Lower: 0.85, Expected: 0.9, Upper: 0.95}
		if m >= 28 && m < 50 {
			j.Value, j.Score = 0.4, -20
		}
		p.Judged = append(p.Judged, j)
	}
	r := &Report{
		Incidents: []incident.Incident{in}, Pictures: []Picture{{in.ID, []Panel{p}}}, signals: []signal.Signal{sig},
		Anomalies: []incident.Anomaly{{Signal: sig.Name}},
		Stats: Stats{
			Start: start, End: after(7*24*60 - 1), Step: step, Slots: 7 * 24 * 60, Series: 32, Services: 1, Samples: 10, HistorySamples: 10,
			Signals: []SignalStats{{Name: sig.Name, Series: 32, Samples: 10}},
		},
	}
	r.Truth = r.Assess([]Fault{{after(25), after(50), evil, signal.Cache, hostile}}, 0)
	return r
}

func TestHTML(t *testing.T) {
	text := render(t, syntheticReport())
	chance := fmt.Sprintf("%.2g", 32*float64(week)/float64(syntheticReport().signals[0].FalseAlarmPeriod()))
	for _, want := range []string{
		"<h1>Wed 2025-03-05 12:00 to Wed 2025-03-12 11:59</h1>",
		"at worst <b>40 % ↓</b>, usually 90 % (85–95 %)",
		`<svg viewBox="0 0 600 130"`,
		"<td>cache_hit_ratio</td><td class=\"n\">32</td><td class=\"n\">1</td><td class=\"n\">1 per week</td><td class=\"n\">" + chance + "</td>",
		"<b>100 %</b> recall<span>1 of 1 faults paged</span>",
		"paged after 2m, resolved after 22m.",
		"There was no history to learn from.", "@media (prefers-color-scheme: dark)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
}

func TestHTMLShowsSuppressed(t *testing.T) {
	r := syntheticReport()
	r.Incidents[0].SuppressedBy = "weekly-import"
	text := render(t, r)
	for _, want := range []string{"1 per week, 1 suppressed<", `data-label="Paged after">suppressed<`, "suppressed by <b>weekly-import</b>, nobody is told, resolved after 22m."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
}

// TestHTMLStandsAlone looks for anything that a browser would run or fetch, and
// for elements that the hostile text has made.
func TestHTMLStandsAlone(t *testing.T) {
	text := render(t, syntheticReport())
	for z := html.NewTokenizer(strings.NewReader(text)); z.Next() != html.ErrorToken; {
		token := z.Token()
		if slices.Contains([]string{"script", "img", "iframe", "object", "link", "base"}, token.Data) {
			t.Errorf("the page holds <%s>", token.Data)
		}
		for _, a := range token.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("<%s> has %s=%q", token.Data, a.Key, a.Val)
			}
		}
	}
	if strings.Contains(reportCSS, "url(") || strings.Contains(reportCSS, "@import") {
		t.Error("the style sheet fetches something")
	}
	if strings.Contains(text, "ZgotmplZ") {
		t.Error("a value of the page was refused as unsafe")
	}
}

func TestHTMLOfNothing(t *testing.T) {
	r := &Report{Stats: Stats{Start: start, End: end, Step: step, Slots: 481}}
	if text := render(t, r); !strings.Contains(text, "Nothing would have paged.") {
		t.Errorf("got %s, want a page that says so", text)
	}
}

func TestChart(t *testing.T) {
	nan := math.NaN()
	var judged []detector.Judgement
	for m, v := range []float64{10, 12, nan, 30, nan, 11} {
		j := detector.Judgement{Time: after(m), Value: v, Lower: 5, Expected: 10, Upper: 15}
		if m == 2 {
			j.Lower, j.Expected, j.Upper = nan, nan, nan
		}
		judged = append(judged, j)
	}
	in := incident.Incident{State: incident.Firing, StartedAt: after(3), FiredAt: after(4)}
	c := newChart(Panel{Judged: judged}, in)
	// The values reach from 5, the band's end, to 30, with 6 % room: 3.5 to 31.5.
	want := &chart{
		Width: 600, Height: 130,
		Value:    "M0 99.8h0.1L120 90.5M360 7h0.1M600 95.2h0.1",
		Expected: "M0 99.8h0.1L120 99.8M360 99.8h0.1L480 99.8L600 99.8",
		Band:     "M0 76.6L120 76.6L120 123L0 123ZM360 76.6L480 76.6L600 76.6L600 123L480 123L360 123Z",
		Marks:    []mark{{360, "onset"}, {480, "paged"}},
		Times:    []tick{{100, "12:05"}},
		High:     "31.5", Low: "3.5",
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("chart (-want +got):\n%s", diff)
	}
	for name, judged := range map[string][]detector.Judgement{
		"nothing": nil, "one slot": judged[:1],
		"only gaps": {{Time: after(0), Value: nan, Expected: nan, Lower: nan, Upper: nan}, {Time: after(1), Value: nan, Expected: nan, Lower: nan, Upper: nan}},
		"constant":  {{Time: after(0), Value: 1, Expected: 1, Lower: 1, Upper: 1}, {Time: after(1), Value: 1, Expected: 1, Lower: 1, Upper: 1}},
	} {
		if c := newChart(Panel{Judged: judged}, in); c != nil {
			t.Errorf("%s: got a chart %v, want none", name, c)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, tc := range []struct {
		minutes int
		want    []string
	}{
		{18, []string{"12:05", "12:10", "12:15"}},
		{95, []string{"12:30", "13:00", "13:30"}},
		{60 * 24, []string{"18:00", "00:00", "06:00", "12:00"}},
		{60 * 24 * 9, []string{"7 Mar", "11 Mar"}},
	} {
		var got []string
		for _, tick := range times(start, after(tc.minutes)) {
			got = append(got, tick.Text)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%d minutes (-want +got):\n%s", tc.minutes, diff)
		}
	}
}
