package scenario

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// sample is a row of samples.csv.
type sample struct {
	identity
	n              int
	at             time.Time
	value, support float64 // NaN if not known
}

// readSamples reads the section samples.csv. Its first row names the columns:
// time, signal and value, support if it is known; every other one is a label,
// which a series that has an empty cell there does not have.
func (in *inputs) readSamples() error {
	s := in.archive.sections[samplesSection]
	if s == nil {
		return nil
	}
	r := csv.NewReader(strings.NewReader(s.text))
	r.Comment = '#'
	r.ReuseRecord = true
	var columns []string
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
			return in.archive.at(s.before+bad.Line, samplesSection, bad.Err)
		}
		n, _ := r.FieldPos(0)
		n += s.before
		if columns == nil {
			columns = slices.Clone(row)
			if err := checkColumns(columns); err != nil {
				return in.archive.at(n, samplesSection, err)
			}
			continue
		}
		one, err := in.sample(columns, row)
		if err != nil {
			return in.archive.at(n, samplesSection, err)
		}
		one.n = n
		in.samples = append(in.samples, one)
	}
}

func checkColumns(columns []string) error {
	for _, name := range []string{"time", "signal", "value"} {
		if !slices.Contains(columns, name) {
			return fmt.Errorf("there is no column %s: write a first row such as time,signal,service,value", name)
		}
	}
	for _, name := range columns {
		if !model.UTF8Validation.IsValidLabelName(name) {
			return fmt.Errorf("column %q is not a label name", name)
		}
	}
	return nil
}

func (in *inputs) sample(columns, row []string) (sample, error) {
	s := sample{identity: identity{labels: model.LabelSet{}}, support: math.NaN()}
	var err error
	for i, cell := range row {
		switch columns[i] {
		case "time":
			s.at, err = in.time(cell)
		case "signal":
			s.signal = strings.Clone(cell)
		case "value":
			s.value, err = number("value", cell)
		case "support":
			s.support, err = number("support", cell)
		default:
			if cell != "" {
				s.labels[model.LabelName(columns[i])] = model.LabelValue(strings.Clone(cell))
			}
		}
		if err != nil {
			return s, err
		}
	}
	if s.signal == "" {
		return s, fmt.Errorf("the signal is missing: write its name")
	}
	return s, nil
}

// time reads a moment, or unix seconds.
func (in *inputs) time(text string) (time.Time, error) {
	if v, err := strconv.ParseInt(text, 10, 64); err == nil && text != "0" {
		return time.Unix(v, 0).UTC(), nil
	}
	m, err := parseMoment(text)
	return m.in(in.times.Start), err
}

// number reads a cell. An empty one is NaN.
func number(column, text string) (float64, error) {
	if text == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s %q is not a number", column, text)
	}
	return v, nil
}
