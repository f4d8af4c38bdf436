package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/series"
)

// bypassed returns an engine ten minutes into a bypass of the cache that nobody
// repairs, the source, and the time.
func bypassed(t *testing.T) (*Engine, *stack, time.Time) {
	t.Helper()
	src := newStack(t)
	onset := start.Add(10 * time.Hour)
	src.faults["bypass"] = [2]time.Time{onset, onset.Add(24 * time.Hour)}
	e := learned(t, src, 5)
	mid := onset.Add(10 * time.Minute)
	run(t, e, start, mid)
	if in := e.Snapshot().Incidents; len(in) != 1 || in[0].State != incident.Firing {
		t.Fatalf("incidents %+v, want one that fires", in)
	}
	return e, src, mid
}

// states returns the states of the series of a signal in a snapshot.
func stateOf(s *Snapshot, name string) detector.State {
	for _, sig := range s.Signals {
		if sig.Signal.Name == name {
			return sig.Series[0].Judgement.State
		}
	}
	return detector.Unknown
}

func TestAcceptIncident(t *testing.T) {
	e, _, mid := bypassed(t)
	before := e.Snapshot()
	id := before.Incidents[0].ID
	got, err := e.Accept(Selection{Incident: id}, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Accepted) < 3 {
		t.Errorf("accepted %v, want all that is off", got.Accepted)
	}
	s := e.Snapshot()
	if len(s.Anomalies) != 0 || len(s.Ended) < len(before.Anomalies) || s.Ended[0].EndedAt.IsZero() {
		t.Errorf("anomalies %v, ended %v: want all that were active to have ended", s.Anomalies, s.Ended)
	}
	if in := s.Incidents[0]; len(in.Accepted) != len(got.Accepted) || in.Accepted[0].By != "alice" || !in.Accepted[0].At.Equal(mid) || len(before.Incidents[0].Accepted) != 0 {
		t.Errorf("the incident says %+v, and the one before %+v: want the acceptances, and none", in.Accepted, before.Incidents[0].Accepted)
	}
	if again, err := e.Accept(Selection{Incident: id}, "bob"); err != nil || len(again.Accepted) != 0 || len(again.Skipped) == 0 {
		t.Errorf("the second time: %+v, %v, want that all is normal", again, err)
	}
	stories, _ := run(t, e, mid, mid.Add(3*time.Hour))
	if len(stories) != 1 || stories[0].State != incident.Resolved {
		t.Errorf("within three hours: %+v, want the one incident resolved", stories)
	}
	if got, want := stateOf(e.Snapshot(), "cache_lookups_per_request"), detector.Normal; got != want {
		t.Errorf("cache lookups are %s, want %s", got, want)
	}
	// What is over has nothing to accept.
	e2, _, mid := bypassed(t)
	id = e2.Snapshot().Incidents[0].ID
	if _, err := e2.Accept(Selection{Incident: id}, ""); err != nil {
		t.Fatal(err)
	}
	for ts := mid; len(e2.Snapshot().Incidents) > 0 && e2.Snapshot().Incidents[0].Open(); ts = ts.Add(time.Minute) {
		run(t, e2, ts, ts.Add(time.Minute))
	}
	if got, err := e2.Accept(Selection{Incident: id}, ""); err != nil || len(got.Accepted)+len(got.Skipped) != 0 {
		t.Errorf("a resolved incident: %+v, %v, want nothing", got, err)
	}
}

// TestAcceptanceIsRemembered checks that an engine which learns the history
// again does not take for an anomaly what was accepted in it.
func TestAcceptanceIsRemembered(t *testing.T) {
	e, src, mid := bypassed(t)
	got, err := e.Accept(Selection{Incident: e.Snapshot().Incidents[0].ID}, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		ledger []incident.Acceptance
		want   detector.State
	}{
		"with the ledger":    {got.Accepted, detector.Normal},
		"without the ledger": {nil, detector.Anomalous},
	} {
		again := newEngine(t, src)
		again.Remember(tc.ledger)
		g := series.Span(start.AddDate(0, 0, -5), mid.Add(30*time.Minute), again.step)
		frames, err := src.Read(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		again.Learn(g, frames, 1)
		if got := stateOf(again.Snapshot(), "cache_lookups_per_request"); got != tc.want {
			t.Errorf("%s: cache lookups are %s half an hour later, want %s", name, got, tc.want)
		}
	}
}

func TestAcceptSelects(t *testing.T) {
	shop := model.LabelSet{"service": "shop"}
	for _, tc := range []struct {
		name              string
		s                 Selection
		accepted, skipped int
		unknown           bool
	}{
		{"a signal", Selection{Signal: "cache_lookups_per_request"}, 1, 0, false},
		{"a signal's series", Selection{Signal: "cache_lookups_per_request", Labels: shop}, 1, 0, false},
		{"a normal signal", Selection{Signal: "request_rate"}, 0, 1, false},
		{"no such signal", Selection{Signal: "visitors"}, 0, 0, true},
		{"a signal without a baseline", Selection{Signal: "deploys"}, 0, 0, true},
		{"no such series", Selection{Signal: "request_rate", Labels: model.LabelSet{"service": "blog"}}, 0, 0, true},
		{"no such incident", Selection{Incident: "nope"}, 0, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, _, _ := bypassed(t)
			got, err := e.Accept(tc.s, "")
			var unknown *UnknownError
			if errors.As(err, &unknown) != tc.unknown || err != nil && !tc.unknown {
				t.Fatalf("error %v, want one of something unknown: %v", err, tc.unknown)
			}
			if len(got.Accepted) != tc.accepted || len(got.Skipped) != tc.skipped {
				t.Errorf("got %+v, want %d accepted and %d skipped", got, tc.accepted, tc.skipped)
			}
		})
	}
	t.Run("an incident's signal", func(t *testing.T) {
		e, _, _ := bypassed(t)
		s := Selection{Incident: e.Snapshot().Incidents[0].ID, Signal: "db_queries_per_request"}
		if got, err := e.Accept(s, ""); err != nil || len(got.Accepted) != 1 || got.Accepted[0].Signal != s.Signal {
			t.Errorf("got %+v, %v, want that signal only", got, err)
		}
	})
	t.Run("learning", func(t *testing.T) {
		src := newStack(t)
		e := newEngine(t, src)
		run(t, e, start, start.Add(5*time.Minute))
		var unjudged *UnjudgedError
		if _, err := e.Accept(Selection{Signal: "request_rate"}, ""); !errors.As(err, &unjudged) {
			t.Errorf("error %v, want that its level is not known", err)
		}
	})
}
