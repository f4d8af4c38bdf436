package discover

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"
)

// usualLabels may say whose a series is, best first.
var usualLabels = []string{"service", "app", "application", "service_name", "app_kubernetes_io_name", "job"}

// source is an entry that was found.
type source struct {
	entry    *entry
	metric   string
	vars     map[string]string // what Present captured and Pick found
	matchers []*labels.Matcher // of one of several jobs
	groups   []group           // of the metric's series
	by       []string          // the labels by which its queries are added up
	shared   bool              // by is the global scope
	window   time.Duration     // of rates
	history  time.Duration
	weight   float64 // what it is asked per second, to compare it with others
	rank     int     // among the sources of its part and level, 0 is the primary
}

// group is how many series have the same labels, as far as they matter.
type group struct {
	labels model.LabelSet
	series int
}

func (s *source) series() int {
	n := 0
	for _, g := range s.groups {
		n += g.series
	}
	return n
}

// selector is what tells the source from others of its kind.
func (s *source) selector() string {
	if len(s.matchers) == 0 {
		return ""
	}
	parts := make([]string, len(s.matchers))
	for i, m := range s.matchers {
		parts[i] = m.String()
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// title names the source for a person, so that it can be told from others.
func (s *source) title() string {
	t := s.entry.Title
	if p := s.vars["prefix"]; p != "" {
		t += " " + p + "*"
	}
	if len(s.matchers) > 0 && s.matchers[0].Type == labels.MatchEqual {
		t += " " + s.selector()
	}
	return t
}

// values returns the values that all given labels have together, sorted.
func (s *source) values(by []string) []string {
	seen := map[string]bool{}
	for _, g := range s.groups {
		seen[valuesOf(g.labels, by)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func valuesOf(ls model.LabelSet, by []string) string {
	parts := make([]string, len(by))
	for i, l := range by {
		parts[i] = string(ls[model.LabelName(l)])
	}
	return strings.Join(parts, "/")
}

// everywhere reports whether all series have all of the labels.
func (s *source) everywhere(by []string) bool {
	for _, g := range s.groups {
		for _, l := range by {
			if g.labels[model.LabelName(l)] == "" {
				return false
			}
		}
	}
	return true
}

// findSources finds what there is, and in which scopes.
func (s *search) findSources(ctx context.Context, entries []entry) error {
	found := s.match(entries)
	err := s.each(ctx, found, func(ctx context.Context, src *source) error { return s.describe(ctx, src) })
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(src *source) bool { return len(src.groups) == 0 || s.useless(src) })
	if err := s.each(ctx, found, s.weigh); err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(src *source) bool { return src.entry.Asked && !(src.weight > 0) })
	s.chooseScope(found)
	for _, src := range found {
		s.sources = append(s.sources, s.place(src)...)
	}
	if err := s.each(ctx, s.sources, s.weigh); err != nil {
		return err
	}
	s.rank()
	return s.each(ctx, s.sources, s.age)
}

// concurrency is how many queries are under way at most.
const concurrency = 4

func (s *search) each(ctx context.Context, sources []*source, do func(context.Context, *source) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for _, src := range sources {
		g.Go(func() error { return do(ctx, src) })
	}
	return g.Wait()
}

// describe asks which labels the source's series have.
func (s *search) describe(ctx context.Context, src *source) error {
	wanted := slices.Concat(s.options.Prefer, src.entry.Labels, usualLabels, []string{"namespace", "instance"}, src.entry.Splits)
	for _, p := range src.entry.Pick {
		wanted = append(wanted, p.Labels...)
	}
	slices.Sort(wanted)
	v, err := s.ask(ctx, fmt.Sprintf("count by (%s) (%s)", strings.Join(slices.Compact(wanted), ", "), src.metric), s.options.At)
	if err != nil {
		return err
	}
	for _, sample := range v {
		src.groups = append(src.groups, group{labels: model.LabelSet(sample.Metric), series: int(sample.Value)})
	}
	for name, p := range src.entry.Pick {
		if label := picked(src, p); label != "" {
			src.vars[name] = label
		}
	}
	return nil
}

// picked returns the first of the labels that has a value which matches.
func picked(src *source, p pick) string {
	for _, label := range p.Labels {
		for _, g := range src.groups {
			if v := string(g.labels[model.LabelName(label)]); v != "" && p.Values.MatchString(v) {
				return label
			}
		}
	}
	return ""
}

// useless reports whether the source lacks a label without which it tells
// nothing.
func (s *search) useless(src *source) bool {
	e := src.entry
	if len(e.Pick) == 0 {
		return false
	}
	for quantity := range e.Quantities {
		if _, ok := s.expand(src, "$"+quantity, nil); ok {
			return false
		}
	}
	return len(e.Quantities) > 0
}

// weigh measures how much the source is asked per second.
func (s *search) weigh(ctx context.Context, src *source) error {
	src.weight = 0
	for _, quantity := range []string{"$requests", "$lookups", "$queries"} {
		if src.entry.Quantities[quantity[1:]] == nil {
			continue
		}
		query, ok := s.expand(src, quantity, nil)
		if !ok {
			continue
		}
		v, err := s.ask(ctx, query, s.options.At)
		if err != nil {
			return err
		}
		if len(v) == 1 && !math.IsNaN(float64(v[0].Value)) {
			src.weight = float64(v[0].Value)
		}
		return nil
	}
	return nil
}

// usable counts the signals that the source may give.
func (s *search) usable(src *source) int {
	n := 0
	for _, t := range src.entry.templates() {
		if _, ok := s.expand(src, t.Query, nil); ok {
			n++
		}
	}
	return n
}

// better orders sources of one part: by level, then by how much they are asked
// (in powers of ten), then by how much they tell.
func (s *search) better(a, b *source) int {
	size := func(src *source) float64 { return math.Floor(math.Log10(max(src.weight, 1e-9))) }
	return cmp.Or(
		cmp.Compare(slices.Index(levels, a.entry.Level), slices.Index(levels, b.entry.Level)),
		cmp.Compare(size(b), size(a)),
		cmp.Compare(s.usable(b), s.usable(a)),
		cmp.Compare(b.weight, a.weight),
		cmp.Compare(a.title(), b.title()),
	)
}

// rank orders the sources of each part and level.
func (s *search) rank() {
	slices.SortStableFunc(s.sources, func(a, b *source) int {
		return cmp.Or(cmp.Compare(slices.Index(parts, a.entry.Part), slices.Index(parts, b.entry.Part)), s.better(a, b))
	})
	for i, src := range s.sources {
		if i > 0 && src.entry.Part == s.sources[i-1].entry.Part && src.entry.Level == s.sources[i-1].entry.Level {
			src.rank = s.sources[i-1].rank + 1
		}
	}
}
