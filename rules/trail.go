package rules

import (
	"math"
	"time"

	"tidemark/detector"
)

// trailMinutes is how far back a trail reaches.
const trailMinutes = 16

// trail is what is remembered of a series' last minutes, one entry for each. A
// minute without a sample of its own holds what is between its neighbours. The zero
// value remembers nothing.
type trail struct {
	minute int64 // of the newest entry, since the epoch; 0 before the first
	own    [trailMinutes]float32
	up     [trailMinutes]uint8 // surprise, in steps of surpriseStep
	down   [trailMinutes]uint8
}

const surpriseStep = 1. / 16

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// add appends the first sample of a minute: how far the series has been off in total
// (see Course), and the surprises. It ignores a minute that is known already.
func (t *trail) add(minute int64, own float64, j detector.Judgement) {
	if minute <= t.minute {
		return
	}
	last := t.at(t.minute)
	before := t.own[last]
	missing := minute - t.minute
	for m := max(t.minute+1, minute-trailMinutes+1); m <= minute; m++ {
		share := float32(m-t.minute) / float32(missing)
		t.own[t.at(m)] = before + (float32(own)-before)*share
		t.up[t.at(m)], t.down[t.at(m)] = t.up[last], t.down[last]
	}
	t.minute = minute
	t.up[t.at(minute)], t.down[t.at(minute)] = rounded(j.Up), rounded(j.Down)
}

func (t *trail) at(minute int64) int { return int(minute % trailMinutes) }

func rounded(surprise float64) uint8 {
	return uint8(math.Min(math.Max(surprise, 0)/surpriseStep, math.MaxUint8))
}

// rebase counts the totals from the newest one, so that they stay small.
func (t *trail) rebase() {
	base := t.own[t.at(t.minute)]
	for i := range t.own {
		t.own[i] -= base
	}
}

// total returns the entry of a minute, that of the oldest or the newest minute for
// one that lies outside.
func (t *trail) total(minute int64) float64 { return float64(t.own[t.at(t.inside(minute))]) }

// surprise returns how surprising the series was at some time, 0 if that is not
// known.
func (t *trail) surprise(at time.Time, d detector.Direction) float64 {
	if t.minute == 0 {
		return 0
	}
	i := t.at(t.inside(minuteOf(at)))
	if d == detector.Down {
		return float64(t.down[i]) * surpriseStep
	}
	return float64(t.up[i]) * surpriseStep
}

func (t *trail) inside(minute int64) int64 {
	return min(max(minute, t.minute-trailMinutes+1), t.minute)
}
