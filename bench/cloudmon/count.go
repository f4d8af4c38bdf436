package main

import "fmt"

// outcome is what the alarms of a detector amount to.
type outcome struct {
	incidents, found int
	falseAlarms      int     // episodes
	days             float64 // outside incidents
}

func (o *outcome) add(p outcome) {
	o.incidents += p.incidents
	o.found += p.found
	o.falseAlarms += p.falseAlarms
	o.days += p.days
}

// String returns the columns of the table.
func (o outcome) String() string {
	perDay, recall := 0.0, 0.0
	if o.days > 0 {
		perDay = float64(o.falseAlarms) / o.days
	}
	if o.incidents > 0 {
		recall = 100 * float64(o.found) / float64(o.incidents)
	}
	return fmt.Sprintf("%d (%.0f %%)\t%d\t%.3f", o.found, recall, o.falseAlarms, perDay)
}

// count holds the alarms against the labels; see the package.
func (s *series) count(scores []float64, threshold float64) outcome {
	o := outcome{incidents: len(s.Incidents)}
	found := make([]bool, len(s.Incidents))
	last := -s.Delay - 1 // false alarm
	outside := 0
	for i, at := range s.times {
		alarm, inside := scores[i] >= threshold, false
		for k, inc := range s.Incidents {
			if at >= inc.Start && at <= inc.End+int64(s.Delay)*s.Step {
				inside = true
				found[k] = found[k] || alarm
			}
		}
		if inside {
			continue
		}
		outside++
		if alarm {
			if i-last > s.Delay {
				o.falseAlarms++
			}
			last = i
		}
	}
	for _, f := range found {
		if f {
			o.found++
		}
	}
	o.days = float64(outside) * float64(s.Step) / (24 * 3600)
	return o
}
