package backtest

import (
	"bytes"
	"fmt"
	"math"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/api"
	"tidemark/incident"
)

// writeText writes what became of each fault, then the figures.
func (a *Assessment) writeText(b *bytes.Buffer) {
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\nfaults\n")
	for _, f := range a.Faults {
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", f.Start.UTC().Format(day), f.Scope, f.Name(), f.Outcome())
	}
	_ = tw.Flush() // a buffer takes everything
	if a.Outside > 0 {
		fmt.Fprintf(b, "  %d outside of the range\n", a.Outside)
	}
	tw = tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "recall\t%s\tof the faults paged\n", a.recall())
	fmt.Fprintf(tw, "precision\t%s\tof the incidents belong to a fault\n", a.precision())
	if d := a.delays(); len(d) > 0 {
		fmt.Fprintf(tw, "delay\t%s\tmedian, and %s for 90 %% of the faults found\n", model.Duration(quantile(d, 0.5)), model.Duration(quantile(d, 0.9)))
	}
	fmt.Fprintf(tw, "cause\t%s\tof the first pages name the component\n", a.causes())
	if k := a.kinds(); k.of > 0 {
		fmt.Fprintf(tw, "kind\t%s\tof the first pages are of the rule\n", k)
	}
	fmt.Fprintf(tw, "one incident\t%s\tof the faults found paged once\n", a.oneIncident())
	if rate := a.falsePerServiceMonth(); !math.IsNaN(rate) {
		fmt.Fprintf(tw, "false\t%.2g\tincidents per service and month: %d in %d services and %.2g months\n", rate, len(a.False), a.Services, a.Months)
	}
	_ = tw.Flush()
}

// Name is what the fault is called: its kind, or else its component.
func (f FoundFault) Name() string {
	switch {
	case f.Kind != "":
		return f.Kind
	case f.Component != "":
		return string(f.Component)
	default:
		return "unknown cause"
	}
}

// Outcome says how the fault was paged for.
func (f FoundFault) Outcome() string {
	if !f.Found() {
		return "missed"
	}
	first := f.Incidents[0].Verdict
	text := fmt.Sprintf("paged after %s as %s", model.Duration(f.Delay()), first.Alert)
	if d := f.Delay(); d < 0 {
		text = fmt.Sprintf("paged %s earlier as %s", model.Duration(-d), first.Alert)
	}
	if right, known := f.CauseRight(); known && !right {
		text += fmt.Sprintf(", which is wrong: it points at %s", first.Suspect)
	}
	if n := len(f.Incidents) - 1; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

// String writes "80 %, 4 of 5", and "–" of nothing.
func (s share) String() string {
	if s.of == 0 {
		return "–"
	}
	return s.percent() + ", " + s.fraction()
}

func (s share) fraction() string { return fmt.Sprintf("%d of %d", s.n, s.of) }

// percent is "–" of nothing.
func (s share) percent() string {
	if s.of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*s.value())
}

// truthForm is an assessment in JSON.
type truthForm struct {
	GraceSeconds         float64     `json:"grace_seconds"`
	Faults               []faultJSON `json:"faults"`
	FaultsOutside        int         `json:"faults_outside_range"`
	Precision            api.Number  `json:"precision"`
	Recall               api.Number  `json:"recall"`
	DelayMedian          api.Number  `json:"delay_median_seconds"`
	DelayP90             api.Number  `json:"delay_p90_seconds"`
	CauseAccuracy        api.Number  `json:"cause_accuracy"`
	KindAccuracy         api.Number  `json:"kind_accuracy"`
	OneIncidentShare     api.Number  `json:"one_incident_share"`
	FalseIncidents       []string    `json:"false_incident_ids"`
	Services             int         `json:"services"`
	FalsePerServiceMonth api.Number  `json:"false_incidents_per_service_month"`
}

type faultJSON struct {
	Start        api.Instant    `json:"start"`
	End          api.Instant    `json:"end"`
	Scope        model.LabelSet `json:"scope"`
	Component    api.Reference  `json:"component"`
	Kind         api.Reference  `json:"kind"`
	Incidents    []string       `json:"incident_ids"`
	DelaySeconds api.Number     `json:"delay_seconds"`
	CauseRight   *bool          `json:"cause_right"`
	KindRight    *bool          `json:"kind_right"`
}

func (a *Assessment) form() *truthForm {
	if a == nil {
		return nil
	}
	f := &truthForm{
		GraceSeconds: a.Grace.Seconds(), FaultsOutside: a.Outside,
		Faults:    api.Forms(a.Faults, FoundFault.form),
		Precision: number(a.precision()), Recall: number(a.recall()),
		DelayMedian: api.Number(math.NaN()), DelayP90: api.Number(math.NaN()),
		CauseAccuracy: number(a.causes()), KindAccuracy: number(a.kinds()), OneIncidentShare: number(a.oneIncident()),
		FalseIncidents: ids(a.False), Services: a.Services, FalsePerServiceMonth: api.Number(a.falsePerServiceMonth()),
	}
	if d := a.delays(); len(d) > 0 {
		f.DelayMedian, f.DelayP90 = seconds(quantile(d, 0.5)), seconds(quantile(d, 0.9))
	}
	return f
}

func (f FoundFault) form() faultJSON {
	form := faultJSON{
		Start: api.Instant(f.Start), End: api.Instant(f.End), Scope: f.Scope,
		Component: api.Reference(f.Component), Kind: api.Reference(f.Kind),
		Incidents: ids(f.Incidents), DelaySeconds: api.Number(math.NaN()),
		CauseRight: answer(f.CauseRight()), KindRight: answer(f.KindRight()),
	}
	if form.Scope == nil {
		form.Scope = model.LabelSet{}
	}
	if f.Found() {
		form.DelaySeconds = seconds(f.Delay())
	}
	return form
}

// answer is nil, which is null, if it is not known.
func answer(yes, known bool) *bool {
	if !known {
		return nil
	}
	return &yes
}

func ids(incidents []incident.Incident) []string {
	return api.Forms(incidents, func(in incident.Incident) string { return in.ID })
}

func number(s share) api.Number          { return api.Number(s.value()) }
func seconds(d time.Duration) api.Number { return api.Number(d.Seconds()) }
