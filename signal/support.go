package signal

import (
	"fmt"
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
	switch {
	case !ok:
		return nil
	case span == 0:
		return expr
	}
	return &parser.BinaryExpr{
		Op: parser.DIV, LHS: &parser.ParenExpr{Expr: expr}, RHS: &parser.NumberLiteral{Val: span.Seconds()},
	}
}

// counts reports whether an expression adds up increases of counters, and over
// which time each is; 0 is per second.
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
			return 0, true
		case "increase":
			if m, ok := e.Args[0].(*parser.MatrixSelector); ok {
				return m.Range, m.Range > 0
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
	native, err := queries.ParseExpr(fmt.Sprintf("histogram_count(%s)", expr))
	if err != nil {
		return nil
	}
	counted := native
	if selectors := selectorsOf(expr); len(selectors) == 1 && strings.HasSuffix(selectors[0].Name, "_bucket") {
		if counted, err = queries.ParseExpr(expr.String()); err != nil {
			return nil
		}
		if counted = allBuckets(counted); counted == nil {
			return nil
		}
	}
	if span == 0 {
		return counted
	}
	return &parser.BinaryExpr{
		Op: parser.DIV, LHS: &parser.ParenExpr{Expr: counted}, RHS: &parser.NumberLiteral{Val: span.Seconds()},
	}
}

// allBuckets turns rates of buckets into that of the one above all, +Inf, without
// the label le. It changes the expression, and returns nil if the label would stay.
func allBuckets(expr parser.Expr) parser.Expr {
	selector := selectorsOf(expr)[0]
	selector.LabelMatchers = append(selector.LabelMatchers, labels.MustNewMatcher(labels.MatchEqual, labels.BucketLabel, "+Inf"))
	for e := expr; ; {
		switch inner := e.(type) {
		case *parser.ParenExpr:
			e = inner.Expr
			continue
		case *parser.AggregateExpr:
			if inner.Without {
				inner.Grouping = append(inner.Grouping, labels.BucketLabel)
			} else {
				inner.Grouping = slices.DeleteFunc(inner.Grouping, func(l string) bool { return l == labels.BucketLabel })
			}
			return expr
		case *parser.Call:
			return &parser.AggregateExpr{Op: parser.SUM, Expr: expr, Without: true, Grouping: []string{labels.BucketLabel}}
		}
		return nil
	}
}

func selectorsOf(expr parser.Expr) []*parser.VectorSelector {
	var out []*parser.VectorSelector
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			out = append(out, s)
		}
		return nil
	})
	return out
}
