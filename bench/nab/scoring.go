package main

import (
	"cmp"
	"math"
	"slices"
)

// profile weighs what a detector does right and wrong.
type profile struct {
	name                         string
	truePositive                 float64 // a window found at its very beginning
	falsePositive, falseNegative float64 // a row outside all windows; a window that is missed
}

var profiles = []profile{
	{"standard", 1, 0.11, 1},
	{"reward low FP rate", 1, 0.22, 1},
	{"reward low FN rate", 1, 0.11, 2},
}

const (
	probationShare = 0.15
	probationRows  = 5000 // of longer files the share of so many
)

// span is a window: the first and the last of its rows.
type span struct{ from, to int }

// row is what a detection at one row of a file is worth.
type row struct {
	score  float64 // the detector's
	window int     // that it lies in, −1 if in none
	gain   float64 // in a window: 0–1; outside: −1 to 0
}

// file is a scored file without its probation.
type file struct {
	name string
	rows []row
}

// newFile weighs the rows of a file by where they lie. In a window a detection
// is worth the more the earlier it is: 1 at the left edge, falling along a
// sigmoid to almost 0 at the right one. Shortly after a window a false alarm
// costs little, long after it, or before the first, its full weight.
func newFile(name string, scores []float64, windows []span) file {
	probation := int(math.Min(math.Floor(probationShare*float64(len(scores))), probationShare*probationRows))
	slices.SortFunc(windows, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	f := file{name: name}
	next := 0 // window that row i lies in or before
	for i, s := range scores {
		for next < len(windows) && i > windows[next].to {
			next++
		}
		if i < probation {
			continue
		}
		r := row{score: s, window: -1}
		switch {
		case next < len(windows) && i >= windows[next].from:
			w := windows[next]
			r.window = next
			r.gain = sigmoid(-float64(w.to-i+1)/float64(w.to-w.from+1)) / sigmoid(-1)
		case next == 0:
			r.gain = -1
		default:
			w := windows[next-1]
			r.gain = sigmoid(float64(i-w.to) / float64(w.to-w.from))
		}
		f.rows = append(f.rows, r)
	}
	return f
}

// sigmoid returns the worth of a detection at a position relative to a window:
// −1 is its left edge, 0 its right one, and from 3 on it is forgotten.
func sigmoid(position float64) float64 {
	if position >= 3 {
		return -1
	}
	return 2/(1+math.Exp(5*position)) - 1
}

// windows returns how many windows the file has.
func (f file) windows() int {
	seen := map[int]bool{}
	for _, r := range f.rows {
		if r.window >= 0 {
			seen[r.window] = true
		}
	}
	return len(seen)
}

// result is what a threshold is worth.
type result struct {
	threshold float64
	raw       float64
	found     int // windows
	falseRows int
}

// normalised returns the score by which detectors are compared: 0 for one that
// never alarms, 100 for one that is perfect.
func (r result) normalised(windows int, p profile) float64 {
	n := float64(windows)
	return 100 * (r.raw + n*p.falseNegative) / (n * (p.truePositive + p.falseNegative))
}

// at returns what the file is worth if every row whose score is at least the
// threshold is a detection. Of a window counts its best detection.
func (f file) at(threshold float64, p profile) result {
	r := result{threshold: threshold}
	best := map[int]float64{}
	for _, row := range f.rows {
		switch {
		case row.score < threshold:
		case row.window < 0:
			r.raw += row.gain * p.falsePositive
			r.falseRows++
		default:
			best[row.window] = math.Max(best[row.window], row.gain)
		}
	}
	r.found = len(best)
	for _, gain := range best {
		r.raw += gain * p.truePositive
	}
	r.raw -= float64(f.windows()-r.found) * p.falseNegative
	return r
}

// optimum returns the best result of any single threshold for all files.
func optimum(files []file, p profile) result {
	type detection struct {
		file int
		row
	}
	var all []detection
	total := result{threshold: math.Inf(1)}
	for i, f := range files {
		total.raw -= float64(f.windows()) * p.falseNegative
		for _, r := range f.rows {
			all = append(all, detection{i, r})
		}
	}
	slices.SortStableFunc(all, func(a, b detection) int { return cmp.Compare(b.score, a.score) })

	type windowOf struct{ file, window int }
	best := total
	gains := map[windowOf]float64{}
	for i, d := range all {
		total.threshold = d.score
		if d.window < 0 {
			total.raw += d.gain * p.falsePositive
			total.falseRows++
		} else {
			key := windowOf{d.file, d.window}
			before, found := gains[key]
			if !found {
				total.found++
				total.raw += p.falseNegative
			}
			gains[key] = math.Max(before, d.gain)
			total.raw += (gains[key] - before) * p.truePositive
		}
		if last := i+1 == len(all) || all[i+1].score != d.score; last && total.raw > best.raw {
			best = total
		}
	}
	return best
}
