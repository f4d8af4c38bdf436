package main

import (
	"fmt"
	"math"
	"time"
)

// Of the limits: how long the detector learns before anything is counted, and
// how long is counted.
const (
	learned = 21 * day
	counted = 14 * day
)

// limits prints what short, slow and nightly changes do to series of three weeks,
// and how old series must be for the faults of the figures, over some seeds.
func limits(seeds int) error {
	fmt.Printf("%d seeds\n", seeds)
	for _, run := range []func(int) error{shortFaults, leaks, nightlyJob, coldStart} {
		if err := run(seeds); err != nil {
			return err
		}
	}
	return nil
}

// named returns the figure of a name, with other events than its own.
func named(name string, events []change, long time.Duration) figure {
	for _, f := range figures() {
		if f.name == name {
			f.before, f.event, f.until = events, change{}, learned+long
			return f
		}
	}
	panic("no figure " + name) // the names are the ones below
}

// alarmed reports whether an anomaly is open at some sample of [from, until).
func (h history) alarmed(from, until time.Duration) bool {
	for _, j := range h.judged[from/step : until/step] {
		if j.Direction != "" {
			return true
		}
	}
	return false
}

// shortFaults raises the latency for some minutes, every 17 hours.
func shortFaults(seeds int) error {
	for _, factor := range []float64{1.3, 2} {
		for _, minutes := range []int{1, 2, 3, 4, 5, 10} {
			found, all := 0, 0
			for seed := range seeds {
				f, a, err := short(uint64(seed)+1, factor, time.Duration(minutes)*time.Minute)
				if err != nil {
					return err
				}
				found, all = found+f, all+a
			}
			fmt.Printf("latency ×%g for %d min: an anomaly in %d of %d\n", factor, minutes, found, all)
		}
	}
	return nil
}

func short(seed uint64, factor float64, long time.Duration) (found, all int, err error) {
	var events []change
	for at := learned + time.Hour; at+time.Hour < learned+counted; at += 17 * time.Hour {
		events = append(events, change{from: at, until: at + long, latency: factor})
	}
	h, err := named("latency", events, counted).watch(seed)
	if err != nil {
		return 0, 0, err
	}
	for _, e := range events {
		if h.alarmed(e.from-step, e.from) {
			continue // another one is still open
		}
		if all++; h.alarmed(e.from, e.until+step) {
			found++
		}
	}
	return found, all, nil
}

// leaks makes the latency grow by a share each day, in hourly steps.
func leaks(seeds int) error {
	for _, perDay := range []float64{0.01, 0.03, 0.1, 0.2, 0.3} {
		var events []change
		for at := learned; at < learned+counted; at += time.Hour {
			days := (at - learned).Hours() / 24
			events = append(events, change{from: at, until: at + time.Hour, latency: math.Pow(1+perDay, days)})
		}
		found, after := 0, 0.0
		for seed := range seeds {
			h, err := named("latency", events, counted).watch(uint64(seed) + 1)
			if err != nil {
				return err
			}
			for at := learned; at < learned+counted; at += time.Hour {
				if h.alarmed(at, at+time.Hour) {
					found++
					after += (at - learned).Hours() / 24
					break
				}
			}
		}
		fmt.Printf("latency grows by %.0f %% a day: an anomaly in %d of %d", 100*perDay, found, seeds)
		if found > 0 {
			fmt.Printf(", on average after %.1f days", after/float64(found))
		}
		fmt.Println()
	}
	return nil
}

// nightlyJob doubles the database's queries for 20 minutes of each night of six
// weeks.
func nightlyJob(seeds int) error {
	var events []change
	for at := learned + 4*time.Hour; at < learned+3*counted; at += day {
		events = append(events, change{from: at, until: at + 20*time.Minute, queries: 2})
	}
	weeks := make([]int, len(events)/7)
	for seed := range seeds {
		h, err := named("database_load", events, 3*counted).watch(uint64(seed) + 1)
		if err != nil {
			return err
		}
		for i, e := range events {
			if h.alarmed(e.from, e.until) {
				weeks[i/7]++
			}
		}
	}
	fmt.Printf("a new nightly job doubles the queries: nights with an anomaly, of %d in each week: %v\n", 7*seeds, weeks)
	return nil
}

// coldStart moves the faults of the figures, an hour of each, to other ages of
// the series.
func coldStart(seeds int) error {
	ages := []time.Duration{2 * time.Hour, 14 * time.Hour, day + 14*time.Hour, broken, 7*day + 14*time.Hour, 14*day + 14*time.Hour}
	for _, f := range figures() {
		if f.event.harmless || f.until != watched {
			continue
		}
		f.before = nil
		found := make([]int, len(ages))
		for i, age := range ages {
			f.event.from, f.event.until, f.until = age, age+time.Hour, age+time.Hour
			for seed := range seeds {
				h, err := f.watch(uint64(seed) + 1)
				if err != nil {
					return err
				}
				if !h.called.IsZero() {
					found[i]++
				}
			}
		}
		fmt.Printf("%s, at the ages of %v: an anomaly in %v of %d\n", f.title, ages, found, seeds)
	}
	return nil
}
