package signal

import (
	"regexp"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// recordedRE finds the range in the name of a recording rule, which is by convention
// level:metric:operations, with the newest operation first.
var recordedRE = regexp.MustCompile(`:[a-z_]*?([0-9]+[smhd])$`)

// windowOf returns the longest range in a query, or in the names of the recording
// rules that it asks for; 0 if there is none.
func windowOf(q string) time.Duration {
	window := time.Duration(0)
	expr, err := queries.ParseExpr(q)
	if err != nil {
		return 0
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.MatrixSelector:
			window = max(window, n.Range)
		case *parser.SubqueryExpr:
			window = max(window, n.Range)
		case *parser.VectorSelector:
			if m := recordedRE.FindStringSubmatch(n.Name); m != nil {
				recorded, _ := model.ParseDuration(m[1]) // the expression is for durations only
				window = max(window, time.Duration(recorded))
			}
		}
		return nil
	})
	return window
}
