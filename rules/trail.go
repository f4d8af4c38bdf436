package rules

import (
	"math"
	"time"

	"tidemark/detector"
)

// trailMinutes is how far back a trail reaches, and surpriseMinutes how far its
// surprises do: as far as the longest window of a detector, in which what a change
// did adds up.
const (
	trailMinutes    = 16
	surpriseMinutes = 64
)

// trail is what is remembered of a series' last minutes, one entry for each. A
// minute without a sample of its own holds what is between its neighbours. The zero
// value remembers nothing.
type trail struct {
	minute int64 // of the newest entry, since the epoch; 0 before the first
	own    [trailMinutes]float32
	up     [surpriseMinutes]uint8 // surprise, in steps of surpriseStep
	down   [surpriseMinutes]uint8
}

const surpriseStep = 1. / 16

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// add appends the first sample of a minute: how far the series has been off in total
// (see Course), and the surprises. It ignores a minute that is known already.
func (t *trail) add(minute int64, own float64, j detector.Judgement) {
	if minute <= t.minute {
		return
	}
	before := t.own[t.at(t.minute)]
	up, down := t.up[t.minute%surpriseMinutes], t.down[t.minute%surpriseMinutes]
	missing := minute - t.minute
	for m := max(t.minute+1, minute-surpriseMinutes+1); m <= minute; m++ {
		share := float32(m-t.minute) / float32(missing)
		t.own[t.at(m)] = before + (float32(own)-before)*share
		t.up[m%surpriseMinutes], t.down[m%surpriseMinutes] = up, down
	}
	t.minute = minute
	t.up[minute%surpriseMinutes], t.down[minute%surpriseMinutes] = rounded(j.Up), rounded(j.Down)
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
func (t *trail) total(minute int64) float64 {
	return float64(t.own[t.at(min(max(minute, t.minute-trailMinutes+1), t.minute))])
}

// surprise returns how surprising the series was at some time, or an hour ago if that
// is longer ago; 0 if nothing is known.
func (t *trail) surprise(at time.Time, d detector.Direction) float64 {
	if t.minute == 0 {
		return 0
	}
	i := min(max(minuteOf(at), t.minute-surpriseMinutes+1), t.minute) % surpriseMinutes
	if d == detector.Down {
		return float64(t.down[i]) * surpriseStep
	}
	return float64(t.up[i]) * surpriseStep
}
