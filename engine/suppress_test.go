package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.yaml.in/yaml/v2"

	"tidemark/suppression"
)

// suppressing returns options with one suppression, of the given lines, for the
// source.
func suppressing(t *testing.T, e *Engine, lines string) Options {
	t.Helper()
	var l suppression.List
	if err := yaml.UnmarshalStrict([]byte("- {name: mine, reason: known, "+lines+"}"), &l); err != nil {
		t.Fatal(err)
	}
	if err := l.Complete(time.UTC); err != nil {
		t.Fatal(err)
	}
	o := e.opts
	o.Suppressions, o.Registerer = l, prometheus.NewRegistry()
	return o
}

// TestSuppression follows a bypass under a suppression that expires in the middle
// of it, and then comes back with a reload.
func TestSuppression(t *testing.T) {
	src := newStack(t)
	onset := start.Add(2 * time.Hour)
	expiry := onset.Add(20 * time.Minute)
	src.faults["bypass"] = [2]time.Time{onset, onset.Add(24 * time.Hour)}
	first := learned(t, src, 5)
	o := suppressing(t, first, fmt.Sprintf("rule: cache_bypass, scope: {service: shop}, until: '%s'", expiry.Format(time.RFC3339)))
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	e.Adopt(first)
	check := func(e *Engine, at time.Time, want string) {
		t.Helper()
		in := e.Snapshot().Incidents
		if len(in) != 1 || !in[0].Open() || in[0].FiredAt.IsZero() || in[0].SuppressedBy != want {
			t.Fatalf("at %s: %+v, want one that fires, suppressed by %q", at, in, want)
		}
	}
	before := expiry.Add(-e.step)
	run(t, e, start, before)
	check(e, before, "mine")
	const metric = `
# HELP tidemark_engine_incidents_suppressed Firing incidents that a suppression keeps from paging.
# TYPE tidemark_engine_incidents_suppressed gauge
tidemark_engine_incidents_suppressed 1
`
	if err := testutil.GatherAndCompare(o.Registerer.(*prometheus.Registry), strings.NewReader(metric), "tidemark_engine_incidents_suppressed"); err != nil {
		t.Error(err)
	}
	// What expires while nothing can be read has expired.
	src.down = true
	if err := e.Eval(t.Context(), expiry); err == nil {
		t.Error("no error, want that nothing can be read")
	}
	check(e, expiry, "")
	src.down = false
	run(t, e, expiry, expiry.Add(5*time.Minute))
	check(e, expiry.Add(5*time.Minute), "")

	next, err := New(suppressing(t, e, "signals: [cache_lookups_per_request], until: 2030-01-01"))
	if err != nil {
		t.Fatal(err)
	}
	next.Adopt(e)
	check(next, expiry, "") // there is evidence beyond that signal
	last, err := New(suppressing(t, e, "rule: cache_bypass, until: 2030-01-01"))
	if err != nil {
		t.Fatal(err)
	}
	last.Adopt(next)
	check(last, expiry, "mine")
}
