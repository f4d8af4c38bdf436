package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// fleetTally counts faults of a fleet.
type fleetTally struct {
	name                                string
	faults, found, right, single, quick int
	delays                              []float64 // seconds, of those that were found
}

func (t *fleetTally) add(h *happened) {
	t.faults++
	if len(h.pages) == 0 {
		return
	}
	t.found++
	if slices.Contains(h.kind.truth, h.pages[0].suspect) {
		t.right++
	}
	if len(h.pages) == 1 {
		t.single++
	}
	delay := h.pages[0].at.Sub(h.effect).Seconds()
	t.delays = append(t.delays, delay)
	if delay <= 200 {
		t.quick++
	}
}

// reportFleet prints how many faults were found, by kind and for those that hurt
// users or followed a good deploy; shares of right causes and single pages are of
// those that were found.
func reportFleet(out io.Writer, f fleet, strays []page, days int) {
	total, hurting, decoyed := &fleetTally{name: "all"}, &fleetTally{name: "that hurt users"}, &fleetTally{name: "after a good deploy"}
	rows := make([]*fleetTally, 0, len(kinds)+3)
	byKind := map[string]*fleetTally{}
	for _, k := range kinds {
		byKind[k.name] = &fleetTally{name: k.name}
		rows = append(rows, byKind[k.name])
	}
	small := 0
	for i := range f {
		for j := range f[i].faults {
			h := &f[i].faults[j]
			if h.effect.IsZero() {
				small++
				continue
			}
			total.add(h)
			byKind[h.kind.name].add(h)
			if h.hurts {
				hurting.add(h)
			}
			if h.decoy {
				decoyed.add(h)
			}
		}
	}
	fmt.Fprintf(out, "%-20s %6s %6s %6s %6s %8s | %8s %6s\n", "fault", "faults", "found", "right", "1 page", "<= 200 s", "median s", "p90 s")
	for _, t := range append(rows, total, hurting, decoyed) {
		if t.faults == 0 {
			continue
		}
		fmt.Fprintf(out, "%-20s %6d %6s %6s %6s %8s | %8s %6s\n", t.name, t.faults, share(t.found, t.faults), share(t.right, t.found),
			share(t.single, t.found), share(t.quick, t.faults), quantile(t.delays, 0.5), quantile(t.delays, 0.9))
	}
	months := float64(len(f)*(fleetDays-days)) / (365.0 / 12)
	fmt.Fprintf(out, "\n%d faults did not matter. %d false incidents in %.0f service-months: %.2f each.\n", small, len(strays), months, float64(len(strays))/months)
	for i := range f {
		for _, h := range f[i].faults {
			if !h.effect.IsZero() && (len(h.pages) != 1 || !slices.Contains(h.kind.truth, h.pages[0].suspect)) {
				fmt.Fprintf(out, "%s %-16s %-34s %s %s\n", f[i].name, h.kind.name, h.strength, h.from.Format(time.DateTime), paged(h.pages, h.effect))
			}
		}
	}
	for _, p := range strays {
		fmt.Fprintf(out, "%s %-16s %s\n", p.service, p.alert, p.at.Format("Mon "+time.DateTime))
	}
}
