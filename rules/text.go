package rules

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"text/template"
	"time"

	"tidemark/detector"
	"tidemark/signal"
)

// Facts are the numbers of one observation, written for a person. They are what
// a summary or a because template shows.
type Facts struct {
	Title    string // cache hit ratio
	Value    string // 41 %
	Expected string // 93 %
	Lower    string
	Upper    string
	Band     string // 90–95 %
	Times    string // 2.9×, the value in terms of what is expected
	Percent  string // +31 %, the deviation
	Since    string // 22:03:10 UTC
}

func facts(o *Observation) *Facts {
	s, j := o.Signal, o.Judgement
	f := &Facts{
		Title:    s.Title,
		Value:    s.Format(j.Value),
		Expected: s.Format(j.Expected),
		Lower:    s.Format(j.Lower),
		Upper:    s.Format(j.Upper),
		Band:     s.Range(j.Lower, j.Upper),
		Times:    "an unknown multiple of",
		Percent:  "an unknown deviation",
	}
	if ratio := j.Value / j.Expected; j.Expected != 0 && !math.IsNaN(ratio) && !math.IsInf(ratio, 0) {
		f.Times = times(ratio)
		f.Percent = fmt.Sprintf("%+.0f %%", 100*(ratio-1))
	}
	if !j.Since.IsZero() {
		f.Since = clock(j.Since)
	}
	return f
}

// factsIf returns the facts of an observation that is as expected, nil of any
// other or of none.
func factsIf(o *Observation, is Expectation) *Facts {
	if o == nil {
		return nil
	}
	c := Condition{Is: is, relief: weakRelief}
	if is != "" && c.checkSeries(o, false).Outcome != Met {
		return nil
	}
	return facts(o)
}

func times(ratio float64) string {
	if ratio >= 10 {
		return fmt.Sprintf("%.0f×", ratio)
	}
	return fmt.Sprintf("%.2g×", ratio)
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }

// render writes a summary of the rule for a view. A template that fails at run
// time, or says nothing, must not silence a page: the fallback is a plain sentence.
func (r *Rule) render(summary *template.Template, v *View) string {
	t, err := summary.Clone()
	if err == nil {
		var b strings.Builder
		t.Funcs(template.FuncMap{
			"sig":  func(names ...string) *Facts { return factsIf(v.strongest(names), "") },
			"up":   func(names ...string) *Facts { return factsIf(v.strongest(names), IsUp) },
			"down": func(names ...string) *Facts { return factsIf(v.strongest(names), IsDown) },
		})
		err = t.Execute(&b, nil)
		if text := strings.Join(strings.Fields(b.String()), " "); err == nil && text != "" {
			return text
		}
	}
	look := "look at " + article(r.Suspect)
	if r.Suspect == signal.Unknown {
		look = "the cause is not known"
	}
	if err == nil {
		return fmt.Sprintf("%s: %s (its summary is empty)", r.Alert, look)
	}
	return fmt.Sprintf("%s: %s (its summary cannot be shown: %v)", r.Alert, look, templateError(err))
}

// strongest returns the observation with the largest surprise among the first
// of the signals that has a value in the scope, or nil.
func (v *View) strongest(names []string) *Observation {
	for _, name := range names {
		var best *Observation
		series := v.Signals[name].Series
		for i := range series {
			o := &series[i]
			if o.Judgement.State == detector.Unknown {
				continue
			}
			if best == nil || o.Judgement.Surprise(detector.Both) > best.Judgement.Surprise(detector.Both) {
				best = o
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// sentence is a because template. Its data are Facts.
type sentence struct{ t *template.Template }

// because says in words why the finding speaks against its rule.
func (f finding) because() string {
	c := f.cond
	if c.reason != nil && f.by != nil {
		var b strings.Builder
		if c.reason.t.Execute(&b, facts(f.by)) == nil {
			return b.String()
		}
	}
	switch {
	case c.Is == IsChanged:
		return fmt.Sprintf("no %s change in the %s before it began", titles(c.Signals), c.Within)
	case f.by == nil:
		return fmt.Sprintf("nothing is seen of %s", titles(c.Signals))
	}
	n := facts(f.by)
	switch {
	case f.Outcome == Met && c.deviation():
		return fmt.Sprintf("%s %s (usually %s)%s", n.Title, n.Value, n.Expected, since(n))
	case f.Outcome == Met:
		return fmt.Sprintf("%s is %s", n.Title, n.Value)
	case c.Is == IsAbsent:
		return fmt.Sprintf("%s is reported", n.Title)
	case c.deviation() && within(f.by.Judgement):
		return fmt.Sprintf("%s %s, inside the usual %s", n.Title, n.Value, n.Band)
	case c.deviation():
		return fmt.Sprintf("%s %s, not clearly %s (usually %s)", n.Title, n.Value, c.Is, n.Expected)
	default:
		return fmt.Sprintf("%s is %s", n.Title, n.Value)
	}
}

func within(j detector.Judgement) bool { return j.Value >= j.Lower && j.Value <= j.Upper }

func since(n *Facts) string {
	if n.Since == "" {
		return ""
	}
	return " since " + n.Since
}

func titles(names signal.Names) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = cmp.Or(signal.Standard[name].Title, strings.ReplaceAll(name, "_", " "))
	}
	return strings.Join(words, " or ")
}
