// Package scenario replays stories that are written down in files, and says
// whether the rules told them right: which incidents fired and when, and that
// nothing else did.
//
// Vocabulary: a scenario is one file: samples, the changes among them, and what
// is expected. Its start is when judging begins, its history what is learned from
// before, its end the last slot that is judged. A moment is a point of time,
// mostly written as a distance from the start. A baseline is what a series shows
// while nothing is wrong, drawn from a seed; a factor is by how much a fault
// moves it.
//
// The engine is the one of the service. It learns the history, then evaluates
// slot by slot, and knows nothing of what comes later. The package reaches
// nothing but the files that a scenario names, and what it finds depends on them
// alone.
package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/config"
	"tidemark/series"
)

// Ext is how the names of scenario files end.
const Ext = ".txtar"

// Scenario is a file that was read and checked.
type Scenario struct {
	File string

	config *config.Config
	times  times
	data   *data
	expect expectations
}

// The sections of a file. Every one but the last may be missing.
const (
	timesSection    = "scenario.yml"
	configSection   = "config.yml"
	seriesSection   = "series"
	supportSection  = "support"
	factorsSection  = "factors"
	samplesSection  = "samples.csv"
	changesSection  = "changes"
	expectedSection = "expect.yml"
)

// times is the section scenario.yml: when the story plays, and what its series
// show while nothing is wrong.
type times struct {
	// Start is the first slot that is judged.
	Start time.Time `yaml:"-"`
	// History is how long before it learning begins.
	History model.Duration `yaml:"history"`
	// Window is the time that the samples are averages over; 0 is one step.
	Window model.Duration `yaml:"window"`
	// Length is how far after the start the last slot lies.
	Length model.Duration `yaml:"length"`

	// Seed is where the random numbers of the baselines begin.
	Seed     uint64     `yaml:"seed"`
	Baseline []baseline `yaml:"baseline"`
	Outages  []outage   `yaml:"outages"`

	StartText string `yaml:"start"`
}

// outage is a time in which signals cannot be read, or nothing can.
type outage struct {
	From    moment   `yaml:"from"`
	To      moment   `yaml:"to"`
	Signals []string `yaml:"signals"` // all if empty
}

// defaultStart is a Wednesday at noon.
var defaultStart = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *times) UnmarshalYAML(unmarshal func(any) error) error {
	*t = times{Start: defaultStart, Length: model.Duration(2 * time.Hour)}
	type plain times
	if err := unmarshal((*plain)(t)); err != nil {
		return err
	}
	if t.StartText != "" {
		var err error
		if t.Start, err = time.Parse(time.RFC3339, t.StartText); err != nil {
			return fmt.Errorf("start %q: write RFC 3339 such as 2026-03-04T12:00:00Z", t.StartText)
		}
	}
	if t.History < 0 || t.Length < 0 {
		return fmt.Errorf("history or length is negative: write durations such as 3d and 2h")
	}
	return nil
}

// Load reads and checks a scenario file. The error names the file and the line
// or the section.
func Load(file string) (*Scenario, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	a, err := open(file, text)
	if err != nil {
		return nil, err
	}
	s := &Scenario{File: file}
	if err := a.decode(timesSection, &s.times, "{}"); err != nil {
		return nil, err
	}
	in, err := a.inputs(&s.times)
	if err != nil {
		return nil, err
	}
	if s.config, err = config.Offline(file, a.padded(configSection), filepath.Dir(file), in.names(), time.Duration(s.times.Window)); err != nil {
		return nil, err
	}
	if s.data, err = in.fill(s.config, &s.times); err != nil {
		return nil, err
	}
	if err := s.checkOutages(a); err != nil {
		return nil, err
	}
	if a.sections[expectedSection] == nil {
		return nil, fmt.Errorf("%s: section %s is missing: write it, with \"incidents: []\" if nothing may fire", file, expectedSection)
	}
	if err := a.decode(expectedSection, &s.expect, ""); err != nil {
		return nil, err
	}
	if err := s.expect.check(s.config.Rules); err != nil {
		return nil, a.wrong(expectedSection, err)
	}
	return s, nil
}

func (s *Scenario) checkOutages(a *archive) error {
	for i, o := range s.times.Outages {
		for _, name := range o.Signals {
			if _, ok := s.data.signals[name]; !ok {
				return a.wrong(timesSection, fmt.Errorf("outages[%d]: there is no signal %q: write one of %s", i, name, s.data.known()))
			}
		}
	}
	return nil
}

// grid returns the slots of history and of what is judged. The start must be a
// slot.
func (t *times) grid(step time.Duration) (series.Grid, error) {
	if aligned := series.Align(t.Start, step); !aligned.Equal(t.Start) {
		return series.Grid{}, fmt.Errorf("start %s is no multiple of the evaluation interval %s: write %s",
			show(t.Start), model.Duration(step), show(aligned))
	}
	if slots := (t.History + t.Length) / model.Duration(step); slots > mostSlots {
		return series.Grid{}, fmt.Errorf("history and length are %d slots of %s: write at most %d", slots, model.Duration(step), mostSlots)
	}
	return series.Span(t.Start.Add(-time.Duration(t.History)), t.Start.Add(time.Duration(t.Length)), step), nil
}

// mostSlots bounds the memory of a scenario. It is a week of seconds.
const mostSlots = 7 * 24 * 3600

func (o outage) holds(ts, start time.Time) bool {
	return !ts.Before(o.From.in(start)) && ts.Before(o.To.in(start))
}

// of reports whether the outage is one of the signal.
func (o outage) of(name string) bool { return slices.Contains(o.Signals, name) }

func show(t time.Time) string { return t.UTC().Format(time.RFC3339) }
