package main

import (
	"fmt"
	"math"
	"strings"
	"sync"
)

// key names a cell of the table.
type key struct {
	signal, contender, effect int
	volume                    int
}

// table prints, for each signal and contender, the false alarms per series and
// month and what is found of each fault, by volume.
func table(s settings) {
	ws := s.signals()
	cells := map[key]outcome{}
	var mu sync.Mutex
	put := func(k key, o outcome) {
		mu.Lock()
		defer mu.Unlock()
		c := cells[k]
		c.add(o)
		cells[k] = c
	}
	p := newPool(s.parallel)
	for v, volume := range volumes {
		for seed := range s.seeds {
			p.run(func() { quietTrial(s, ws, v, volume, s.first+uint64(seed), put) })
			p.run(func() { faultTrials(s, ws, v, volume, s.first+uint64(seed), put) })
		}
	}
	p.wg.Wait()
	fmt.Printf("%d seeds, %d weeks, step %s, rates over %d steps, sensitivity %g; volumes %g/s\n", s.seeds, s.weeks, s.step, s.smooth, s.sensitivity, volumes)
	fmt.Println("false alarms per series and month; recall % (within 5 samples; median delay in samples)")
	for i, w := range ws {
		printSignal(w, i, s, cells)
	}
}

func (s settings) contenders(w watched) []contender {
	cs := contenders(w, s.sensitivity)
	if s.alone {
		cs = cs[:1]
	}
	return cs
}

func quietTrial(s settings, ws []watched, v int, volume float64, seed uint64, put func(key, outcome)) {
	t := s.trial(seed, volume)
	slots := t.stack.run()
	for i, w := range ws {
		for c, con := range s.contenders(w) {
			put(key{i, c, -1, v}, t.falseAlarms(slots, w, con.make(w, s.step)))
		}
	}
}

// faultTrials runs one trial for each kind of fault; signals that share a fault
// share the trial.
func faultTrials(s settings, ws []watched, v int, volume float64, seed uint64, put func(key, outcome)) {
	runs := map[change][]slot{}
	for i, w := range ws {
		for e, ef := range w.effects {
			t := s.trial(1000+seed, volume).withFaults(ef.change)
			slots := runs[ef.change]
			if slots == nil {
				slots = t.stack.run()
				runs[ef.change] = slots
			}
			for c, con := range s.contenders(w) {
				put(key{i, c, e, v}, t.detections(slots, w, con.make(w, s.step)))
			}
		}
	}
}

func printSignal(w watched, i int, s settings, cells map[key]outcome) {
	fmt.Printf("\n%s\n", w.name)
	for c, con := range s.contenders(w) {
		var row []string
		for v := range volumes {
			row = append(row, fmt.Sprintf("%.2f", cells[key{i, c, -1, v}].perMonth()))
		}
		fmt.Printf("  %-18s FA %-18s", con.name, strings.Join(row, " / "))
		for e, ef := range w.effects {
			row = row[:0]
			for v := range volumes {
				o := cells[key{i, c, e, v}]
				row = append(row, fmt.Sprintf("%.0f (%.0f;%s)", 100*o.recall(), 100*o.soon(5), samples(o.median())))
			}
			fmt.Printf(" | %s: %s", ef.name, strings.Join(row, " / "))
		}
		fmt.Println()
	}
}

func samples(n float64) string {
	if math.IsNaN(n) {
		return "–"
	}
	return fmt.Sprintf("%.0f", n+1)
}
