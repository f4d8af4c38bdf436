// Command nab measures tidemark score on the Numenta Anomaly Benchmark, by its
// scoring function.
//
//	go run ./bench/nab -data DIR
//
// DIR holds the benchmark's CSV files in their folders, and labels.json, which
// names the anomalous windows of each file (in the benchmark's repository:
// labels/combined_windows.json). Files that it does not name are left out.
//
// The threshold is, as in the benchmark, the one that is best for the whole
// corpus. Vocabulary: a profile weighs hits against false alarms; the probation
// is the beginning of a file, which does not count.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"tidemark/score"
)

func main() {
	data := flag.String("data", "", "directory with the benchmark's files")
	labels := flag.String("labels", "", "file with the windows; default: labels.json in that directory")
	kind := flag.String("kind", string(score.Auto), "detector: "+strings.Join(score.Kinds, ", "))
	each := flag.Bool("each", false, "show each file at the standard profile's threshold")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if *labels == "" {
		*labels = filepath.Join(*data, "labels.json")
	}
	if err := run(*data, *labels, score.Kind(*kind), *each, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "nab:", err)
		os.Exit(1)
	}
}

func run(data, labels string, kind score.Kind, each bool, out io.Writer) error {
	begin := time.Now()
	files, err := judgeAll(data, labels, kind)
	if err != nil {
		return err
	}
	windows, rows := 0, 0
	for _, f := range files {
		windows += f.windows()
		rows += len(f.rows)
	}
	fmt.Fprintf(out, "%d files, %d windows, %d rows, judged in %s\n\n", len(files), windows, rows, time.Since(begin).Round(time.Millisecond))

	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "profile\tscore\tthreshold\twindows found\tfalse rows")
	var standard float64
	for _, p := range profiles {
		best := optimum(files, p)
		if p.name == profiles[0].name {
			standard = best.threshold
		}
		fmt.Fprintf(tw, "%s\t%.2f\t%.4f\t%d of %d\t%d\n", p.name, best.normalised(windows, p), best.threshold, best.found, windows, best.falseRows)
	}
	if each {
		fmt.Fprintln(tw, "\nfile\traw score\t\twindows found\tfalse rows")
		for _, f := range files {
			s := f.at(standard, profiles[0])
			fmt.Fprintf(tw, "%s\t%.2f\t\t%d of %d\t%d\n", f.name, s.raw, s.found, f.windows(), s.falseRows)
		}
	}
	return tw.Flush()
}

// judgeAll scores every file that has labels.
func judgeAll(data, labels string, kind score.Kind) ([]file, error) {
	text, err := os.ReadFile(labels)
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	var limits map[string][][2]string
	if err := json.Unmarshal(text, &limits); err != nil {
		return nil, fmt.Errorf("labels %s: %w", labels, err)
	}
	names := slices.Sorted(maps.Keys(limits))
	files := make([]file, len(names))
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { files[i], errs[i] = judge(filepath.Join(data, name), name, limits[name], kind) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", names[i], err)
		}
	}
	return files, nil
}
