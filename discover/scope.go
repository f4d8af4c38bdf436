package discover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// chooseScope finds the primary source of requests, and the labels that tell its
// services apart: they are the global scope.
func (s *search) chooseScope(found []*source) {
	for _, src := range found {
		if src.entry.Part == web && (s.web == nil || s.better(src, s.web) < 0) {
			s.web = src
		}
	}
	if s.web == nil {
		s.scope, s.why = []string{}, "nothing tells of requests, so all that is found belongs together"
		return
	}
	choices := s.scopes(s.web)
	if len(choices) == 0 {
		s.scope, s.why = []string{}, "the series of "+s.web.metric+" have no label that tells services apart"
		return
	}
	s.scope = choices[0]
	s.why = fmt.Sprintf("the label of %s that tells services apart: %s", s.web.metric, enumerate(s.web.values(s.scope)))
	if len(s.scope) > 1 {
		s.why = strings.NewReplacer("the label of", "the labels of", "that tells", "that tell").Replace(s.why)
	}
	for _, c := range choices[1:] {
		s.other = append(s.other, fmt.Sprintf("[%s]: %s", strings.Join(c, ", "), enumerate(s.web.values(c))))
	}
}

// scopes returns the label choices for a source, best first.
func (s *search) scopes(src *source) [][]string {
	var out [][]string
	add := func(by ...string) {
		if len(by) == 0 || !src.everywhere(by) || slices.ContainsFunc(out, func(o []string) bool { return slices.Equal(o, by) }) {
			return
		}
		// A label by which services of several namespaces look the same needs
		// the namespace, too.
		if wider := append([]string{"namespace"}, by...); !slices.Contains(by, "namespace") &&
			src.everywhere(wider) && len(src.values(wider)) > len(src.values(by)) {
			out = append(out, wider)
		}
		out = append(out, by)
	}
	add(s.options.Prefer...)
	for _, l := range slices.Concat(src.entry.Labels, usualLabels) {
		add(l)
	}
	return out
}

// place gives a source its scope: the global one if its series have the labels
// and belong to the same services, else as many of its labels as they have. A source of which several jobs
// exist, in no scope that tells them apart, becomes several.
func (s *search) place(src *source) []*source {
	switch {
	case src == s.web || s.web != nil && len(s.scope) > 0 && s.overlap(src, s.scope):
		src.by, src.shared = s.scope, true
		for _, l := range s.scope {
			if !src.everywhere([]string{l}) {
				src.matchers = append(src.matchers, labels.MustNewMatcher(labels.MatchNotEqual, l, ""))
			}
		}
		return []*source{src}
	case src.entry.Shared && s.web != nil && len(s.scope) > 0:
		return nil
	case src.entry.Part == web:
		if choices := s.scopes(src); len(choices) > 0 {
			src.by = choices[0]
		}
		return []*source{src}
	}
	for _, l := range s.scope {
		if src.everywhere([]string{l}) && s.overlap(src, []string{l}) {
			src.by = append(src.by, l)
		}
	}
	jobs := src.values([]string{"job"})
	if len(jobs) < 2 || src.entry.Shared {
		return []*source{src}
	}
	var out []*source
	for _, job := range jobs {
		one := *src
		one.matchers = []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "job", job)}
		one.groups = slices.DeleteFunc(slices.Clone(src.groups), func(g group) bool { return string(g.labels[model.LabelName("job")]) != job })
		out = append(out, &one)
	}
	return out
}

// overlap reports whether some of the source's series have the same values of the
// labels as a service that has requests.
func (s *search) overlap(src *source, by []string) bool {
	services := s.web.values(by)
	for _, g := range src.groups {
		if _, found := slices.BinarySearch(services, valuesOf(g.labels, by)); found {
			return true
		}
	}
	return false
}

// shown is how many values of a label are listed.
const shown = 8

// enumerate lists values for a person.
func enumerate(values []string) string {
	if len(values) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(values[:shown], ", "), len(values)-shown)
	}
	return strings.Join(values, ", ")
}
