package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"tidemark/score"
)

// judge scores a file as tidemark score does, and marks the rows in its windows.
func judge(path, name string, limits [][2]string, kind score.Kind) (file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return file{}, err
	}
	step, err := stepOf(text)
	if err != nil {
		return file{}, err
	}
	var judged bytes.Buffer
	if err := score.Run(bytes.NewReader(text), &judged, score.Options{Kind: kind, Step: step}); err != nil {
		return file{}, err
	}
	records, err := csv.NewReader(&judged).ReadAll()
	if err != nil {
		return file{}, err
	}
	var times []string
	var scores []float64
	for _, r := range records[1:] {
		s, err := strconv.ParseFloat(r[2], 64)
		if err != nil {
			return file{}, err
		}
		times, scores = append(times, r[0]), append(scores, s)
	}
	var windows []span
	for _, l := range limits {
		from, to := slices.Index(times, timestamp(l[0])), slices.Index(times, timestamp(l[1]))
		if from < 0 || to < from {
			return file{}, fmt.Errorf("window %s–%s has no rows", l[0], l[1])
		}
		windows = append(windows, span{from, to})
	}
	return newFile(name, scores, windows), nil
}

// timestamp returns a limit of a window as the files write it: labels have
// microseconds.
func timestamp(limit string) string {
	if t, err := time.Parse("2006-01-02 15:04:05.000000", limit); err == nil {
		return t.Format(time.DateTime)
	}
	return limit
}

// stepOf returns the usual distance between the rows of a file.
func stepOf(text []byte) (time.Duration, error) {
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return 0, err
	}
	var steps []time.Duration
	var last time.Time
	for _, r := range records[1:] {
		at, err := time.Parse(time.DateTime, r[0])
		if err != nil {
			return 0, err
		}
		if !last.IsZero() {
			steps = append(steps, at.Sub(last))
		}
		last = at
	}
	if len(steps) == 0 {
		return 0, fmt.Errorf("%d rows are too few", len(records)-1)
	}
	slices.Sort(steps)
	return steps[len(steps)/2], nil
}
