package detector

import (
	"math"
	"time"
)

const (
	nearBlocks  = 4.0  // that the level nearby remembers
	staleBlocks = 60.0 // that it is remembered without new ones

	jumpFor = 10 * time.Minute // of an anomaly that teaches how the run jumps
)

// nearby predicts a residual from those shortly before the run. Most series
// wander: a latency that was 5 % high for the last ten minutes will be so in the
// next, and it is the step from there that is unusual. The prediction is
//
//	φ·m, φ = E[u·m] / E[m²], 0 ≤ φ ≤ 1
//
// where m is the exponentially weighted mean of the residuals in spreads over
// the blocks before the run, each held within ±3, and the moments are of the
// last two weeks. A series that does not wander has φ = 0. While learning is held,
// m slowly falls to 0: an anomaly does not become what is expected.
type nearby struct {
	pace    pace
	mean    float64  // in levels
	spread  float64  // of the level
	share   quotient // φ
	lost    float64  // share of m that is not known since a gap
	heldFor int32    // samples for which learning has been held

	hour  int8        // of the day
	jumps [24]float32 // mean squares of the run by hour of the day
	usual float64     // and at any time
	jump  float64     // the run, clipped

	// Sum of squares and number of samples of the present hour.
	visit, visits float64
}

// predicts returns by how many spreads the blocks before a run let it lie to the side
// of sign of what the season expects; less than 0 if they lay on the other side.
func (n *nearby) predicts(sign float64) float64 {
	return sign * n.mean / n.spread * n.share.upTo(1)
}

// take moves the mean by the block that has just left the run; spread is that
// of the level now.
func (n *nearby) take(e *evidence, spread float64) {
	n.spread = spread
	if e.block(0).size != 1 {
		return
	}
	b := e.block(runLength)
	if n.heldFor > 0 || b.size == 0 {
		n.mean -= n.mean / staleBlocks
		return
	}
	n.mean += (clip(float64(b.v[1])/float64(b.size), learnClip*spread) - n.mean) / nearBlocks
	n.lost -= n.lost / nearBlocks
}

// forget forgets where the level was before a gap.
func (n *nearby) forget() { n.mean, n.lost = 0, 1 }

// hold says whether learning is held.
func (n *nearby) hold(held bool) {
	if n.heldFor++; !held {
		n.heldFor = 0
	}
}

// learn takes in the residual of a sample, in spreads.
func (n *nearby) learn(u float64) {
	m := n.mean / n.spread
	n.share.learn(u*m, m*m, n.pace.rate(rememberTail))
}

// restless returns by how much more the run jumps in an hour of the day than
// usual, at least 1: a nightly job begins a little earlier, or is longer on
// Sundays. After a gap it jumps by what the blocks before it would have predicted.
func (n *nearby) restless(hour int) float64 {
	if !(n.usual > 0) {
		return 1
	}
	gap := n.lost * n.share.upTo(1)
	return math.Sqrt(max(1, float64(n.jumps[hour])/n.usual) + gap*gap*n.share.below/n.usual)
}

// learnJump takes the run in, which counts from the next hour on. An anomaly
// counts only with its first minutes: it may be the edge of a job, and if not, it
// must not make its hour blind.
func (n *nearby) learnJump(hour int) {
	if int8(hour) != n.hour {
		n.jumps[n.hour] += float32((n.visit - n.visits*float64(n.jumps[n.hour])) * n.pace.rate(hourMemory*time.Minute))
		n.usual += (n.visit - n.visits*n.usual) * n.pace.rate(24*hourMemory*time.Minute)
		n.visit, n.visits, n.hour = 0, 0, int8(hour)
	}
	if float64(n.heldFor) <= n.pace.samples(jumpFor) {
		n.visit += n.jump * n.jump
		n.visits++
	}
}
