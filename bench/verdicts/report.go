package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tidemark/signal"
)

var suspects = []signal.Component{
	signal.Cache, signal.Database, signal.Deploy, signal.Traffic, signal.Application, signal.Dependency, signal.Unknown,
}

// tally sums up the runs of one kind of fault.
type tally struct {
	name                  string
	runs, small           int // small: those that never mattered, which are not counted below
	first                 map[signal.Component]int
	none, right, end, one int // right: by the first page; end: by the last
	delays                []float64
}

func (t *tally) faults() int { return t.runs - t.small }

func (t *tally) add(o *outcome) {
	t.runs++
	if o.effect.IsZero() {
		t.small++
		return
	}
	if len(o.pages) == 0 {
		t.none++
		return
	}
	first, last := o.pages[0], o.pages[len(o.pages)-1]
	t.first[first.suspect]++
	if slices.Contains(o.truth, first.suspect) {
		t.right++
		t.delays = append(t.delays, first.at.Sub(o.effect).Minutes())
	}
	if slices.Contains(o.truth, last.suspect) {
		t.end++
	}
	if len(o.pages) == 1 {
		t.one++
	}
}

func report(out io.Writer, outcomes []outcome) {
	faults, weeks := split(outcomes)
	if len(faults) > 0 {
		confusion(out, faults)
		fmt.Fprintln(out)
		refined(out, faults)
	}
	if len(weeks) > 0 {
		fmt.Fprintln(out)
		quiet(out, weeks)
	}
	fmt.Fprintln(out)
	misses(out, faults, weeks)
}

func split(outcomes []outcome) (faults, weeks []outcome) {
	for _, o := range outcomes {
		if o.truth == nil {
			weeks = append(weeks, o)
		} else {
			faults = append(faults, o)
		}
	}
	return faults, weeks
}

// confusion prints one row per kind of fault: what the first page suspects, the
// share of right causes by the first and by the last page, the share with
// exactly one page, and the delay of right pages in cycles.
func confusion(out io.Writer, faults []outcome) {
	fmt.Fprintf(out, "%-16s %5s %5s |", "fault", "runs", "small")
	for _, c := range suspects {
		fmt.Fprintf(out, " %8.8s", c)
	}
	fmt.Fprintf(out, " %8s | %6s %6s %6s | %6s %6s %6s\n", "none", "right", "last", "1 page", "median", "p90", "max")
	total := tally{name: "all", first: map[signal.Component]int{}}
	for _, k := range kinds {
		t := tally{name: k.name, first: map[signal.Component]int{}}
		for i := range faults {
			if faults[i].name == k.name {
				t.add(&faults[i])
				total.add(&faults[i])
			}
		}
		if t.runs > 0 {
			t.print(out)
		}
	}
	total.print(out)
}

func (t *tally) print(out io.Writer) {
	fmt.Fprintf(out, "%-16s %5d %5d |", t.name, t.runs, t.small)
	for _, c := range suspects {
		fmt.Fprintf(out, " %8s", count(t.first[c]))
	}
	n := t.faults()
	fmt.Fprintf(out, " %8s | %6s %6s %6s | %6s %6s %6s\n", count(t.none),
		share(t.right, n), share(t.end, n), share(t.one, n), quantile(t.delays, 0.5), quantile(t.delays, 0.9), quantile(t.delays, 1))
}

// refined prints what the first page of a right cause says in the end, by kind of
// fault: its alert, and what it says more exactly.
func refined(out io.Writer, faults []outcome) {
	fmt.Fprintf(out, "%-16s %s\n", "fault", "what the right pages say")
	for _, k := range kinds {
		says := map[string]int{}
		for _, o := range faults {
			if o.name != k.name || o.effect.IsZero() || len(o.pages) == 0 || !slices.Contains(o.truth, o.pages[0].suspect) {
				continue
			}
			word := o.pages[0].alert
			if r := o.pages[0].refinement; r != "" {
				word += "/" + r
			}
			says[word]++
		}
		if len(says) > 0 {
			fmt.Fprintf(out, "%-16s %s\n", k.name, listed(says))
		}
	}
}

// quiet prints how many weeks paged in which nothing should have, by kind.
func quiet(out io.Writer, weeks []outcome) {
	fmt.Fprintf(out, "%-16s %5s %9s %6s  %s\n", "quiet week", "weeks", "with page", "pages", "of which")
	allWeeks, allWith, allPages := 0, 0, 0
	for _, c := range calms {
		n, with, pages := 0, 0, 0
		alerts := map[string]int{}
		for _, o := range weeks {
			if o.name != c.name {
				continue
			}
			n++
			pages += len(o.pages)
			for _, p := range o.pages {
				alerts[p.alert]++
			}
			if len(o.pages) > 0 {
				with++
			}
		}
		if n > 0 {
			fmt.Fprintf(out, "%-16s %5d %9s %6s  %s\n", c.name, n, count(with), count(pages), listed(alerts))
		}
		allWeeks, allWith, allPages = allWeeks+n, allWith+with, allPages+pages
	}
	const weeksAMonth = 52. / 12
	fmt.Fprintf(out, "%-16s %5d %9s %6s  %.2f pages per service and month\n", "all", allWeeks, count(allWith), count(allPages),
		weeksAMonth*float64(allPages)/float64(allWeeks))
}

// misses lists each run that did not go as it should, to be replayed with
// -only NAME -seed N -v.
func misses(out io.Writer, faults, weeks []outcome) {
	fmt.Fprintf(out, "%-16s %4s %-32s %s\n", "not as it should", "seed", "strength", "pages, in cycles after the effect")
	for _, o := range faults {
		if len(o.early) > 0 {
			fmt.Fprintf(out, "%-16s %4d %-32s %s\n", o.name, o.seed, "before the fault", paged(o.early, o.onset))
		}
		if o.effect.IsZero() || len(o.pages) == 1 && slices.Contains(o.truth, o.pages[0].suspect) {
			continue
		}
		fmt.Fprintf(out, "%-16s %4d %-32s %s\n", o.name, o.seed, o.strength, paged(o.pages, o.effect))
	}
	for _, o := range weeks {
		if len(o.pages) > 0 {
			words := make([]string, len(o.pages))
			for i, p := range o.pages {
				words[i] = p.alert + " " + p.at.Format("Mon 2 Jan 15:04")
			}
			fmt.Fprintf(out, "%-16s %4d %-32s %s\n", o.name, o.seed, "", strings.Join(words, ", "))
		}
	}
}

func paged(pages []page, effect time.Time) string {
	if len(pages) == 0 {
		return "none"
	}
	words := make([]string, len(pages))
	for i, p := range pages {
		words[i] = fmt.Sprintf("%s %+.0f", p.alert, p.at.Sub(effect).Minutes())
		if p.superseded {
			words[i] += " superseded"
		}
	}
	return strings.Join(words, ", ")
}

// listed writes counts by name, in the order of the names.
func listed(counts map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(words, ", ")
}

func count(n int) string {
	if n == 0 {
		return "."
	}
	return fmt.Sprint(n)
}

func share(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(of))
}

// quantile returns the q-quantile as text, "-" of nothing.
func quantile(v []float64, q float64) string {
	if len(v) == 0 {
		return "-"
	}
	s := slices.Sorted(slices.Values(v))
	return fmt.Sprintf("%.0f", s[min(int(q*float64(len(s))), len(s)-1)])
}
