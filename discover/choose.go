package discover

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tidemark/signal"
)

// choose takes, for each signal, the candidate of the best source, and keeps the
// others.
func (s *search) choose() *Result {
	r := &Result{
		Address: s.options.Prometheus.Address(), At: s.options.At,
		Scope: s.scope, ScopeWhy: s.why, OtherScope: s.other, Notes: s.notes,
	}
	for _, part := range parts {
		for _, name := range s.namesOf(part) {
			r.Choices = append(r.Choices, s.choice(part, name))
		}
	}
	r.Choices = withoutTwins(r.Choices)
	used := map[string]bool{}
	for _, c := range r.Choices {
		if c.Taken != nil {
			used[c.Taken.From] = true
		}
	}
	for _, src := range s.sources {
		r.Sources = append(r.Sources, Source{
			Title: src.title(), Metric: src.metric, Selector: src.selector(),
			Series: src.series(), History: src.history, Used: used[src.title()],
		})
		r.Notes = append(r.Notes, s.splits(src, used[src.title()])...)
	}
	return r
}

// namesOf returns the signals for which a part has data, in the order of the
// catalogue.
func (s *search) namesOf(part string) []string {
	var names []string
	for _, c := range s.candidates {
		if c.source.entry.Part == part && c.Series > 0 && !slices.Contains(names, c.Signal.Name) {
			names = append(names, c.Signal.Name)
		}
	}
	return names
}

func (s *search) choice(part, name string) Choice {
	out := Choice{Signal: name}
	var taken *candidate
	for _, c := range s.candidates { // in the order of the sources, best first
		if c.source.entry.Part != part || c.Signal.Name != name || c.Series == 0 {
			continue
		}
		if !s.eligible(c) || c.refused != "" && !c.never {
			continue
		}
		if !c.never {
			taken = c
			out.Taken = &c.Candidate
		}
		break
	}
	for _, c := range s.candidates {
		if c.source.entry.Part != part || c.Signal.Name != name || c.Series == 0 || c == taken {
			continue
		}
		c.Why = s.whyNot(c, taken)
		out.Others = append(out.Others, c.Candidate)
	}
	if taken != nil {
		taken.Why = s.remark(taken)
	}
	return out
}

// eligible reports whether a candidate may be taken. All signals of
// requests come from one source, and so do those of one level of the others:
// evictions of one cache and hits of another one make no sense together. Different
// instrumentation of the same services goes together.
func (s *search) eligible(c *candidate) bool {
	src := c.source
	if src.entry.Part == web {
		return src == s.web || isChange(c.Signal)
	}
	if src.rank == 0 || src.entry.Part == change {
		return true
	}
	return src.shared && src.entry != s.primary(src).entry
}

// primary returns the primary source of the part and level of a source; of
// requests, the one of the part.
func (s *search) primary(src *source) *source {
	if src.entry.Part == web {
		return s.web
	}
	return s.sources[slices.Index(s.sources, src)-src.rank]
}

// whyNot says why a candidate is not the one.
func (s *search) whyNot(c, taken *candidate) string {
	switch {
	case c.refused != "":
		return c.refused
	case taken == nil:
		return "the other signals are those of " + s.primary(c.source).title()
	}
	a, b := c.source, taken.source
	switch {
	case a.entry.Level != b.entry.Level:
		return fmt.Sprintf("as the %s sees it; the %s knows more of what happens", a.entry.Level, b.entry.Level)
	case a.entry.Quantities != nil && b.entry.Quantities != nil:
		why := fmt.Sprintf("%s/s instead of %s/s", number(a.weight), number(b.weight))
		if a.entry.Part == web && slices.Equal(a.by, s.scope) {
			why += "; to watch both, join the queries with `or`"
		}
		return why
	default:
		return ""
	}
}

// remark is what one should know of a candidate that is taken.
func (s *search) remark(c *candidate) string {
	var parts []string
	if math.IsNaN(c.Value) {
		parts = append(parts, "no value at the moment, 0/0")
	}
	if !c.source.shared && s.web != nil && len(s.scope) > 0 && !isChange(c.Signal) {
		whose := "of all services together"
		if len(c.source.by) > 0 {
			whose += " that have the same " + strings.Join(c.source.by, " and ")
		}
		parts = append(parts, whose+", so it takes part in the verdict on each")
	}
	return strings.Join(parts, "; ")
}

// splits tells of choices within a source that its queries add up.
func (s *search) splits(src *source, used bool) []string {
	if !used {
		return nil
	}
	var notes []string
	labels := src.entry.Splits
	if src.entry.Level == "server" && !src.shared {
		labels = append([]string{"instance"}, labels...)
	}
	for _, l := range labels {
		values := slices.DeleteFunc(src.values([]string{l}), func(v string) bool { return v == "" })
		if len(values) > 1 {
			notes = append(notes, fmt.Sprintf("%s: %d values of %s are taken together (%s). If only one belongs to the service, add {%s=%q} to its queries.",
				src.title(), len(values), l, enumerate(values), l, s.likely(values)))
		}
	}
	return notes
}

// likely returns a value that is the name of a service, or else the first one.
func (s *search) likely(values []string) string {
	if s.web != nil {
		for _, v := range values {
			if slices.Contains(s.web.values(s.scope), v) {
				return v
			}
		}
	}
	return values[0]
}

// withoutTwins removes choices that would say the same twice: the mean where a
// quantile is known, and lookups where lookups per request are.
func withoutTwins(choices []Choice) []Choice {
	better := map[string]string{"latency_mean": "latency_p99", "cache_lookups": "cache_lookups_per_request"}
	taken := map[string]bool{}
	for _, c := range choices {
		if c.Taken != nil {
			taken[c.Signal] = true
		}
	}
	var out []Choice
	for _, c := range choices {
		if by, has := better[c.Signal]; has && taken[by] {
			continue
		}
		// Extra signals of several parts may have one name: the first counts.
		if i := slices.IndexFunc(out, func(o Choice) bool { return o.Signal == c.Signal }); i >= 0 {
			out[i].merge(c)
			continue
		}
		out = append(out, c)
	}
	return out
}

// merge adds the candidates of another part for the same signal.
func (c *Choice) merge(o Choice) {
	if o.Taken != nil {
		if c.Taken == nil {
			c.Taken = o.Taken
		} else {
			c.Others = append(c.Others, *o.Taken)
		}
	}
	c.Others = append(c.Others, o.Others...)
}

// missing says what nobody tells.
func (s *search) missing(wanted []remedy, r *Result) []Missing {
	there := map[string]bool{}
	for _, c := range r.Choices {
		there[c.Signal] = there[c.Signal] || c.Taken != nil
	}
	var out []Missing
	told := map[string]bool{}
	for _, src := range s.sources {
		for _, m := range src.entry.Missing {
			absent := !slices.ContainsFunc(m.Signals, func(n string) bool { return there[n] }) && !s.names[m.Metric]
			if !absent || told[m.Remedy] {
				continue
			}
			told[m.Remedy] = true
			for _, n := range m.Signals {
				told[n] = true
			}
			out = append(out, Missing{Signals: m.Signals, What: src.title(), Remedy: m.Remedy})
		}
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(w.Signals, func(n string) bool { return there[n] || told[n] }) {
			out = append(out, Missing{Signals: w.Signals, What: w.What, Remedy: w.Remedy})
		}
	}
	return out
}

// number writes a value with three digits.
func number(v float64) string {
	return signal.Signal{Kind: "gauge"}.Format(v)
}
