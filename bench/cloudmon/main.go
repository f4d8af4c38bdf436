// Command cloudmon measures tidemark score on production series whose incidents
// experts have labelled, such as those of Microsoft's cloud monitoring dataset.
//
//	go run ./bench/cloudmon -data DIR
//
// DIR holds, at any depth, a directory for each series, with its samples in
// metrics.om (OpenMetrics, one series, timestamps in seconds) and its labels in
// truth.json:
//
//	{"group": "crash-rate", "scrape_interval_s": 3600, "delay_k": 3,
//	 "incidents": [{"start": 1704945600, "end": 1704952800}]}
//
// Every series is judged by the same detector, with its step as the only thing
// known of it. An alarm is a sample with a score of at least the threshold. An
// incident is found if there is an alarm from its start to delay_k samples after
// its end. Alarms outside all of these are false; false alarms that are at most
// delay_k samples apart are one episode, and episodes are what is counted, per
// day of the time outside. Nothing is left out of the count: what a detector
// misses while it is still learning is missed.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"tidemark/detector"
	"tidemark/score"
)

// fullSurprise is the surprise whose score is 1.
const fullSurprise = 32

func main() {
	data := flag.String("data", "", "directory below which each series has a directory")
	kind := flag.String("kind", string(score.Auto), "detector: "+strings.Join(score.Kinds, ", "))
	threshold := flag.Float64("threshold", detector.GenericThreshold/fullSurprise, "score from which a sample is an alarm")
	each := flag.Bool("each", false, "show each series")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*data, score.Kind(*kind), *threshold, *each, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cloudmon:", err)
		os.Exit(1)
	}
}

func run(data string, kind score.Kind, threshold float64, each bool, out io.Writer) error {
	all, err := readAll(data)
	if err != nil {
		return err
	}
	scores := make([][]float64, len(all))
	baseline := make([][]float64, len(all))
	for i, s := range all {
		if scores[i], err = s.judge(kind); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		baseline[i] = rollingMAD(s.values)
	}

	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "series\tdays\tincidents\tfound\tfalse alarms\ta day\tMAD: found\tfalse alarms\ta day\n")
	row := func(name string, member func(series) bool) {
		var ours, theirs outcome
		for i, s := range all {
			if member(s) {
				ours.add(s.count(scores[i], threshold))
				theirs.add(s.count(baseline[i], baselineThreshold))
			}
		}
		fmt.Fprintf(tw, "%s\t%.0f\t%d\t%s\t%s\n", name, ours.days, ours.incidents, ours, theirs)
	}
	groups := map[string]bool{}
	for _, s := range all {
		groups[s.Group] = true
		if each {
			row(s.name, func(o series) bool { return o.name == s.name })
		}
	}
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		row(g, func(s series) bool { return s.Group == g })
	}
	row("all", func(series) bool { return true })
	fmt.Fprintf(tw, "\nthreshold\t\t\tfound\tfalse alarms\ta day\tMAD: found\tfalse alarms\ta day\n")
	for _, factor := range []float64{0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2} {
		var ours, theirs outcome
		for i, s := range all {
			ours.add(s.count(scores[i], factor*threshold))
			theirs.add(s.count(baseline[i], factor*baselineThreshold))
		}
		fmt.Fprintf(tw, "%.4f, MAD %.1f\t\t\t%s\t%s\n", factor*threshold, factor*baselineThreshold, ours, theirs)
	}
	return tw.Flush()
}
