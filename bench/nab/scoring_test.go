package main

import (
	"math"
	"testing"
)

// scored returns the scores of n rows, 1 at the given ones and 0 elsewhere.
func scored(n int, detections ...int) []float64 {
	s := make([]float64, n)
	for _, i := range detections {
		s[i] = 1
	}
	return s
}

func TestScoring(t *testing.T) {
	windows := []span{{200, 299}, {600, 699}}
	standard := profiles[0]
	s := func(x float64) float64 { return 2/(1+math.Exp(5*x)) - 1 }
	for _, tc := range []struct {
		name       string
		detections []int
		raw        float64
		normalised float64
	}{
		{"none", nil, -2, 0},
		{"perfect", []int{200, 600}, 2, 100},
		{"one of two", []int{600}, 0, 50},
		{"middle of a window", []int{250, 600}, 1 + s(-0.5)/s(-1), 25 * (3 + s(-0.5)/s(-1))},
		{"the earliest in a window counts", []int{290, 250, 600, 650}, 1 + s(-0.5)/s(-1), 25 * (3 + s(-0.5)/s(-1))},
		{"before all windows", []int{180, 200, 600}, 2 - 0.11, 25 * (4 - 0.11)},
		{"far behind a window", []int{200, 600, 999}, 2 - 0.11, 25 * (4 - 0.11)},
		{"just behind a window", []int{200, 305, 600}, 2 + 0.11*s(6.0/99), 25 * (4 + 0.11*s(6.0/99))},
		{"in the probation", []int{0, 149, 200, 600}, 2, 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFile("x", scored(1000, tc.detections...), windows)
			if got := f.at(0.5, standard).raw; math.Abs(got-tc.raw) > 1e-9 {
				t.Errorf("raw score: got %g, want %g", got, tc.raw)
			}
			if got := f.at(0.5, standard).normalised(2, standard); math.Abs(got-tc.normalised) > 1e-9 {
				t.Errorf("normalised score: got %g, want %g", got, tc.normalised)
			}
		})
	}
}

func TestOptimumIsTheBestThreshold(t *testing.T) {
	files := []file{
		newFile("a", []float64{0, 0, 0, 0, .9, .4, 0, 0, .3, .3}, []span{{4, 6}}),
		newFile("b", []float64{0, 0, .7, .6, 0, .4, 0, .2, 0, .1}, []span{{5, 8}}),
	}
	for _, p := range profiles {
		best := optimum(files, p)
		for _, threshold := range []float64{1, .9, .7, .6, .4, .3, .2, .1, 0} {
			raw := 0.0
			for _, f := range files {
				raw += f.at(threshold, p).raw
			}
			if raw > best.raw+1e-9 {
				t.Errorf("%s: threshold %g gives %g, the optimum %g gives %g", p.name, threshold, raw, best.threshold, best.raw)
			}
			if threshold == best.threshold && math.Abs(raw-best.raw) > 1e-9 {
				t.Errorf("%s: the optimum claims %g, it is %g", p.name, best.raw, raw)
			}
		}
	}
}
