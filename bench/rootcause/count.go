package main

import (
	"cmp"
	"fmt"
	"slices"

	"tidemark/incident"
)

// outcome is what the incidents of a case, or of several, amount to.
type outcome struct {
	faults, found int
	first, third  int // faults whose service is the first suspect, one of the first three
	delays        []int64
	falseAlarms   int
	days          float64 // outside faults and what follows them
}

func (o *outcome) add(p outcome) {
	o.faults += p.faults
	o.found += p.found
	o.first += p.first
	o.third += p.third
	o.delays = append(o.delays, p.delays...)
	o.falseAlarms += p.falseAlarms
	o.days += p.days
}

// String returns the columns of the table.
func (o outcome) String() string {
	share := func(n int) string {
		if o.faults == 0 {
			return "–"
		}
		return fmt.Sprintf("%.2f", float64(n)/float64(o.faults))
	}
	delay := "–"
	if n := len(o.delays); n > 0 {
		slices.Sort(o.delays)
		delay = fmt.Sprintf("%d s", (o.delays[(n-1)/2]+o.delays[n/2])/2)
	}
	perDay := "–"
	if o.days > 0 {
		perDay = fmt.Sprintf("%.2f", float64(o.falseAlarms)/o.days)
	}
	return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%d\t%s", o.faults, share(o.found), share(o.first), share(o.third), delay, o.falseAlarms, perDay)
}

// recovery is for how many samples after a fault what fires is neither right nor
// wrong.
const recovery = 3

// fault returns the fault during which an incident fired; nil if there is none.
func (c *kase) fault(at int64) *fault {
	for i := range c.Incidents {
		if f := &c.Incidents[i]; at >= f.Start && at <= f.End+f.Grace {
			return f
		}
	}
	return nil
}

func (c *kase) recovering(at int64) bool {
	return slices.ContainsFunc(c.Incidents, func(f fault) bool {
		return at >= f.Start && at <= f.End+f.Grace+recovery*c.Interval
	})
}

// count holds incidents, in the order in which they fired, against the faults.
func (c *kase) count(incidents []incident.Incident) outcome {
	o := outcome{faults: len(c.Incidents)}
	seen := map[*fault]bool{}
	for _, in := range incidents {
		at := in.FiredAt.Unix()
		f := c.fault(at)
		switch {
		case f == nil:
			if !c.recovering(at) {
				o.falseAlarms++
			}
			continue
		case seen[f]:
			continue
		}
		seen[f] = true
		o.found++
		o.delays = append(o.delays, at-f.Start)
		switch rank := slices.Index(suspects(in), f.RootCause); {
		case rank == 0:
			o.first++
			o.third++
		case rank > 0 && rank < 3:
			o.third++
		}
	}
	normal := int64(0)
	for at := c.First; at < c.Last; at += c.Interval {
		if !c.recovering(at) {
			normal += c.Interval
		}
	}
	o.days = float64(normal) / (24 * 3600)
	return o
}

// suspects returns the services that an incident points at, the first one first.
func suspects(in incident.Incident) []string {
	service := string(in.Verdict.Scope["service"])
	out := []string{service}
	for _, s := range in.Verdict.Suspects {
		if s != service {
			out = append(out, s)
		}
	}
	return out
}

func byFiring(incidents []incident.Incident) []incident.Incident {
	slices.SortStableFunc(incidents, func(a, b incident.Incident) int {
		return cmp.Or(a.FiredAt.Compare(b.FiredAt), cmp.Compare(a.ID, b.ID))
	})
	return incidents
}
