package main

import (
	"math/rand/v2"
	"time"
)

// calm is a week in which nothing happens that should page.
type calm struct {
	name   string
	volume float64   // requests per second, 0 for any
	start  time.Time // of the history, if it matters
	zone   string    // IANA name, if it is not UTC
	alter  func(s *site)
	events func(r *rand.Rand, week span) []event
}

// span is a run of minutes: [from, until).
type span struct{ from, until int }

// event adds something to the minutes of its span; into counts from its first.
type event struct {
	span
	apply func(into int, t *trouble)
}

// holds reports whether a minute is one of the event.
func (e event) holds(minute int) bool { return minute >= e.from && minute < e.until }

// scattered returns events at random minutes of the week, so many a day.
func scattered(r *rand.Rand, week span, aDay float64, draw func() (length int, apply func(into int, t *trouble))) []event {
	var out []event
	n := int(aDay * float64(week.until-week.from) / (24 * 60))
	for range n {
		length, apply := draw()
		from := week.from + r.IntN(week.until-week.from-length)
		out = append(out, event{span{from, from + length}, apply})
	}
	return out
}

// calms are all sorts of weeks that must not page.
var calms = []calm{
	{name: "nothing", alter: func(s *site) { s.batch, s.bursts, s.deploysADay = 0, 0, 0 }},
	{name: "usual"},
	{name: "nightly_batch", alter: func(s *site) { s.batch, s.batchMinutes, s.batchJitter = 0.45, 100, 10 }},
	{name: "bursts", alter: func(s *site) { s.bursts = 6 }},
	{name: "promotions", alter: func(s *site) {
		s.workers *= 3 // bought for days like these
		s.pool *= 3
	}, events: func(r *rand.Rand, week span) []event {
		return scattered(r, week, 1, func() (int, func(int, *trouble)) {
			length, more := 20+r.IntN(41), between(r, 0.5, 1.5)
			return length, func(into int, t *trouble) {
				t.traffic = more * min(1, float64(into+1)/5, float64(length-into)/5)
			}
		})
	}},
	{name: "low_traffic", volume: 2},
	{name: "scrape_gaps", events: func(r *rand.Rand, week span) []event {
		return scattered(r, week, 6, func() (int, func(int, *trouble)) {
			which := r.IntN(3)
			return 1 + r.IntN(10), func(_ int, t *trouble) {
				t.noScrape, t.noExporters, t.noScrapes = which == 0, which == 1, which == 2
			}
		})
	}},
	{name: "restarts", events: func(r *rand.Rand, week span) []event {
		return scattered(r, week, 2, func() (int, func(int, *trouble)) {
			length, cold, lost := 2+r.IntN(3), between(r, 0.2, 0.6), between(r, 0.1, 1)
			return length, func(into int, t *trouble) {
				if into == 0 {
					t.restart, t.lost = true, lost
				}
				t.cold = cold * (1 - float64(into)/float64(length))
			}
		})
	}},
	{name: "warm_ups", events: func(r *rand.Rand, week span) []event {
		return scattered(r, week, 1.5, func() (int, func(int, *trouble)) {
			length, cold := 2+r.IntN(3), between(r, 0.4, 1)
			return length, func(into int, t *trouble) {
				t.cacheRestart = t.cacheRestart || into == 0
				t.cold = cold * (1 - float64(into)/float64(length))
			}
		})
	}},
	{name: "good_deploys", alter: func(s *site) { s.deploysADay = 3 }},
	{name: "dst", zone: "Europe/Berlin", start: time.Date(2026, 3, 23, 0, 0, 0, 0, time.UTC)},
	{name: "weekend", start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}, // learns Monday to Friday
}

// routine returns what happens in any stack: good deploys in working hours, and
// a batch job each night at two.
func routine(r *rand.Rand, s *site, start time.Time, minutes int) []event {
	var out []event
	for day := 0; day*24*60 < minutes; day++ {
		midnight := start.AddDate(0, 0, day).In(s.location)
		for n := s.deploysADay; n > 0; n-- {
			hour := between(r, 9, 17)
			if r.Float64() < n {
				at := int(midnight.Add(time.Duration(hour*float64(time.Hour))).Sub(start) / time.Minute)
				out = append(out, goodDeploy(r, at))
			}
		}
		if s.batch > 0 {
			two := time.Date(midnight.Year(), midnight.Month(), midnight.Day(), 2, 0, 0, 0, s.location)
			at := int(two.Sub(start)/time.Minute) + r.IntN(s.batchJitter+1)
			length := s.batchMinutes + r.IntN(5)
			out = append(out, event{span{at, at + length}, func(_ int, t *trouble) { t.batch = s.batch }})
		}
	}
	return out
}

// goodDeploy replaces the application's processes by those of a version that is
// as good. What they hold in memory is gone for a minute or three.
func goodDeploy(r *rand.Rand, at int) event {
	length, cold, lost := 1+r.IntN(3), between(r, 0, 0.15), between(r, 0.1, 0.8)
	return event{span{at, at + length}, func(into int, t *trouble) {
		if into == 0 {
			t.deploy, t.lost = true, lost
		}
		t.cold = cold * (1 - float64(into)/float64(length))
	}}
}
