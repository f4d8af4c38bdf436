package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tidemark/detector"
)

// history is what the detector said of each sample of a figure.
type history struct {
	judged  []detector.Judgement
	learned time.Time // of the first sample that was judged

	// Of the first anomaly that was called during the figure's event; zero if
	// there is none, and over if it lasts to the end.
	called, onset, over time.Time

	early int // anomalies that were called before the event
}

// watch shows the detector the figure's samples.
func (f figure) watch(seed uint64) (history, error) {
	d, err := detector.New(detector.Options{
		Kind: f.signal.Kind, Direction: f.signal.Direction, Step: step, MinEffect: f.effect, Conditioned: f.given,
	})
	if err != nil {
		return history{}, err
	}
	var h history
	wrong := false
	for _, s := range (shop{seed: seed, volume: f.volume, changes: slices.Concat(f.before, []change{f.event})}).run(f.until) {
		sample := f.sample(s)
		sample.Time = s.at
		j := d.Update(sample)
		h.judged = append(h.judged, j)
		if h.learned.IsZero() && j.State != detector.Learning {
			h.learned = s.at
		}
		before := wrong
		wrong = j.Direction != ""
		switch {
		case before && !wrong && !h.called.IsZero() && h.over.IsZero():
			h.over = s.at
		case before || !wrong:
		case s.at.Before(monday.Add(f.event.from)):
			h.early++
		case h.called.IsZero() && f.event.covers(s.at.Sub(monday)):
			h.called, h.onset = s.at, j.Since
		}
	}
	return h, nil
}

// samples is with which of the event's samples it was called, from 1; NaN if it
// was not.
func (h history) samples(c change) float64 {
	if h.called.IsZero() {
		return math.NaN()
	}
	return float64(h.called.Sub(monday.Add(c.from))/step) + 1
}

// summary says in a line what is seen.
func (h history) summary(c change) string {
	const clock = "15:04"
	said := []string{"tidemark stays silent."}
	if !h.called.IsZero() {
		said = []string{
			fmt.Sprintf("Found with sample %.0f of it.", h.samples(c)),
			fmt.Sprintf("It began at %s, estimated onset %s.", monday.Add(c.from).Format(clock), h.onset.Format(clock)),
		}
		if !h.over.IsZero() {
			said = append(said, "Over at "+h.over.Format(clock)+".")
		}
	}
	switch h.early {
	case 0:
		said = append(said, "No alarm before.")
	case 1:
		said = append(said, "1 alarm before.")
	default:
		said = append(said, fmt.Sprintf("%d alarms before.", h.early))
	}
	return strings.Join(said, " ")
}
