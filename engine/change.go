package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/rules"
)

// changeState is what is remembered of one series of a change signal.
type changeState struct {
	value float64
	at    time.Time // when it last had a value; zero before the first
}

// changesKept and ChangesMaxAge bound the ledger of change events.
const (
	changesKept   = 500
	ChangesMaxAge = 7 * 24 * time.Hour
)

// watchChanges records what changed in a change signal at ts: a series whose
// value differs from its last one (a start time, a limit), or a series that
// appears where another one of the same scope was before (a new version). What
// is there when the signal is first seen is not a change.
func (e *Engine) watchChanges(w *watched, ts time.Time) {
	for _, t := range w.tracks {
		if math.IsNaN(t.value) {
			continue
		}
		switch c := t.change; {
		case c.at.IsZero() || ts.Sub(c.at) > absentAfter*w.options.Step:
			if before := w.newestOther(t, ts); before != nil && before.change.at.After(c.at) {
				e.record(w, t, ts, labelChange(before.labels, t.labels))
			}
		case !same(c.value, t.value):
			e.recordValue(w, t, ts, c.value)
		}
	}
	for _, t := range w.tracks {
		if !math.IsNaN(t.value) {
			t.change = changeState{t.value, ts}
		}
	}
}

// newestOther returns the series of t's scope, other than t, that had a value
// last before ts, or nil.
func (w *watched) newestOther(t *track, ts time.Time) *track {
	var newest *track
	for _, o := range w.tracks {
		if o == t || o.change.at.IsZero() || !o.change.at.Before(ts) || !o.scope.Equal(t.scope) {
			continue
		}
		if newest == nil || o.change.at.After(newest.change.at) {
			newest = o
		}
	}
	return newest
}

// same reports whether two values of a setting are the same but for rounding.
func same(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) }

func (e *Engine) record(w *watched, t *track, ts time.Time, what string) {
	e.enter(rules.Change{
		At: ts, Kind: w.signal.Name, Component: w.signal.Component,
		What: what, Labels: t.labels,
	}, ts)
}

// Record enters change events that no signal has told of, such as a deploy that
// a pipeline announces, into the ledger. The next cycle weighs them. The
// goroutine that calls Eval calls Record.
func (e *Engine) Record(changes []rules.Change) {
	for _, c := range changes {
		e.enter(c, e.last)
	}
	if len(changes) > 0 {
		e.publish()
	}
}

// enter puts a change into the ledger, by its time, and drops what is too old as
// of ts or too much.
func (e *Engine) enter(c rules.Change, ts time.Time) {
	at := slices.IndexFunc(e.changes, func(o rules.Change) bool { return !o.At.After(c.At) })
	if at < 0 {
		at = len(e.changes)
	}
	e.changes = slices.Insert(e.changes, at, c)
	keep := min(len(e.changes), changesKept)
	for keep > 0 && ts.Sub(e.changes[keep-1].At) > ChangesMaxAge {
		keep--
	}
	e.changes = e.changes[:keep]
}

// labelChange says which labels differ: "1.4.2 → 1.5.0".
func labelChange(before, now model.LabelSet) string {
	var parts []string
	for _, name := range sortedNames(now) {
		if old, ok := before[name]; ok && old != now[name] {
			parts = append(parts, fmt.Sprintf("%s %s → %s", name, old, now[name]))
		}
	}
	if len(parts) == 0 {
		return "now has " + now.String()
	}
	return strings.Join(parts, ", ")
}

// recordValue records that a value differs from the one before. A value that is
// a point in time, such as the start of a process, is when it happened.
func (e *Engine) recordValue(w *watched, t *track, ts time.Time, before float64) {
	what := w.signal.Title
	for _, name := range sortedNames(t.labels) {
		if _, scoped := t.scope[name]; !scoped {
			what += " " + string(t.labels[name])
		}
	}
	if timestamp(before) && timestamp(t.value) {
		if at := time.Unix(int64(t.value), 0).UTC(); at.Before(ts) {
			ts = at
		}
	} else {
		what += " " + w.signal.Format(before) + " → " + w.signal.Format(t.value)
	}
	e.record(w, t, ts, what)
}

// timestamp reports whether v reads as seconds since the epoch, between the
// years 2001 and 2096.
func timestamp(v float64) bool { return v > 1e9 && v < 4e9 }

func sortedNames(ls model.LabelSet) []model.LabelName {
	names := make([]model.LabelName, 0, len(ls))
	for name := range ls {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
