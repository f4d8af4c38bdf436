package backtest

import (
	"math"
	"slices"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/engine"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

// What a picture shows: the slots before and after an incident, and of a long
// one its beginning.
const (
	framesBefore = 60
	framesAfter  = 20
	framesMost   = 480

	// keptSeries bounds the memory for the slots before an incident that may
	// come: judgements of so many series and slots, 50 MiB.
	keptSeries = 300_000

	// pictured is how many series an incident shows at most.
	pictured = 8
)

// Picture is what the evidence of an incident looked like.
type Picture struct {
	Incident string // its ID
	Panels   []Panel
}

// Panel is one series with its band, slot by slot. A slot without a value is a
// gap.
type Panel struct {
	Signal   signal.Signal
	Labels   model.LabelSet
	Judged   []detector.Judgement
	Evidence rules.Evidence
}

// film keeps the judgements of the last slots, so that a picture of an incident
// begins before it does.
type film struct {
	last   []*engine.Snapshot // oldest first
	scenes map[string]*scene  // by ID of incident
}

// scene is a picture being taken.
type scene struct {
	panels []Panel
	left   int // slots that are still taken
	ending bool
}

func newFilm() *film { return &film{scenes: map[string]*scene{}} }

// note takes what the engine knows after a slot.
func (f *film) note(s *engine.Snapshot) {
	f.last = append(f.last, s)
	if most := f.room(s); len(f.last) > most {
		f.last = slices.Delete(f.last, 0, len(f.last)-most)
	}
	for _, in := range s.Incidents {
		if in.State == incident.Firing {
			f.follow(in, s)
		}
	}
	for _, in := range s.Incidents {
		sc := f.scenes[in.ID]
		if sc == nil || sc.left == 0 {
			continue
		}
		if !in.Open() && !sc.ending {
			sc.ending = true
			sc.left = min(sc.left, framesAfter)
		}
		sc.take(s)
		sc.left--
	}
}

// room is how many slots are kept.
func (f *film) room(s *engine.Snapshot) int {
	n := 1
	for _, sig := range s.Signals {
		n += len(sig.Series)
	}
	return min(framesBefore, max(2, keptSeries/n))
}

// follow begins the picture of an incident that fires for the first time: of the
// evidence that it pages with, with the slots before this one.
func (f *film) follow(in incident.Incident, s *engine.Snapshot) {
	if f.scenes[in.ID] != nil {
		return
	}
	sc := &scene{left: framesMost}
	f.scenes[in.ID] = sc
	for _, e := range in.Verdict.Evidence {
		if len(sc.panels) == pictured {
			return
		}
		p := Panel{Labels: e.Labels, Evidence: e}
		for _, sig := range s.Signals {
			if sig.Signal.Name == e.Signal {
				p.Signal = sig.Signal
			}
		}
		for _, before := range f.last[:len(f.last)-1] {
			p.take(before)
		}
		sc.panels = append(sc.panels, p)
	}
}

func (sc *scene) take(s *engine.Snapshot) {
	for i := range sc.panels {
		sc.panels[i].take(s)
	}
}

// take adds the judgement of the panel's series in a slot, if it has one.
func (p *Panel) take(s *engine.Snapshot) {
	for _, sig := range s.Signals {
		if sig.Signal.Name != p.Signal.Name {
			continue
		}
		for _, one := range sig.Series {
			if !one.Labels.Equal(p.Labels) {
				continue
			}
			j := one.Judgement
			if n := len(p.Judged); n == 0 || j.Time.After(p.Judged[n-1].Time) {
				p.Judged = append(p.Judged, j)
			}
			return
		}
	}
}

// pictures returns what was taken of the incidents, in their order.
func (f *film) pictures(incidents []incident.Incident) []Picture {
	out := make([]Picture, len(incidents))
	for i, in := range incidents {
		out[i].Incident = in.ID
		if sc := f.scenes[in.ID]; sc != nil {
			out[i].Panels = sc.panels
		}
	}
	return out
}

// worst returns the judgement that deviates most from the onset on, until the
// incident was over. It is the last of the panel if none is known.
func (p Panel) worst(in incident.Incident) detector.Judgement {
	var worst detector.Judgement
	for _, j := range p.Judged {
		if j.Time.Before(in.StartedAt) || !in.Open() && j.Time.After(in.ResolvedAt) || math.IsNaN(j.Score) {
			continue
		}
		if worst.Time.IsZero() || math.Abs(j.Score) > math.Abs(worst.Score) {
			worst = j
		}
	}
	if worst.Time.IsZero() && len(p.Judged) > 0 {
		worst = p.Judged[len(p.Judged)-1]
	}
	return worst
}
