package discover

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/signal"
)

// Write writes a complete, commented configuration. The prometheus section is
// given by the caller, as lines of YAML below prometheus:, since it may hold how
// to log in.
func (r *Result) Write(w io.Writer, prometheus string) error {
	out := &text{Writer: bufio.NewWriter(w)}
	out.comment("", "What tidemark found on "+r.Address+" at "+r.At.UTC().Format(time.RFC3339)+". Each query below was asked once and gave data. "+
		"Lines that are commented out are other choices, with the reason why they were not taken. "+
		"Next: `tidemark check config` with this file, and `tidemark backtest` to see what it would have told you.")
	out.line("#")
	r.writeSources(out)
	r.writeMissing(out)
	r.writeNotes(out)

	out.line("global:")
	out.line("  evaluation_interval: 1m")
	if r.ScopeWhy != "" {
		out.comment("  ", sentence(r.ScopeWhy))
	}
	out.line("  scope: [%s]", strings.Join(r.Scope, ", "))
	for _, o := range r.OtherScope {
		out.line("  # scope: %s", o)
	}
	out.line("")
	out.line("prometheus:")
	out.block("  ", prometheus)
	if short := r.shortest(); short > 0 {
		out.comment("  ", "There is "+span(short)+" of history. A day is enough for the daily rhythm, two weeks show the weekly one.")
	}
	out.line("  history: 14d")
	out.line("")
	out.line("signals:")
	for i, c := range r.Choices {
		if i > 0 {
			out.line("")
		}
		out.choice(c)
	}
	out.line("")
	out.line("alerting:")
	out.line("  # Where incidents are sent. Without a receiver they are on tidemark's pages only.")
	out.line("  # alertmanagers:")
	out.line("  #   - url: http://127.0.0.1:9093")
	out.line("  resend_delay: 1m")
	return out.Flush()
}

func (r *Result) writeSources(out *text) {
	out.line("# Found:")
	for _, s := range r.Sources {
		state := ""
		if !s.Used {
			state = " Not used."
		}
		out.comment("", fmt.Sprintf("- %s: %s, %s, history of %s.%s", capital(s.Title), s.Metric, plural(s.Series, "series", "series"), span(s.History), state))
	}
	out.line("#")
}

func (r *Result) writeMissing(out *text) {
	if len(r.Missing) == 0 {
		return
	}
	out.line("# Missing, and what would provide it:")
	for _, m := range r.Missing {
		out.comment("", fmt.Sprintf("- %s (%s): %s.", strings.Join(m.Signals, " or "), m.What, m.Remedy))
	}
	out.line("#")
}

func (r *Result) writeNotes(out *text) {
	if len(r.Notes) == 0 {
		return
	}
	out.line("# Please look at:")
	for _, n := range r.Notes {
		out.comment("", "- "+n)
	}
	out.line("#")
}

// shortest returns the shortest history of the sources in use if it is less than
// two weeks, and else 0.
func (r *Result) shortest() time.Duration {
	short := 14 * 24 * time.Hour
	for _, s := range r.Sources {
		if s.Used {
			short = min(short, s.History)
		}
	}
	if short == 14*24*time.Hour {
		return 0
	}
	return max(short, time.Minute)
}

// text writes YAML. An error of writing is kept by the buffer.
type text struct{ *bufio.Writer }

func (t *text) line(format string, args ...any) {
	fmt.Fprintf(t, format+"\n", args...)
}

// width is where comments are broken.
const width = 90

// comment writes words as comment lines.
func (t *text) comment(indent, words string) {
	hanging := ""
	if strings.HasPrefix(words, "- ") {
		hanging = "  "
	}
	line := indent + "#"
	for word := range strings.FieldsSeq(words) {
		if len(line)+1+len(word) > width && line != indent+"#"+hanging {
			t.line("%s", line)
			line = indent + "#" + hanging
		}
		line += " " + word
	}
	t.line("%s", line)
}

func (t *text) block(indent, lines string) {
	for l := range strings.Lines(lines) {
		t.line("%s%s", indent, strings.TrimRight(l, "\n"))
	}
}

// choice writes a signal, and the candidates that were not taken as comments.
func (t *text) choice(c Choice) {
	if c.Taken != nil {
		about := c.Taken.From + ": " + plural(c.Taken.Series, "series", "series") + now(c.Taken)
		if c.Taken.Why != "" {
			about += "; " + c.Taken.Why
		}
		t.comment("  ", sentence(about))
		t.block("  ", declaration(c.Taken.Signal))
	}
	for _, o := range c.Others {
		about := "Or " + o.Signal.Name + " by " + o.From + ": " + plural(o.Series, "series", "series") + now(&o)
		if o.Why != "" {
			about += "; " + o.Why
		}
		t.comment("  ", about+".")
		t.block("  # ", declaration(o.Signal))
	}
}

// now says the value of a candidate.
func now(c *Candidate) string {
	s := c.Signal
	std := signal.Standard[s.Name]
	if s.Kind == "" {
		s.Kind = std.Kind
	}
	if s.Unit == "" {
		s.Unit = std.Unit
	}
	if math.IsNaN(c.Value) || isChange(s) {
		return ""
	}
	if c.Series > 1 {
		return ", up to " + s.Format(c.Value)
	}
	return ", " + s.Format(c.Value) + " now"
}

// declaration writes an entry of the signals section.
func declaration(s signal.Signal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- name: %s\n", s.Name)
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %s: %s\n", name, scalar(value))
		}
	}
	field("title", s.Title)
	query(&b, "query", s.Query)
	query(&b, "support", s.Support)
	field("kind", string(s.Kind))
	field("component", string(s.Component))
	field("direction", string(s.Direction))
	field("unit", s.Unit)
	field("given", s.Given)
	if s.Scope != nil {
		fmt.Fprintf(&b, "  scope: [%s]\n", strings.Join(s.Scope, ", "))
	}
	return b.String()
}

// query writes an expression: on one line if it is short and YAML leaves it
// alone.
func query(b *strings.Builder, name, expr string) {
	if expr == "" {
		return
	}
	if len(expr) < 100 && plain(expr) {
		fmt.Fprintf(b, "  %s: %s\n", name, expr)
		return
	}
	fmt.Fprintf(b, "  %s: |\n", name)
	if len(expr) >= 100 {
		expr = pretty(expr)
	}
	for line := range strings.Lines(expr) {
		fmt.Fprintf(b, "    %s\n", strings.TrimRight(line, "\n"))
	}
}

// plain reports whether text is a plain scalar of YAML.
func plain(text string) bool {
	return !strings.Contains(text, ": ") && !strings.Contains(text, " #") && text != "" &&
		(text[0] >= 'a' && text[0] <= 'z' || text[0] >= 'A' && text[0] <= 'Z' || text[0] == '(')
}

func scalar(text string) string {
	if plain(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// span writes how long a history is, in its two largest units.
func span(d time.Duration) string {
	for _, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		if d >= 2*unit {
			d = d.Round(unit / 10).Truncate(unit)
			break
		}
	}
	if d < time.Minute {
		return "less than a minute"
	}
	return model.Duration(d).String()
}

func sentence(words string) string { return capital(words) + "." }

func capital(words string) string { return strings.ToUpper(words[:1]) + words[1:] }
