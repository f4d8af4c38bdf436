package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kase is what truth.json says of a case.
type kase struct {
	dir string

	Case      string      `json:"case"`
	Group     string      `json:"group"`
	Split     string      `json:"split"`
	Interval  int64       `json:"scrape_interval_s"`
	First     int64       `json:"t_first"`
	Last      int64       `json:"t_last"`
	History   string      `json:"history"`
	From      int64       `json:"history_first"`
	Shift     int64       `json:"history_shift_s"`
	Incidents []fault     `json:"incidents"`
	Calls     [][2]string `json:"graph_edges_caller_callee"`
}

// fault is a labelled one.
type fault struct {
	ID        string `json:"id"`
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	Grace     int64  `json:"grace_s"`
	RootCause string `json:"root_cause"`
	Kind      string `json:"kind"`
}

func readCase(dir string) (*kase, error) {
	text, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		return nil, err
	}
	c := &kase{dir: dir}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("truth.json: %w", err)
	}
	if c.Interval <= 0 || c.Last <= c.First {
		return nil, fmt.Errorf("truth.json: scrape_interval_s is %d, and the samples are from %d to %d: the interval must be positive, and t_last after t_first", c.Interval, c.First, c.Last)
	}
	return c, nil
}

func instant(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

// samples is one OpenMetrics text, taken apart.
type samples struct {
	heads  map[string][]string // the lines that begin with #, by family
	series map[string][]string // "value time", by series
}

// compose returns the case's samples, its history before them, as one OpenMetrics
// text, and the series in it.
func (c *kase) compose() (text string, series []string, err error) {
	s := samples{map[string][]string{}, map[string][]string{}}
	if c.History != "" {
		if err := s.read(filepath.Join(c.dir, c.History), c.From, c.Shift); err != nil {
			return "", nil, err
		}
	}
	if err := s.read(filepath.Join(c.dir, "metrics.om"), 0, 0); err != nil {
		return "", nil, err
	}
	for name := range s.series {
		series = append(series, name)
	}
	slices.Sort(series)
	var b strings.Builder
	last := ""
	for _, name := range series {
		if family, _, _ := strings.Cut(name, "{"); family != last {
			last = family
			for _, line := range s.heads[family] {
				fmt.Fprintln(&b, line)
			}
		}
		for _, sample := range s.series[name] {
			fmt.Fprintf(&b, "%s %s\n", name, sample)
		}
	}
	b.WriteString("# EOF\n")
	return b.String(), series, nil
}

// read adds the samples of a file from a time on, moved by so many seconds. What is there
// already is not added twice: a case repeats nothing of its history.
func (s samples) read(file string, from, shift int64) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	known := map[string]bool{}
	for family := range s.heads {
		known[family] = true
	}
	scanner := bufio.NewScanner(f)
	for n := 1; scanner.Scan(); n++ {
		line := scanner.Text()
		if strings.HasPrefix(line, "#") {
			if fields := strings.Fields(line); len(fields) > 2 && !known[fields[2]] {
				s.heads[fields[2]] = append(s.heads[fields[2]], line)
			}
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			continue
		}
		unix, err := strconv.ParseInt(line[at+1:], 10, 64)
		if err != nil {
			return fmt.Errorf("%s:%d: %q does not end in a time in whole seconds", file, n, line)
		}
		if unix < from {
			continue
		}
		of := strings.LastIndexByte(line[:at], ' ')
		if of < 0 {
			return fmt.Errorf("%s:%d: %q has no value", file, n, line)
		}
		name := line[:of]
		s.series[name] = append(s.series[name], fmt.Sprintf("%s %d", line[of+1:at], unix+shift))
	}
	return scanner.Err()
}
