package discover

import (
	"cmp"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// webRequests stands for the rate of requests of another source while a template
// is expanded.
const webRequests = "tidemark_web_requests"

var promql = parser.NewParser(parser.Options{})

// expand makes a query of a template: added up by the given labels, restricted
// to the source. It reports false if the source has not all that the template
// asks for.
func (s *search) expand(src *source, text string, by []string) (string, bool) {
	complete := true
	var lookup func(string) string
	lookup = func(name string) string {
		if v, ok := src.vars[name]; ok {
			return v
		}
		switch {
		case name == "by":
			return strings.Join(by, ", ")
		case name == "w":
			return window(src.window)
		case src.entry.Quantities[name] != nil:
			for _, alternative := range src.entry.Quantities[name] {
				before := complete
				inner := os.Expand(alternative, lookup)
				if complete && s.exists(inner) {
					return "sum by (" + strings.Join(by, ", ") + ") (" + inner + ")"
				}
				complete = before
			}
		case name == "requests" && s.web != nil:
			return webRequests
		}
		complete = false
		return "x"
	}
	text = os.Expand(text, lookup)
	if !complete || !s.exists(text) {
		return "", false
	}
	expr, err := promql.ParseExpr(text)
	if err != nil {
		return "", false
	}
	restrict(expr, src.matchers)
	text = expr.String()
	if strings.Contains(text, webRequests) {
		requests, ok := s.expand(s.web, "$requests", by)
		if !ok {
			return "", false
		}
		text = strings.ReplaceAll(text, webRequests, requests)
	}
	return text, true
}

// exists reports whether text is an expression all of whose metrics exist.
func (s *search) exists(text string) bool {
	names, ok := metricNames(text)
	return ok && !slices.ContainsFunc(names, func(n string) bool { return n != webRequests && !s.names[n] })
}

// metricNames returns the names of the metrics in an expression.
func metricNames(text string) ([]string, bool) {
	expr, err := promql.ParseExpr(text)
	if err != nil {
		return nil, false
	}
	var names []string
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			names = append(names, v.Name)
		}
		return nil
	})
	return names, true
}

// restrict adds matchers to all selectors but the one for other sources.
func restrict(expr parser.Expr, matchers []*labels.Matcher) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok && v.Name != webRequests {
			v.LabelMatchers = append(v.LabelMatchers, matchers...)
			slices.SortStableFunc(v.LabelMatchers, func(a, b *labels.Matcher) int { return cmp.Compare(a.Name, b.Name) })
		}
		return nil
	})
}

// pretty breaks a query in two lines, before the operator that is applied last.
func pretty(query string) string {
	expr, err := promql.ParseExpr(query)
	if err != nil {
		return query
	}
	if b, ok := expr.(*parser.BinaryExpr); ok {
		left := b.LHS.String()
		if right, ok := strings.CutPrefix(query, left+" "); ok {
			return left + "\n  " + right
		}
	}
	return query
}
