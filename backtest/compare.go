package backtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/incident"
)

// Comparison is what another configuration found in the same samples, against
// the report that it is part of. A is the report's, B the other one.
type Comparison struct {
	Name  string // of the other configuration's file
	Other *Report
	OnlyA []incident.Incident
	OnlyB []incident.Incident
	Both  []Pair
}

// Pair is one trouble as both configurations saw it.
type Pair struct{ A, B incident.Incident }

// comparable reports what keeps two configurations from being run on the same
// samples.
func (o Options) comparable() error {
	a, b := o.Config, o.Other
	switch {
	case a.Global.EvaluationInterval != b.Global.EvaluationInterval:
		return fmt.Errorf("%s: evaluation_interval %s is not %s as in the first configuration: the slots would differ, so write the same", o.OtherName, b.Global.EvaluationInterval, a.Global.EvaluationInterval)
	case a.Prometheus.URL.String() != b.Prometheus.URL.String():
		return fmt.Errorf("%s: prometheus.url is not that of the first configuration: a comparison is on the same samples, so write the same", o.OtherName)
	case a.Prometheus.History != b.Prometheus.History:
		return fmt.Errorf("%s: prometheus.history %s is not %s as in the first configuration: both learn from the same samples, so write the same", o.OtherName, b.Prometheus.History, a.Prometheus.History)
	default:
		return nil
	}
}

// compare pairs the incidents of two reports. Two are one trouble if their scopes
// have the same value for every label that both have, and if the times from their
// onset to their end overlap; those of the same rule come first, then those that
// began first.
func compare(name string, a, b *Report) *Comparison {
	c := &Comparison{Name: name, Other: b}
	partner := make([]int, len(a.Incidents)) // index in b plus 1
	taken := make([]bool, len(b.Incidents))
	for _, sameRule := range []bool{true, false} {
		for i, x := range a.Incidents {
			for k, y := range b.Incidents {
				if partner[i] > 0 || taken[k] || sameRule && x.Verdict.Rule != y.Verdict.Rule || !oneTrouble(x, y) {
					continue
				}
				partner[i], taken[k] = k+1, true
			}
		}
	}
	for i, x := range a.Incidents {
		if k := partner[i]; k > 0 {
			c.Both = append(c.Both, Pair{x, b.Incidents[k-1]})
		} else {
			c.OnlyA = append(c.OnlyA, x)
		}
	}
	for k, y := range b.Incidents {
		if !taken[k] {
			c.OnlyB = append(c.OnlyB, y)
		}
	}
	return c
}

func oneTrouble(x, y incident.Incident) bool {
	before := func(x, y incident.Incident) bool { return !x.Open() && x.ResolvedAt.Before(y.StartedAt) }
	return agree(x.Verdict.Scope, y.Verdict.Scope) && !before(x, y) && !before(y, x)
}

// Differences say what B makes of a trouble otherwise than A. It is empty if
// there is nothing.
func (p Pair) Differences() string {
	var parts []string
	a, b := p.A.Verdict, p.B.Verdict
	if a.Rule != b.Rule {
		parts = append(parts, "there "+b.Alert)
	}
	if a.Suspect != b.Suspect {
		parts = append(parts, fmt.Sprintf("there it points at %s, here at %s", b.Suspect, a.Suspect))
	}
	if a.Severity != b.Severity {
		parts = append(parts, fmt.Sprintf("there %s, here %s", b.Severity, a.Severity))
	}
	switch here, there := p.A.SuppressedBy, p.B.SuppressedBy; {
	case here == there:
	case here == "":
		parts = append(parts, "there suppressed by "+there)
	case there == "":
		parts = append(parts, "here suppressed by "+here)
	default:
		parts = append(parts, fmt.Sprintf("there suppressed by %s, here by %s", there, here))
	}
	if !a.Scope.Equal(b.Scope) {
		parts = append(parts, "there in "+b.Scope.String())
	}
	for _, t := range []struct {
		what string
		a, b time.Time
	}{{"onset", p.A.StartedAt, p.B.StartedAt}, {"page", p.A.FiredAt, p.B.FiredAt}, {"end", p.A.ResolvedAt, p.B.ResolvedAt}} {
		switch {
		case t.a.Equal(t.b):
		case t.b.IsZero():
			parts = append(parts, "there it goes on at the end of the range")
		case t.a.IsZero():
			parts = append(parts, "here it goes on at the end of the range")
		case t.b.After(t.a):
			parts = append(parts, fmt.Sprintf("%s %s later there", t.what, model.Duration(t.b.Sub(t.a))))
		default:
			parts = append(parts, fmt.Sprintf("%s %s earlier there", t.what, model.Duration(t.a.Sub(t.b))))
		}
	}
	return strings.Join(parts, ", ")
}

// Same counts the pairs without a difference.
func (c *Comparison) Same() int {
	n := 0
	for _, p := range c.Both {
		if p.Differences() == "" {
			n++
		}
	}
	return n
}
