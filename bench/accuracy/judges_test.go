package main

import (
	"math"
	"slices"
	"testing"
	"time"

	"tidemark/detector"
)

func TestMomentsAndMedianAreThoseOfTheWindow(t *testing.T) {
	m, s := newMoments(5), newSorted(5)
	var all []float64
	for i := range 200 {
		x := math.Mod(float64(i)*7.3, 11)
		if i%7 == 0 {
			x = math.NaN()
		}
		all = append(all, x)
		m.push(x)
		s.push(x)
		window := slices.Clone(all[max(0, len(all)-5):])
		window = slices.DeleteFunc(window, math.IsNaN)
		slices.Sort(window)
		n := float64(len(window))
		if n == 0 {
			continue
		}
		sum, sum2 := 0.0, 0.0
		for _, v := range window {
			sum += v
			sum2 += v * v
		}
		median := (window[(len(window)-1)/2] + window[len(window)/2]) / 2
		sd := math.Sqrt(math.Max(0, sum2/n-sum*sum/n/n))
		if math.Abs(m.mean()-sum/n) > 1e-9 || math.Abs(m.sd()-sd) > 1e-6 || s.median() != median {
			t.Fatalf("sample %d: mean %g, sd %g, median %g, want %g, %g, %g", i, m.mean(), m.sd(), s.median(), sum/n, sd, median)
		}
	}
}

// TestGrafanaBands checks the bands where they are known: of a constant series
// the margin of 50 % is the widest, and an hour's mean and median follow late.
func TestGrafanaBands(t *testing.T) {
	w := watched{options: detector.Options{Direction: detector.Both}}
	for _, tc := range []struct {
		name    string
		judge   judge
		value   float64
		minutes int
		want    bool
	}{
		{"adaptive, inside the margin", newAdaptive(w, time.Minute), 1.45, 10, false},
		{"adaptive, beyond the margin", newAdaptive(w, time.Minute), 1.7, 3, true},
		{"robust, inside the margin", newRobust(w, time.Minute), 1.45, 50, false},
		{"robust, beyond the margin, half an hour", newRobust(w, time.Minute), 1.7, 29, false},
		{"robust, beyond the margin, longer", newRobust(w, time.Minute), 1.7, 31, true},
	} {
		at := begin
		alarm := func(v float64) bool {
			at = at.Add(time.Minute)
			return tc.judge.alarm(detector.Sample{Time: at, Value: v})
		}
		for range 2 * 1440 {
			if alarm(1) {
				t.Fatalf("%s: a constant series alarms", tc.name)
			}
		}
		got := false
		for range tc.minutes {
			got = alarm(tc.value)
		}
		if got != tc.want {
			t.Errorf("%s: alarm %t, want %t", tc.name, got, tc.want)
		}
	}
}

func TestPendingNeedsToLast(t *testing.T) {
	w := watched{options: detector.Options{Direction: detector.Up}}
	j := lasting(newSigma(w, time.Hour, time.Minute), time.Minute)
	for i := range 60 {
		j.alarm(detector.Sample{Value: 1 + 0.01*float64(i%2)})
	}
	alarms := 0
	for i := range 6 {
		if j.alarm(detector.Sample{Value: 2 + float64(i)*10}) {
			alarms++
		}
	}
	if alarms != 1 {
		t.Errorf("%d alarms in 6 minutes, want 1: in the last", alarms)
	}
}

func TestStackIsWhatItSays(t *testing.T) {
	s := settings{step: time.Minute, weeks: 1}
	tr := s.trial(1, 50)
	from := tr.from + 600
	tr.stack.faults = []change{{from: from, until: from + 60, latency: 2, errors: 5, queries: 2, hits: 0.6}}
	slots := tr.stack.run()
	mean := func(from, until int, f func(slot) float64) float64 {
		sum, n := 0.0, 0.0
		for _, sl := range slots[from:until] {
			if v := f(sl); !math.IsNaN(v) {
				sum += v
				n++
			}
		}
		return sum / n
	}
	for _, tc := range []struct {
		name          string
		f             func(slot) float64
		normal, fault float64
	}{
		{"hit ratio", func(s slot) float64 { return s.hitRatio }, 0.9, 0.6},
		{"error ratio", func(s slot) float64 { return s.errorRatio }, 0.005, 0.025},
		{"queries per request", func(s slot) float64 { return s.queries / s.requests }, 1.05, 2.1},
	} {
		if got := mean(0, tr.from, tc.f); math.Abs(got/tc.normal-1) > 0.1 {
			t.Errorf("%s is %g on average, want %g", tc.name, got, tc.normal)
		}
		if got := mean(from, from+60, tc.f); math.Abs(got/tc.fault-1) > 0.15 {
			t.Errorf("%s is %g in the fault, want %g", tc.name, got, tc.fault)
		}
	}
	again := tr.stack.run()
	for i := range slots {
		if a, b := slots[i], again[i]; a.requests != b.requests && !math.IsNaN(a.requests) {
			t.Fatalf("the same seed gives another run at %d: %g, %g", i, a.requests, b.requests)
		}
	}
}
