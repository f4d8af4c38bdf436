package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
)

// watched is a signal and the state of its series.
type watched struct {
	signal  *signal.Signal
	options detector.Options
	given   *watched // the load that it is judged by, or nil
	tracks  []*track // in the order in which they were first seen
	index   map[string]*track
	err     error // why it could not be read in the newest slot
}

// track is the state of one series.
type track struct {
	key       string
	labels    model.LabelSet
	scope     model.LabelSet
	detector  *detector.Detector // nil for change signals
	judgement detector.Judgement
	course    rules.Course
	value     float64 // of the newest slot, NaN for a gap
	support   float64 // observations behind it, NaN if not known
	lastValue time.Time
	change    changeState
	anomaly   *incident.Anomaly
}

// forgetAfter is how long a series may be away before its state is dropped. A
// weekly job must be recognised when it comes back.
const forgetAfter = 15 * 24 * time.Hour

// absentAfter is for how many slots a series has no value before it is absent.
// One or two gaps are scrapes that failed.
const absentAfter = 3

// track returns the state of the series with these labels, new if need be.
func (w *watched) track(labels model.LabelSet) *track {
	key := labels.String()
	if t := w.index[key]; t != nil {
		return t
	}
	t := &track{key: key, labels: labels, scope: w.signal.ScopeOf(labels)}
	if w.signal.Judged() {
		d, err := detector.New(w.options)
		if err != nil {
			// The options were checked with the configuration.
			panic(fmt.Sprintf("signal %s: %v", w.signal.Name, err))
		}
		t.detector = d
	}
	w.index[key] = t
	w.tracks = append(w.tracks, t)
	return t
}

// window is a stretch of slots that was read.
type window []seen

// seen is what was read of one signal, with the state of each series.
type seen struct {
	*watched
	err    error
	series []series.Series
	tracks []*track // of the series
}

// open finds the state of every series in the frames, by the frames' signals,
// and drops what has been away for too long.
func (e *Engine) open(g series.Grid, frames []series.Frame) window {
	var win window
	for _, f := range frames {
		w := e.byName[f.Signal]
		known := len(w.tracks)
		one := seen{watched: w, err: f.Err}
		for _, s := range f.Series {
			if !slices.ContainsFunc(s.Values, series.Finite) {
				continue // it begins with its first value
			}
			one.series = append(one.series, s)
			one.tracks = append(one.tracks, w.track(s.Labels))
		}
		if len(w.tracks) != known || w.forget(g.End()) {
			e.scopes = nil
		}
		win = append(win, one)
	}
	return win
}

// forget drops the series that have had no value for too long and reports
// whether there were any.
func (w *watched) forget(ts time.Time) bool {
	n := len(w.tracks)
	w.tracks = slices.DeleteFunc(w.tracks, func(t *track) bool {
		old := !t.lastValue.IsZero() && ts.Sub(t.lastValue) > forgetAfter
		if old {
			delete(w.index, t.key)
		}
		return old
	})
	return len(w.tracks) != n
}

// observe shows slot i of a window, at ts, to the detectors.
func (e *Engine) observe(ts time.Time, win window, i int) {
	if ts.After(e.last) {
		e.last = ts
	}
	for _, s := range win {
		s.watched.err = s.err
		if s.due(ts) {
			s.take(ts, i)
		}
	}
	for _, s := range win {
		switch {
		case !s.due(ts):
		case s.signal.Judged():
			for _, t := range s.watched.tracks {
				e.update(s.watched, t, ts)
			}
		case s.signal.Kind == signal.Edges:
			e.watchEdges(s.watched, ts)
		default:
			e.watchChanges(s.watched, ts)
		}
	}
	e.replay(ts, win)
}

// due reports whether ts is a slot of the signal's own, coarser grid.
func (w *watched) due(ts time.Time) bool {
	return ts.UnixNano()%int64(w.options.Step) == 0
}

// take sets the newest value of each series from slot i.
func (s seen) take(ts time.Time, i int) {
	for _, t := range s.watched.tracks {
		t.value, t.support = math.NaN(), math.NaN()
	}
	for n, t := range s.tracks {
		from := s.series[n]
		if v := from.Values[i]; !math.IsNaN(v) {
			t.value, t.lastValue = v, ts
			if from.Support != nil {
				t.support = from.Support[i]
			}
		}
	}
}

// update lets a series' detector judge its newest value, and opens or ends its
// anomaly.
func (e *Engine) update(w *watched, t *track, ts time.Time) {
	given := math.NaN()
	if w.given != nil {
		given = w.given.valueFor(t)
	}
	t.judgement = t.detector.Update(detector.Sample{
		Time: ts, Value: t.value, Support: t.support, Given: given,
	})
	j := t.judgement
	t.course.Follow(j, time.Duration(w.signal.Window))
	switch {
	case j.State == detector.Anomalous && t.anomaly == nil:
		t.anomaly = &incident.Anomaly{
			ID: anomalyID(w.signal.Name, t.labels, j.Since), Signal: w.signal.Name, Component: w.signal.Component,
			Labels: t.labels, Scope: t.scope, Direction: j.Direction, StartedAt: j.Since,
		}
		t.anomaly.Describe(j)
	case j.State == detector.Anomalous:
		t.anomaly.Describe(j)
	case t.anomaly != nil && (j.State == detector.Normal || j.State == detector.Learning):
		e.end(t, ts)
	}
}

// end ends the anomaly of a series, if there is one.
func (e *Engine) end(t *track, ts time.Time) {
	if t.anomaly == nil {
		return
	}
	t.anomaly.EndedAt = ts
	e.ended = append(e.ended, *t.anomaly)
	t.anomaly = nil
}

// valueFor returns the load for a series: the value of the series of w whose
// labels agree with it wherever both have them, the sum if there are several,
// NaN if there is none.
func (w *watched) valueFor(s *track) float64 {
	if t := w.index[s.key]; t != nil {
		return t.value
	}
	sum, found := 0.0, false
	for _, t := range w.tracks {
		if !math.IsNaN(t.value) && agree(t.labels, s.labels) {
			sum += t.value
			found = true
		}
	}
	if !found {
		return math.NaN()
	}
	return sum
}

// agree reports whether two label sets have the same value for every label that
// both have.
func agree(a, b model.LabelSet) bool {
	for k, v := range a {
		if w, ok := b[k]; ok && w != v {
			return false
		}
	}
	return true
}

func (t *track) absent(ts time.Time, step time.Duration) bool {
	return !t.lastValue.IsZero() && ts.Sub(t.lastValue) >= absentAfter*step
}

func anomalyID(name string, labels model.LabelSet, since time.Time) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\xff%s\xff%d", name, labels, since.UnixMilli()))
	return hex.EncodeToString(h[:8])
}
