package backtest

import (
	"encoding/json"
	"io"

	"tidemark/api"
	"tidemark/incident"
)

// reportForm is a report in JSON. Its field names are a contract.
type reportForm struct {
	Incidents []api.Incident `json:"incidents"`
	Anomalies []api.Anomaly  `json:"anomalies"`
	Stats     statsForm      `json:"stats"`
	Truth     *truthForm     `json:"truth,omitempty"`   // only if there are faults to compare with
	WhatIf    []whatIfForm   `json:"what_if,omitempty"` // only if asked for
	Compare   *compareForm   `json:"compare,omitempty"` // only with another configuration
}

type statsForm struct {
	Start           api.Instant   `json:"start"`
	End             api.Instant   `json:"end"`
	StepSeconds     float64       `json:"step_seconds"`
	Slots           int           `json:"slots"`
	Series          int           `json:"series"`
	Samples         int           `json:"samples"`
	Services        int           `json:"services"`
	Signals         []signalForm  `json:"signals"`
	DataStart       api.Instant   `json:"data_start"`
	DataEnd         api.Instant   `json:"data_end"`
	HistoryStart    api.Instant   `json:"history_start"`
	HistorySamples  int           `json:"history_samples"`
	Chunks          int           `json:"chunks"`
	SkippedChunks   int           `json:"skipped_chunks"`
	SkippedSlots    int           `json:"skipped_slots"`
	SkippedBecause  api.Reference `json:"skipped_because"`
	Partial         bool          `json:"partial"`
	Queries         int           `json:"queries"`
	RecalledQueries int           `json:"recalled_queries"`
	DurationSeconds float64       `json:"duration_seconds"`
	ReadingSeconds  float64       `json:"reading_seconds"`
	JudgingSeconds  float64       `json:"judging_seconds"`
}

type signalForm struct {
	Name       string        `json:"name"`
	Series     int           `json:"series"`
	Samples    int           `json:"samples"`
	BlindSlots int           `json:"blind_slots"`
	Error      api.Reference `json:"error"`
}

// WriteJSON writes the report as one JSON object, with the incidents and
// anomalies as in the HTTP API.
func (r *Report) WriteJSON(w io.Writer) error {
	s := r.Stats
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(reportForm{
		Truth: r.Truth.form(), WhatIf: r.WhatIf.forms(), Compare: r.Comparison.form(),
		Incidents: incidentForms(r.Incidents), Anomalies: anomalyForms(r.Anomalies),
		Stats: statsForm{
			Start: api.Instant(s.Start), End: api.Instant(s.End), StepSeconds: s.Step.Seconds(),
			Slots: s.Slots, Series: s.Series, Samples: s.Samples, Services: s.Services,
			Signals: api.Forms(s.Signals, func(sig SignalStats) signalForm {
				return signalForm{sig.Name, sig.Series, sig.Samples, sig.BlindSlots, textOf(sig.Err)}
			}),
			DataStart: api.Instant(s.DataStart), DataEnd: api.Instant(s.DataEnd),
			HistoryStart: api.Instant(s.HistoryStart), HistorySamples: s.HistorySamples,
			Chunks: s.Chunks, SkippedChunks: s.SkippedChunks, SkippedSlots: s.SkippedSlots, SkippedBecause: textOf(s.SkippedWhy),
			Partial: s.Partial, Queries: s.Queries, RecalledQueries: s.Recalled,
			DurationSeconds: s.Duration.Seconds(), ReadingSeconds: s.Reading.Seconds(), JudgingSeconds: s.Judging.Seconds(),
		},
	})
}

func incidentForms(incidents []incident.Incident) []api.Incident {
	return api.Forms(incidents, func(in incident.Incident) api.Incident { return api.IncidentOf(in, in.Verdict.Runbook) })
}

func anomalyForms(anomalies []incident.Anomaly) []api.Anomaly {
	return api.Forms(anomalies, func(a incident.Anomaly) api.Anomaly { return api.AnomalyOf(a, a.Active()) })
}

func textOf(err error) api.Reference {
	if err == nil {
		return ""
	}
	return api.Reference(err.Error())
}
