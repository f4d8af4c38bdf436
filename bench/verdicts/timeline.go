package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tidemark/detector"
	"tidemark/engine"
)

// shownFrom is the surprise from which a signal is shown in the timeline.
const shownFrom = 2.0

// timeline prints, for each cycle in which something deviates, what does, and
// how the incidents stand. A star marks an anomaly.
func timeline(out io.Writer) func(*engine.Snapshot) {
	changes := 0
	return func(s *engine.Snapshot) {
		var words []string
		for _, sig := range s.Signals {
			for _, series := range sig.Series {
				if w := deviation(&sig, series.Judgement); w != "" {
					words = append(words, w)
				}
			}
		}
		var incidents []string
		for _, in := range s.Incidents {
			if in.Open() || in.ResolvedAt.Equal(s.Time) {
				incidents = append(incidents, fmt.Sprintf("%s:%s", in.Verdict.Alert, in.State))
			}
		}
		if n := len(s.Changes); n > changes {
			for _, c := range s.Changes[:n-changes] {
				if !c.At.Before(s.Time.Add(-time.Hour)) {
					incidents = append(incidents, "changed: "+c.What)
				}
			}
			changes = n
		}
		if len(incidents) > 0 || len(words) > 0 {
			fmt.Fprintf(out, "%s  %-36s %s\n", s.Time.Format("02 15:04"), strings.Join(incidents, " "), strings.Join(words, ", "))
		}
	}
}

// deviation describes how a series deviates, or is empty.
func deviation(s *engine.SignalStatus, j detector.Judgement) string {
	dir := detector.Up
	if j.Down > j.Up {
		dir = detector.Down
	}
	surprise := j.Surprise(dir)
	if surprise < shownFrom && j.State != detector.Anomalous {
		return ""
	}
	star := ""
	if j.State == detector.Anomalous {
		star = "*"
	}
	return fmt.Sprintf("%s%s %s %.1f (%s, usually %s)", s.Signal.Name, star, dir, surprise, s.Signal.Format(j.Value), s.Signal.Format(j.Expected))
}
