package scenario

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"
	"golang.org/x/tools/txtar"

	"tidemark/detector"
	"tidemark/engine"
	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
	"tidemark/topology"
)

// telling is the text of a scenario in the making.
type telling struct {
	Recording
	*Recorder
	kept  map[string][]*line // by signal
	alias func(model.LabelName, model.LabelValue) model.LabelValue
}

// text returns the scenario file that will lie in dir.
func (t *telling) text(dir string) (string, error) {
	a := &txtar.Archive{Comment: fmt.Appendf(nil, "Recorded from %s to %s. The incidents are those of then, to the second:\nwiden within and resolved_by where they may differ.\n\n", show(t.Start), show(t.grid.End()))}
	for _, s := range []struct {
		name string
		of   func() (any, error)
	}{
		{timesSection, t.times},
		{configSection, func() (any, error) { return t.configuration(dir) }},
		{expectedSection, t.expected},
	} {
		section, err := s.of()
		if err != nil {
			return "", err
		}
		text, err := yaml.Marshal(section)
		if err != nil {
			return "", fmt.Errorf("section %s: %w", s.name, err)
		}
		a.Files = append(a.Files, txtar.File{Name: s.name, Data: text})
	}
	for _, s := range []struct {
		name string
		of   func(*line) []float64
	}{
		{seriesSection, func(l *line) []float64 { return l.values }},
		{supportSection, func(l *line) []float64 { return l.support }},
	} {
		if text := t.series(s.of); text != "" {
			a.Files = append(a.Files, txtar.File{Name: s.name, Data: []byte(text)})
		}
	}
	return string(txtar.Format(a)), nil
}

type timesForm struct {
	Start   string       `yaml:"start"`
	History string       `yaml:"history"`
	Length  string       `yaml:"length"`
	Outages []outageForm `yaml:"outages,omitempty"`
}

type outageForm struct {
	From    string   `yaml:"from"`
	To      string   `yaml:"to"`
	Signals []string `yaml:"signals,omitempty"`
}

func (t *telling) times() (any, error) {
	form := timesForm{
		Start:   show(t.Start),
		History: model.Duration(t.Start.Sub(t.grid.Start)).String(),
		Length:  model.Duration(t.grid.End().Sub(t.Start)).String(),
	}
	for _, b := range t.blind {
		o := outageForm{From: t.moment(b.from), To: t.moment(b.to)}
		if b.signal != "" {
			o.Signals = []string{b.signal}
		}
		form.Outages = append(form.Outages, o)
	}
	return form, nil
}

// moment writes a time as its distance from the start.
func (t *telling) moment(at time.Time) string {
	d := at.Sub(t.Start)
	if d < 0 {
		return "-" + model.Duration(-d).String()
	}
	return model.Duration(d).String()
}

type configForm struct {
	Global    engine.Config `yaml:"global"`
	RuleFiles []string      `yaml:"rule_files,omitempty"`
	Signals   []signalForm  `yaml:"signals"`

	Topology *topology.Config `yaml:"topology,omitempty"`
}

// signalForm is a signal without its queries, whose empty scope and load are
// told.
type signalForm struct {
	Name        string              `yaml:"name"`
	Title       string              `yaml:"title"`
	Unit        string              `yaml:"unit,omitempty"`
	Kind        detector.Kind       `yaml:"kind"`
	Component   signal.Component    `yaml:"component"`
	Direction   detector.Direction  `yaml:"direction"`
	Scope       []string            `yaml:"scope"`
	Given       string              `yaml:"given,omitempty"`
	MinEffect   *detector.MinEffect `yaml:"min_effect"`
	Sensitivity float64             `yaml:"sensitivity,omitempty"`
	Step        model.Duration      `yaml:"step"`
	Window      model.Duration      `yaml:"window"`
}

func (t *telling) configuration(dir string) (any, error) {
	form := configForm{Global: t.config.Global}
	form.Global.ExternalLabels = nil // no rule sees them
	var err error
	if file := form.Global.HolidaysFile; file != "" {
		if form.Global.HolidaysFile, err = t.path(dir, file); err != nil {
			return nil, err
		}
	}
	for _, file := range t.config.RuleFiles {
		file, err := t.path(dir, file)
		if err != nil {
			return nil, err
		}
		form.RuleFiles = append(form.RuleFiles, file)
	}
	form.Topology = t.topology()
	for _, s := range t.config.Signals {
		if s.Kind == signal.Edges {
			continue
		}
		one := signalForm{s.Name, s.Title, s.Unit, s.Kind, s.Component, s.Direction, s.Scope, s.Given, s.MinEffect, s.Sensitivity, s.Step, s.Window}
		if s.Given == "" && signal.Standard[s.Name].Given != "" && s.Kind != detector.Ratio && s.Judged() {
			one.Given = signal.NoGiven
		}
		form.Signals = append(form.Signals, one)
	}
	return form, nil
}

// path returns a path of the configuration as seen from dir.
func (t *telling) path(dir, path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(filepath.Join(t.ConfigDir, path))
	if err != nil {
		return "", err
	}
	return filepath.Rel(from, to)
}

type expectedForm struct {
	Incidents []incidentForm `yaml:"incidents"`
}

type incidentForm struct {
	Rule       string           `yaml:"rule"`
	Scope      model.LabelSet   `yaml:"scope"`
	Suspect    signal.Component `yaml:"suspect"`
	Severity   rules.Severity   `yaml:"severity"`
	Fires      string           `yaml:"fires"`
	Within     string           `yaml:"within"`
	ResolvedBy string           `yaml:"resolved_by,omitempty"`
}

func (t *telling) expected() (any, error) {
	form := expectedForm{Incidents: []incidentForm{}}
	for _, in := range t.Fired {
		one := incidentForm{in.Verdict.Rule, t.aliased(in.Verdict.Scope), in.Verdict.Suspect, in.Verdict.Severity, t.moment(in.FiredAt), "0s", ""}
		if !in.ResolvedAt.IsZero() {
			one.ResolvedBy = t.moment(in.ResolvedAt)
		}
		form.Incidents = append(form.Incidents, one)
	}
	return form, nil
}

func (t *telling) aliased(labels model.LabelSet) model.LabelSet {
	out := make(model.LabelSet, len(labels))
	for name, v := range labels {
		out[name] = t.alias(name, v)
	}
	return out
}

// series writes a line for each series, from its first value to its last.
func (t *telling) series(of func(*line) []float64) string {
	var b strings.Builder
	for _, s := range t.config.Signals {
		for _, l := range t.kept[s.Name] {
			values := of(l)
			first := slices.IndexFunc(values, series.Finite)
			if first < 0 {
				continue
			}
			last := len(values)
			for !series.Finite(values[last-1]) {
				last--
			}
			fmt.Fprintf(&b, "%s %s%s '%s'\n", t.moment(t.grid.At(first)), s.Name, quoted(t.aliased(l.labels)), Notation(values[first:last]))
		}
	}
	return b.String()
}

// quoted writes labels in the notation of PromQL.
func quoted(labels model.LabelSet) string {
	parts := make([]string, 0, len(labels))
	for name, v := range labels {
		text := string(name)
		if !model.LegacyValidation.IsValidLabelName(text) {
			text = strconv.Quote(text)
		}
		parts = append(parts, text+"="+strconv.Quote(string(v)))
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ",") + "}"
}
