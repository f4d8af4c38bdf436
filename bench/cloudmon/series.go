package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tidemark/score"
)

// series is a labelled series.
type series struct {
	name   string
	times  []int64 // unix seconds, rising
	values []float64

	Group     string     `json:"group"`
	Step      int64      `json:"scrape_interval_s"`
	Delay     int        `json:"delay_k"` // samples
	Incidents []incident `json:"incidents"`
}

// incident is a time that experts call one, in unix seconds.
type incident struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// readAll reads the series below a directory, in the order of their paths.
func readAll(dir string) ([]series, error) {
	var all []series
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "truth.json" {
			return err
		}
		s, err := read(filepath.Dir(path))
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Dir(path), err)
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the series of %s: %w", dir, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no truth.json lies below %s: name the directory that holds a directory for each series", dir)
	}
	return all, nil
}

func read(dir string) (series, error) {
	s := series{name: filepath.Base(dir)}
	truth, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(truth, &s); err != nil {
		return s, fmt.Errorf("truth.json: %w", err)
	}
	if s.Step <= 0 {
		return s, fmt.Errorf("truth.json: scrape_interval_s is %d: write the seconds between two samples", s.Step)
	}
	text, err := os.ReadFile(filepath.Join(dir, "metrics.om"))
	if err != nil {
		return s, err
	}
	if err := s.parse(text); err != nil {
		return s, fmt.Errorf("metrics.om: %w", err)
	}
	slices.SortFunc(s.Incidents, func(a, b incident) int { return int(a.Start - b.Start) })
	return s, nil
}

// parse reads the samples of an OpenMetrics text. Of that format, gauges are
// what the Prometheus text format has, too, but for the unit of the timestamps.
func (s *series) parse(text []byte) error {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if len(families) != 1 {
		return fmt.Errorf("it has %d metrics: write one series", len(families))
	}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			at := m.GetTimestampMs() // seconds, in truth
			if n := len(s.times); n > 0 && at <= s.times[n-1] {
				return fmt.Errorf("%s: timestamp %d is not after the one before, %d: write one series, in order of time", name, at, s.times[n-1])
			}
			value := m.GetUntyped().GetValue()
			if m.Gauge != nil {
				value = m.GetGauge().GetValue()
			}
			s.times, s.values = append(s.times, at), append(s.values, value)
		}
	}
	return nil
}

// judge returns the scores of the samples by tidemark score.
func (s *series) judge(kind score.Kind) ([]float64, error) {
	var in, out bytes.Buffer
	for i, at := range s.times {
		fmt.Fprintf(&in, "%d,%g\n", at, s.values[i])
	}
	step := time.Duration(s.Step) * time.Second
	if err := score.Run(&in, &out, score.Options{Kind: kind, Step: step}); err != nil {
		return nil, err
	}
	records, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		return nil, err
	}
	scores := make([]float64, len(s.times))
	for i, r := range records[1:] {
		if scores[i], err = strconv.ParseFloat(r[2], 64); err != nil {
			return nil, err
		}
	}
	return scores, nil
}
