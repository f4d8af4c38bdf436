package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"tidemark/detector"
)

// phases are the ages of a series whose false alarms are counted by themselves.
var phases = []struct {
	name     string
	from, to time.Duration
}{
	{"1h-1d", time.Hour, 24 * time.Hour},
	{"1d-7d", 24 * time.Hour, 7 * 24 * time.Hour},
	{"7d-14d", 7 * 24 * time.Hour, 14 * 24 * time.Hour},
}

// faultAges are the ages at which a young series has a fault.
var faultAges = []time.Duration{61 * time.Minute, 34 * time.Hour, 178 * time.Hour}

// aged is what a young series does.
type aged struct {
	quiet    []outcome            // by phase
	firstJob int                  // alarms of the first nightly job, which nobody can know
	faults   map[string][]outcome // by effect and age
}

// coldStart prints false alarms and what is found by the age of a series.
func coldStart(s settings) {
	fmt.Printf("false alarms per series and month (alarms) by age, without those of the first nightly job (per series); recall %% at an age of %v\n", faultAges)
	total := make([]outcome, len(phases))
	for _, volume := range volumes[:2] {
		fmt.Printf("\n%g/s\n", volume)
		for _, w := range s.signals() {
			a := aged{quiet: make([]outcome, len(phases)), faults: map[string][]outcome{}}
			for _, ef := range w.effects {
				a.faults[ef.name] = make([]outcome, len(faultAges))
			}
			var mu sync.Mutex
			p := newPool(s.parallel)
			for seed := range s.seeds {
				p.run(func() { s.age(w, s.trial(3000+s.first+uint64(seed), volume), &a, &mu) })
			}
			p.wg.Wait()
			a.print(w, s.seeds)
			for i, o := range a.quiet {
				total[i].add(o)
			}
		}
	}
	fmt.Print("\nall")
	for i, ph := range phases {
		fmt.Printf(" | %s %.3f (%d)", ph.name, total[i].perMonth(), total[i].alarms)
	}
	fmt.Println()
}

// age adds what a signal of one stack does.
func (s settings) age(w watched, t trial, to *aged, mu *sync.Mutex) {
	w.options.Sensitivity = s.sensitivity
	t.from, t.stack.length = 0, int(phases[len(phases)-1].to/s.step)
	slots := t.stack.run()
	at := alarmTimes(slots, w, s.step)
	mu.Lock()
	for i, ph := range phases {
		to.quiet[i].months += (ph.to - ph.from).Hours() / (30 * 24)
	}
	for _, i := range at {
		age := time.Duration(i) * s.step
		for k, ph := range phases {
			switch {
			case age < ph.from || age >= ph.to:
			case k == 0 && batch(slots[i].at):
				to.firstJob++
			default:
				to.quiet[k].alarms++
			}
		}
	}
	mu.Unlock()
	for _, ef := range w.effects {
		for i, age := range faultAges {
			o := t.fault(w, ef.change, age)
			mu.Lock()
			to.faults[ef.name][i].add(o)
			mu.Unlock()
		}
	}
}

func (a *aged) print(w watched, series int) {
	fmt.Printf("  %-34s FA", w.name)
	for i, ph := range phases {
		fmt.Printf(" %s %.2f (%d)", ph.name, a.quiet[i].perMonth(), a.quiet[i].alarms)
	}
	fmt.Printf(", first job %.2f", float64(a.firstJob)/float64(series))
	for _, ef := range w.effects {
		var row []string
		for _, o := range a.faults[ef.name] {
			row = append(row, fmt.Sprintf("%.0f", 100*o.recall()))
		}
		fmt.Printf(" | %s: %s", ef.name, strings.Join(row, " / "))
	}
	fmt.Println()
}

// alarmTimes returns the slots in which tidemark's alarms begin.
func alarmTimes(slots []slot, w watched, step time.Duration) []int {
	j := newTidemark(w.options)
	var out []int
	last := -1 << 30
	for i, s := range slots {
		if j.alarm(w.sample(s)) {
			if i-last > int(apart/step) {
				out = append(out, i)
			}
			last = i
		}
	}
	return out
}

// fault puts a fault into the stack at an age, and says whether tidemark finds it.
// It does not count if there was a gap in the hour before it or in its own.
func (t trial) fault(w watched, c change, age time.Duration) outcome {
	c.from = int(age / t.stack.step)
	c.until = c.from + int(faultMinutes*time.Minute/t.stack.step)
	t.stack.faults = []change{c}
	t.stack.length = c.until
	slots := t.stack.run()
	long := c.until - c.from
	missing := 0
	for _, s := range slots[c.from-long:] {
		if math.IsNaN(s.requests) {
			missing++
		}
	}
	if missing > long/6 {
		return outcome{}
	}
	return t.detections(slots, w, newTidemark(w.options))
}

// levelShift prints what becomes of a latency that is 1.5 times as high from one
// day on: when it is found and accepted, how many anomalies the week after it
// has, and whether 30 % on top is found on the next day and three days later.
func levelShift(s settings) {
	w := signals(s.step)[0]
	w.options.Sensitivity = s.sensitivity
	day := int(24 * time.Hour / s.step)
	hour := int(time.Hour / s.step)
	var found, again, nextDay, thirdDay, n int
	var closed []float64
	for _, volume := range volumes[:2] {
		for seed := range s.seeds {
			n++
			t := s.trial(4000+s.first+uint64(seed), volume)
			from := 21*day + 10*hour
			t.stack.length = from + 8*day
			shift := change{from: from, until: t.stack.length, latency: 1.5}
			t.stack.faults = []change{shift}
			d := newTidemark(w.options)
			at, was, over := -1, false, -1
			for i, sl := range t.stack.run() {
				alarm := d.d.Update(w.sample(sl)).State == detector.Anomalous
				if i >= from && alarm && at < 0 {
					at = i
				}
				if at >= 0 && was && !alarm && over < 0 && i > at+4*hour {
					over = i
				}
				if over >= 0 && alarm && !was {
					again++
				}
				was = alarm
			}
			if at >= 0 && at < from+hour {
				found++
			}
			if over >= 0 {
				closed = append(closed, float64(over-from)*s.step.Minutes())
			}
			for _, later := range []struct {
				after int
				count *int
			}{{day, &nextDay}, {3 * day, &thirdDay}} {
				top := change{from: from + later.after, until: from + later.after + hour, latency: 1.3}
				t.stack.faults = []change{shift, top}
				t.stack.length = top.until
				d := newTidemark(w.options)
				for i, sl := range t.stack.run() {
					if d.alarm(w.sample(sl)) && i >= top.from {
						*later.count++
						break
					}
				}
			}
		}
	}
	fmt.Printf("latency x1.5 from one day on: found %d/%d, over after %.0f minutes (median of %d), %.2f episodes in the week after, +30%% on top found %d/%d after 24h, %d/%d after 72h\n",
		found, n, outcome{delays: closed}.median(), len(closed), float64(again)/float64(n), nextDay, n, thirdDay, n)
}

// calibration prints, for each kind of signal, one false alarm in how many weeks a
// series has at sensitivities that promise one in so many weeks.
func calibration(s settings) {
	const week = 7 * 24 * time.Hour
	fmt.Println("one false alarm per series asked for in so many weeks; weeks measured over all volumes (alarms in so many series-years)")
	for _, weeks := range []int{2, 8, 26} {
		fmt.Printf("  %2d ", weeks)
		var total outcome
		byKind := s.quiet(func(o detector.Options) float64 {
			return detector.SensitivityFor(o, time.Duration(weeks)*week)
		})
		for _, kind := range slices.Sorted(maps.Keys(byKind)) {
			o := byKind[kind]
			fmt.Printf(" | %s %s", kind, o.calibrated())
			total.add(o)
		}
		fmt.Printf(" | all %s\n", total.calibrated())
	}
}

func (o outcome) calibrated() string {
	return fmt.Sprintf("%.1f (%d in %.0f)", o.months*30/7/float64(o.alarms), o.alarms, o.months/12)
}

// dial prints the false alarms per series and month by sensitivity.
func dial(s settings) {
	for _, sensitivity := range []float64{3.5, 4, 4.5, 5, 5.5} {
		fmt.Printf("  sensitivity %.1f: false alarms per series and month (alarms)", sensitivity)
		var total outcome
		byKind := s.quiet(func(detector.Options) float64 { return sensitivity })
		for _, kind := range slices.Sorted(maps.Keys(byKind)) {
			o := byKind[kind]
			fmt.Printf(" | %s %.3f (%d)", kind, o.perMonth(), o.alarms)
			total.add(o)
		}
		fmt.Printf(" | all %.3f (%d)\n", total.perMonth(), total.alarms)
	}
}

// quiet adds up the false alarms over all signals and volumes, by kind.
func (s settings) quiet(sensitivity func(detector.Options) float64) map[string]outcome {
	total := map[string]outcome{}
	var mu sync.Mutex
	p := newPool(s.parallel)
	for _, volume := range volumes {
		for seed := range s.seeds {
			p.run(func() {
				t := s.trial(5000+s.first+uint64(seed), volume)
				slots := t.stack.run()
				for _, w := range s.signals() {
					kind := string(w.options.Kind)
					w.options.Sensitivity = sensitivity(w.options)
					o := t.falseAlarms(slots, w, newTidemark(w.options))
					mu.Lock()
					sum := total[kind]
					sum.add(o)
					total[kind] = sum
					mu.Unlock()
				}
			})
		}
	}
	p.wg.Wait()
	return total
}
