package main

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	warmWeeks    = 3                // before anything is counted
	faultMinutes = 60               // long is each fault
	apart        = 30 * time.Minute // between two false alarms
)

// trial is a run of a stack that is judged.
type trial struct {
	stack stack
	from  int // step from which it counts
}

// begin is a Monday.
var begin = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func (s settings) trial(seed uint64, volume float64) trial {
	perWeek := int(7 * 24 * time.Hour / s.step)
	return trial{
		stack: stack{
			seed: seed, volume: volume, start: begin, step: s.step, smooth: s.smooth,
			length: (warmWeeks + s.weeks) * perWeek,
		},
		from: warmWeeks * perWeek,
	}
}

// months is how long the trial counts.
func (t trial) months() float64 {
	return (time.Duration(t.stack.length-t.from) * t.stack.step).Hours() / (30 * 24)
}

// withFaults puts a fault into the trial about every three days, at varying
// hours.
func (t trial) withFaults(c change) trial {
	every := int(71 * time.Hour / t.stack.step)
	long := int(faultMinutes * time.Minute / t.stack.step)
	for at := t.from + every/4; at+long < t.stack.length; at += every {
		c.from, c.until = at, at+long
		t.stack.faults = append(t.stack.faults, c)
	}
	return t
}

// outcome adds up over trials.
type outcome struct {
	months float64
	alarms int     // episodes in trials without faults
	firing float64 // months in them
	faults int
	found  int
	delays []float64 // in samples, of the faults that were found
}

func (o *outcome) add(p outcome) {
	o.months += p.months
	o.alarms += p.alarms
	o.faults += p.faults
	o.found += p.found
	o.firing += p.firing
	o.delays = append(o.delays, p.delays...)
}

func (o outcome) perMonth() float64 { return float64(o.alarms) / o.months }

// often tells the alarms per month and the share of the time that they lasted.
func (o outcome) often() string {
	return fmt.Sprintf("%.2f (%.1f)", o.perMonth(), 100*o.firing/o.months)
}

func (o outcome) recall() float64 { return float64(o.found) / float64(o.faults) }

// soon is the share of the faults that were found within n samples.
func (o outcome) soon(n int) float64 {
	k := 0
	for _, d := range o.delays {
		if d < float64(n) {
			k++
		}
	}
	return float64(k) / float64(o.faults)
}

func (o outcome) median() float64 {
	if len(o.delays) == 0 {
		return math.NaN()
	}
	slices.Sort(o.delays)
	return o.delays[len(o.delays)/2]
}

// falseAlarms counts the episodes of alarms that are more than half an hour
// apart.
func (t trial) falseAlarms(slots []slot, w watched, j judge) outcome {
	out := outcome{months: t.months()}
	last := -int(1 << 30)
	limit := int(apart / t.stack.step)
	for i, s := range slots {
		if !j.alarm(w.sample(s)) || i < t.from {
			continue
		}
		out.firing++
		if i-last > limit {
			out.alarms++
		}
		last = i
	}
	out.firing *= out.months / float64(len(slots)-t.from)
	return out
}

// detections counts which faults were found while they lasted. One that begins
// while the judge still alarms for another reason does not count.
func (t trial) detections(slots []slot, w watched, j judge) outcome {
	var out outcome
	faults := t.stack.faults
	next, open, before := 0, false, false
	for i, s := range slots {
		alarm := j.alarm(w.sample(s))
		for next < len(faults) && i >= faults[next].until {
			next++
			open = false
		}
		if next < len(faults) && i >= faults[next].from {
			if i == faults[next].from {
				if open = !before; open {
					out.faults++
				}
			}
			if open && alarm {
				out.found++
				out.delays = append(out.delays, float64(i-faults[next].from))
				open = false
			}
		}
		before = alarm
	}
	return out
}

// pool runs jobs on some goroutines.
type pool struct {
	wg    sync.WaitGroup
	slots chan struct{}
}

func newPool(n int) *pool { return &pool{slots: make(chan struct{}, n)} }

func (p *pool) run(job func()) {
	p.slots <- struct{}{}
	p.wg.Go(func() {
		job()
		<-p.slots
	})
}
