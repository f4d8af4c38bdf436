package backtest

import (
	"fmt"
	"testing"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/engine"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// shoot shows a film slots 0 to n of a signal with so many series, and the
// incident that a function gives.
func shoot(f *film, n, series int, at func(slot int) *incident.Incident) {
	labels := make([]model.LabelSet, series)
	for i := range labels {
		labels[i] = model.LabelSet{"pod": model.LabelValue(fmt.Sprint(i))}
	}
	for m := range n {
		s := &engine.Snapshot{Time: after(m), Signals: []engine.SignalStatus{{Signal: signal.Signal{Name: "db_latency"}}}}
		s.Signals[0].Series = make([]engine.SeriesStatus, series)
		for i := range series {
			s.Signals[0].Series[i] = engine.SeriesStatus{
				Labels:    labels[i],
				Judgement: detector.Judgement{Time: after(m), Value: float64(100*i + m)},
			}
		}
		if in := at(m); in != nil {
			s.Incidents = []incident.Incident{*in}
		}
		f.note(s)
	}
}

func slowPod(pods int, fired, resolved int) func(int) *incident.Incident {
	return func(m int) *incident.Incident {
		if m < fired-1 {
			return nil
		}
		in := &incident.Incident{ID: "a", State: incident.Firing}
		for i := range pods {
			in.Verdict.Evidence = append(in.Verdict.Evidence, rules.Evidence{Signal: "db_latency", Labels: model.LabelSet{"pod": model.LabelValue(fmt.Sprint(i))}})
		}
		switch {
		case m < fired:
			in.State = incident.Pending
		case m >= resolved:
			in.State, in.ResolvedAt = incident.Resolved, after(resolved)
			in.Verdict.Evidence = nil // what it ended with is no matter
		}
		return in
	}
}

func TestFilm(t *testing.T) {
	for _, tc := range []struct {
		name            string
		slots, series   int
		fired, resolved int
		first, last     int // slots of the picture
	}{
		{"before, during and after", 200, 2, 100, 120, 41, 139},
		{"begins with the range", 50, 2, 3, 20, 0, 39},
		{"cut at the end of the range", 110, 2, 100, 120, 41, 109},
		{"too long", 800, 2, 100, 790, 41, 579},
		{"many series", 60, 15_000, 40, 50, 22, 59},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFilm()
			shoot(f, tc.slots, tc.series, slowPod(1, tc.fired, tc.resolved))
			got := f.pictures([]incident.Incident{{ID: "other"}, {ID: "a"}})
			if len(got) != 2 || got[0].Panels != nil || len(got[1].Panels) != 1 {
				t.Fatalf("got %d pictures, want none of the incident that was not seen, and one panel", len(got))
			}
			j := got[1].Panels[0].Judged
			if n := tc.last - tc.first + 1; len(j) != n || !j[0].Time.Equal(after(tc.first)) || j[n-1].Value != float64(tc.last) {
				t.Errorf("got %d slots from %s to that of %g, want %d from %s to %d", len(j), j[0].Time, j[len(j)-1].Value, n, after(tc.first), tc.last)
			}
		})
	}
}

func TestFilmShowsSomeOfManySeries(t *testing.T) {
	f := newFilm()
	shoot(f, 20, 30, slowPod(30, 10, 15))
	if n := len(f.pictures([]incident.Incident{{ID: "a"}})[0].Panels); n != pictured {
		t.Errorf("got %d panels, want %d", n, pictured)
	}
}

func TestWorst(t *testing.T) {
	in := incident.Incident{State: incident.Resolved, StartedAt: after(2), ResolvedAt: after(4)}
	var p Panel
	for m, score := range []float64{-30, 1, -5, 9, 2, 40} {
		p.Judged = append(p.Judged, detector.Judgement{Time: after(m), Score: score})
	}
	if w := p.worst(in); w.Score != 9 {
		t.Errorf("got a score of %g, want 9: before and after the incident do not count", w.Score)
	}
}
