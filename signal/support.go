package signal

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// NoSupport is the value of Support that keeps it from being read off the query.
const NoSupport = "none"

// supportOf reads off a query how many observations per second stand behind its
// samples, as a query: of a share or a mean what it is divided by, of a quantile the
// count of its histogram. It returns "" if the query does not tell, such as the
// name of a recording rule, or a share of something that is not counted.
func supportOf(query string) string {
	expr, err := queries.ParseExpr(query)
	if err != nil {
		return ""
	}
	if counted := countedBy(expr); counted != nil {
		return counted.String()
	}
	return ""
}

// countedBy returns the expression for the observations per second behind one, or
// nil. What only scales, shifts or limits the samples does not change how many
// observations they are of.
func countedBy(expr parser.Expr) parser.Expr {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return countedBy(e.Expr)
	case *parser.BinaryExpr:
		switch {
		case e.RHS.Type() == parser.ValueTypeScalar:
			return countedBy(e.LHS)
		case e.LHS.Type() == parser.ValueTypeScalar:
			if e.Op == parser.DIV {
				return nil // one divided by a share is no share
			}
			return countedBy(e.RHS)
		case e.Op == parser.DIV && e.VectorMatching.Card == parser.CardOneToOne:
			return perSecond(e.RHS)
		}
	case *parser.Call:
		switch e.Func.Name {
		case "clamp", "clamp_max", "clamp_min", "round":
			return countedBy(e.Args[0])
		case "histogram_quantile":
			return histogramCount(e.Args[1])
		}
	}
	return nil
}

// perSecond returns an expression for the events per second that a sum of
// increases counts, or nil if it is something else.
func perSecond(expr parser.Expr) parser.Expr {
	span, ok := counts(expr)
	if !ok {
		return nil
	}
	return over(expr, span)
}

// over divides what is counted over a time by that; 0 is per second already.
func over(expr parser.Expr, span time.Duration) parser.Expr {
	if span == 0 {
		return expr
	}
	return &parser.BinaryExpr{
		Op: parser.DIV, LHS: &parser.ParenExpr{Expr: expr}, RHS: &parser.NumberLiteral{Val: span.Seconds()},
	}
}

// amountRE matches the names of counters that add up seconds or bytes instead of
// events.
var amountRE = regexp.MustCompile(`(_sum|_(seconds|bytes)(_total)?)$`)

// counts reports whether an expression adds up increases of counters of events, and
// over which time each is; 0 is per second.
func counts(expr parser.Expr) (span time.Duration, ok bool) {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return counts(e.Expr)
	case *parser.AggregateExpr:
		if e.Op == parser.SUM {
			return counts(e.Expr)
		}
	case *parser.BinaryExpr:
		if e.RHS.Type() == parser.ValueTypeScalar && e.Op.IsComparisonOperator() && !e.ReturnBool {
			return counts(e.LHS)
		}
		if e.Op == parser.ADD && e.VectorMatching != nil && e.VectorMatching.Card == parser.CardOneToOne {
			left, known := counts(e.LHS)
			right, also := counts(e.RHS)
			return left, known && also && left == right
		}
	case *parser.Call:
		switch e.Func.Name {
		case "clamp_min":
			return counts(e.Args[0])
		case "rate", "irate":
			return 0, !amountRE.MatchString(selectorOf(e).Name)
		case "increase":
			if m, ok := e.Args[0].(*parser.MatrixSelector); ok {
				return m.Range, m.Range > 0 && !amountRE.MatchString(selectorOf(e).Name)
			}
		}
	}
	return 0, false
}

// histogramCount returns an expression for the observations per second of a
// histogram that is given as the rates of its buckets, classic or native, or nil.
func histogramCount(expr parser.Expr) parser.Expr {
	span, ok := counts(expr)
	if !ok {
		return nil
	}
	text := "histogram_count(" + expr.String() + ")"
	classic := strings.HasSuffix(selectorOf(expr).Name, "_bucket")
	if classic {
		text = expr.String() // a copy, to be changed
	}
	counted, err := queries.ParseExpr(text)
	if err != nil {
		return nil
	}
	if classic {
		s := selectorOf(counted)
		s.LabelMatchers = append(s.LabelMatchers, labels.MustNewMatcher(labels.MatchEqual, labels.BucketLabel, "+Inf"))
		if counted = withoutBuckets(counted); counted == nil {
			return nil
		}
	}
	return over(counted, span)
}

// withoutBuckets leaves the label le out of the result of an expression, which it
// changes; it returns nil if it does not know how.
func withoutBuckets(expr parser.Expr) parser.Expr {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		e.Expr = withoutBuckets(e.Expr)
		if e.Expr == nil {
			return nil
		}
		return e
	case *parser.AggregateExpr:
		if e.Without {
			e.Grouping = append(e.Grouping, labels.BucketLabel)
		} else {
			e.Grouping = slices.DeleteFunc(e.Grouping, func(l string) bool { return l == labels.BucketLabel })
		}
		return e
	case *parser.Call:
		return &parser.AggregateExpr{Op: parser.SUM, Expr: e, Without: true, Grouping: []string{labels.BucketLabel}}
	default:
		return nil
	}
}

// selectorOf returns the first selector in an expression, an empty one if there is
// none.
func selectorOf(expr parser.Expr) *parser.VectorSelector {
	out := &parser.VectorSelector{}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok && out.Name == "" {
			out = s
		}
		return nil
	})
	return out
}
