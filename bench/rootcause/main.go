// Command rootcause measures, from samples to page, how well faults in
// microservices are found and their service named, on public data with labelled
// faults, such as PetShop's and Nezha's.
//
//	go run ./bench/rootcause -data DIR
//
// Below DIR lies a directory for each case, with its samples in metrics.om
// (OpenMetrics, timestamps in seconds) and its labels in truth.json:
//
//	{"scrape_interval_s": 300, "t_first": 1681350300, "t_last": 1681351500,
//	 "history": "../../history/high/metrics.om", "history_shift_s": -12749100,
//	 "incidents": [{"id": "0", "start": 1681350548, "end": 1681351500, "grace_s": 0, "root_cause": "PetSearch"}],
//	 "graph_edges_caller_callee": [["PetSite", "PetSearch"]]}
//
// Each case is loaded into a Prometheus of its own, and judged by a backtest with
// a configuration that is made of the metrics that it has and of the calls: the
// same for all cases, nothing in it is tuned. The history of a case, if it has
// one, is moved to lie before it and learned from, from history_first on if that is
// given. It may be a later part of the case's own samples, which then must end before
// it (t_last).
//
// A fault is found if an incident fires from its start to its end and its grace.
// Its suspects are those of the first such incident, AC@k is the share of all
// faults whose service is among the first k of them; one that is not found is a
// miss. An incident that fires outside the faults and three samples after each is
// a false alarm. Nothing is left out: what fires while the service still learns,
// or cannot, counts.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"tidemark/incident"
)

func main() {
	data := flag.String("data", "", "directory with a directory for each case")
	only := flag.String("case", "", "judge only cases with this in their names")
	verbose := flag.Bool("v", false, "show each incident")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *data, *only, *verbose, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "rootcause:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data, only string, verbose bool, out io.Writer) error {
	dirs, err := caseDirs(data)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "case\tfaults\tfound\tAC@1\tAC@3\tdelay, median\tfalse alarms\ta day")
	totals := map[string]*outcome{}
	for _, dir := range dirs {
		c, err := readCase(dir)
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		if !strings.Contains(c.Case, only) {
			continue
		}
		incidents, err := c.judge(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Case, err)
		}
		o := c.count(incidents)
		fmt.Fprintf(tw, "%s\t%s\n", c.Case, o)
		if verbose {
			show(tw, c, incidents)
		}
		for _, name := range []string{"all of " + cmp.Or(c.Group, c.Split), "all"} {
			if totals[name] == nil {
				totals[name] = &outcome{}
			}
			totals[name].add(o)
		}
		_ = tw.Flush() // writes to memory or to the terminal
	}
	names := make([]string, 0, len(totals))
	for name := range totals {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(-cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for _, name := range names {
		fmt.Fprintf(tw, "%s\t%s\n", name, totals[name])
	}
	return tw.Flush()
}

// caseDirs returns the directories below one that hold a case, sorted.
func caseDirs(data string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Base(path) == "truth.json" {
			dirs = append(dirs, filepath.Dir(path))
		}
		return err
	})
	if err == nil && len(dirs) == 0 {
		err = fmt.Errorf("there is no truth.json below %s: name a directory with cases", data)
	}
	return dirs, err
}

// show writes what fired, with the fault that it was in.
func show(w io.Writer, c *kase, incidents []incident.Incident) {
	for _, in := range incidents {
		what := "false"
		if f := c.fault(in.FiredAt.Unix()); f != nil {
			what = fmt.Sprintf("%s %s +%ds", f.RootCause, f.Kind, in.FiredAt.Unix()-f.Start)
		} else if c.recovering(in.FiredAt.Unix()) {
			what = "recovery"
		}
		fmt.Fprintf(w, "\t%s %s %s %v, was: %s\n", in.FiredAt.UTC().Format("01-02 15:04"), in.Verdict.Alert, in.Verdict.Scope, in.Verdict.Suspects, what)
	}
	for i := range c.Incidents {
		if f := &c.Incidents[i]; !slices.ContainsFunc(incidents, func(in incident.Incident) bool { return c.fault(in.FiredAt.Unix()) == f }) {
			fmt.Fprintf(w, "\tmissed: %s %s %s at %s\n", f.ID, f.RootCause, f.Kind, instant(f.Start))
		}
	}
}
