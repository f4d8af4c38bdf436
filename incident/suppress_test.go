package incident

import (
	"testing"
	"time"

	"tidemark/rules"
)

// TestSuppress plays an incident whose suppression comes and goes, told by a
// letter for each cycle: s if it would cover the incident, . if not.
func TestSuppress(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		want         string // s while it is suppressed
	}{
		{"suppressed all the time", "ssss", "ssss"},
		{"outgrown", "sss..", "sss.."},
		{"outgrown for good", "sss.ss", "sss..."},
		{"covered after it has paged", "..sss", "....."},
		{"covered while pending", "s.sss", "s...."},
		{"covered from its page on", ".ssss", ".ssss"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := NewBook(Options{})
			got := ""
			for i, c := range tc.script {
				v := verdict("bypass", "cache", noon)
				b.Update(noon.Add(time.Duration(i)*cycle), shop, rules.Result{Best: v, Open: rules.Met, OpenVerdict: v})
				b.Suppress(func(Incident) string {
					if c == 's' {
						return "mine"
					}
					return ""
				})
				if in := b.Incidents()[0]; in.SuppressedBy != "" {
					got += "s"
				} else {
					got += "."
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if in := b.Incidents()[0]; in.Pages() != (tc.want[len(tc.want)-1] == '.') {
				t.Errorf("pages is %v, suppressed by %q", in.Pages(), in.SuppressedBy)
			}
		})
	}
}

// TestSuppressAnew checks that a book which an incident was restored to may
// suppress it although it has paged, and keeps what a resolved one was.
func TestSuppressAnew(t *testing.T) {
	mine := func(Incident) string { return "mine" }
	b := NewBook(Options{})
	play(b, noon, "bb")
	b.Suppress(func(Incident) string { return "" })
	next := NewBook(Options{})
	next.Restore(b.Incidents())
	next.Suppress(mine)
	if in := next.Incidents()[0]; in.SuppressedBy != "mine" {
		t.Errorf("suppressed by %q, want mine", in.SuppressedBy)
	}
	next.Update(noon.Add(10*cycle), shop, rules.Result{Open: rules.NotMet})
	next.Suppress(func(Incident) string { return "" })
	if in := next.Incidents()[0]; in.Open() || in.SuppressedBy != "mine" {
		t.Errorf("got %s, suppressed by %q, want resolved and mine", in.State, in.SuppressedBy)
	}
}
