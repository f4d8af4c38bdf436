package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/demo/history"
	"tidemark/demo/shop"
	"tidemark/internal/promtest"
)

// The past that docs/getting-started.md looks at: two weeks of the demo's shop,
// and what was wrong in the last three days.
var (
	pastStart = time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	pastEnd   = at(15, 0, 0)

	pastFaults = []history.Fault{
		// One replica of three does not ask the cache any more.
		{From: at(12, 20, 15), To: at(12, 21, 0), Bypass: 1. / 3},
		{From: at(13, 10, 30), To: at(13, 11, 10), Slow: 3},
		{From: at(14, 14, 0), To: at(14, 14, 40), Release: shop.Bad},
	}
)

func at(day, hour, minute int) time.Time {
	return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC)
}

// startShopPast starts a Prometheus that has scraped the shop each minute.
func startShopPast(t *testing.T) *promtest.Server {
	t.Helper()
	dir := t.TempDir()
	err := history.Create(t.Context(), history.Options{
		Model: shop.Default, Start: pastStart, End: pastEnd, Step: time.Minute, Block: 54 * time.Hour,
		Labels: map[string]string{"job": "web", "instance": "shop-1", "service": "shop"},
		Jitter: 2 * time.Millisecond, Faults: pastFaults, Seed: 1,
	}, "promtool", dir, func(float64) {})
	if err != nil {
		t.Fatal(err)
	}
	return promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir})
}

// TestFirstFiveMinutes does what docs/getting-started.md says, command by command,
// on a real Prometheus, and finds what the page shows; then that what was found
// are the faults that there were, by their right names, and nothing else.
func TestFirstFiveMinutes(t *testing.T) {
	text, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	p := startShopPast(t)
	t.Chdir(t.TempDir())
	const address = "http://127.0.0.1:9090" // on the page
	do := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
			t.Fatalf("%v: exit code %d, want 0; standard error:\n%s", args, code, stderr.String())
		}
		if strings.Contains(stderr.String(), "warning") {
			t.Errorf("%v warns:\n%s", args, stderr.String())
		}
		return strings.ReplaceAll(stdout.String(), p.URL, address)
	}
	report, commands := "", 0
	for _, b := range blocksOf(string(text)) {
		command, isCommand := strings.CutPrefix(b.first, "$ tidemark ")
		switch {
		case isCommand:
			commands++
			args := strings.Fields(strings.ReplaceAll(command, address, p.URL))
			if args[0] == "discover" {
				// The page's reader has a Prometheus that still scrapes.
				args = append(args, "--time="+pastEnd.Add(-time.Minute).Format(time.RFC3339))
			}
			report = do(args...)
			b.compare(t, report)
		case b.file != "":
			got, err := os.ReadFile(b.file)
			if err != nil {
				t.Fatal(err)
			}
			b.compare(t, strings.ReplaceAll(string(got), p.URL, address))
		}
	}
	if commands != 3 {
		t.Errorf("the page has %d commands, want 3", commands)
	}

	// The last command is the backtest.
	var got []string
	for i, m := range pages.FindAllStringSubmatch(report, -1) {
		got = append(got, m[2]+": "+m[3])
		if i >= len(pastFaults) {
			continue
		}
		f := pastFaults[i]
		onset, err := time.Parse(time.DateTime, m[1])
		if err != nil {
			t.Fatal(err)
		}
		lasted, err := time.ParseDuration(m[4])
		if err != nil {
			t.Fatal(err)
		}
		if onset.Before(f.From.Add(-time.Minute)) || onset.After(f.From.Add(5*time.Minute)) {
			t.Errorf("%s: got an onset at %s, want it at %s or soon after", m[2], onset, f.From)
		}
		if end := onset.Add(lasted); end.Before(f.To) || end.After(f.To.Add(15*time.Minute)) {
			t.Errorf("%s: got an end at %s, want it soon after %s", m[2], end, f.To)
		}
	}
	if diff := cmp.Diff([]string{"CacheBypass: cache", "DatabaseSlow: database", "BadDeploy: deploy"}, got); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
}

// pages matches an incident in a report: onset, alert, suspect, and how long it
// lasted.
var pages = regexp.MustCompile(`(?ms)^\w{3} (\S+ \S+)  (\w+)  \{.*?suspect +(\w+).*?resolved +after (\w+),`)

// block is a fenced block of a page.
type block struct {
	file     string   // of which it is a part, by the second word after the fence
	first    string   // line
	segments []string // of the lines after a command, or of all; what lies between them is left out
}

var fences = regexp.MustCompile("(?ms)^```(\\w+) ?(\\S*)\n(.*?)^```$")

func blocksOf(page string) []block {
	var out []block
	for _, m := range fences.FindAllStringSubmatch(page, -1) {
		b := block{file: m[2]}
		body := m[3]
		var rest string
		if b.first, rest, _ = strings.Cut(body, "\n"); strings.HasPrefix(b.first, "$ ") {
			body = rest
		}
		b.segments = regexp.MustCompile(`(?m)^[ #]*…\n`).Split(body, -1)
		out = append(out, b)
	}
	return out
}

// compare reports lines of the page that are not in the output, in their order.
// Numbers are not compared, nor why something is ruled out: they change whenever a
// detector learns to see better.
func (b block) compare(t *testing.T, output string) {
	t.Helper()
	left := masked(output)
	for i, s := range b.segments {
		before, after, found := strings.Cut(left, masked(s))
		if !found || i == 0 && b.file == "" && before != "" {
			t.Errorf("docs/getting-started.md shows below %q\n%s\nwhich is not, or not there, in\n%s", b.first, s, output)
			return
		}
		left = after
	}
	if last := b.segments[len(b.segments)-1]; b.file == "" && last != "" && left != "" {
		t.Errorf("docs/getting-started.md ends after %q\n%s\nand the output goes on:\n%s", b.first, last, left)
	}
}

var (
	digits = regexp.MustCompile(`[0-9]+(?:[.,:][0-9]+)*`)
	spaces = regexp.MustCompile(` +`) // columns are as wide as their numbers

	// because matches a line that says why a component is ruled out.
	because = regexp.MustCompile(`(?m)^((?:  ruled out +| {14})\w+): .*$`)
)

func masked(text string) string {
	return spaces.ReplaceAllString(digits.ReplaceAllString(because.ReplaceAllString(text, "$1"), "#"), " ")
}

// TestBlocksOf makes sure that the page's test can fail.
func TestBlocksOf(t *testing.T) {
	page := "text\n```text\n$ tidemark x\nfirst 1\n…\nlast 2.5\n```\n```yaml tidemark.yml\na: 1\n  # …\nb: 2\n```\n"
	want := []block{
		{"", "$ tidemark x", []string{"first 1\n", "last 2.5\n"}},
		{"tidemark.yml", "a: 1", []string{"a: 1\n", "b: 2\n"}},
	}
	if diff := cmp.Diff(want, blocksOf(page), cmp.AllowUnexported(block{})); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	for text, want := range map[string]string{
		"at 21:03:00,  93.3 % of 1,000":             "at #, # % of #",
		"  ruled out   traffic: requests 100/s":     " ruled out traffic",
		"              database: it is drowned":     " database",
		"              process start at 14:00:00":   " process start at #",
		"    query: sum(rate(http_requests_total))": " query: sum(rate(http_requests_total))",
	} {
		if got := masked(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
