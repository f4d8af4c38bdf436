package detector

import "math"

// nearbyRatio is for shares what nearby is for levels: it predicts by how much a
// probability differs from what the season expects, from the K events in the
// blocks shortly before the run of which E were expected,
//
//	m = φ(K−E) / (φE + 1−p), b = E[(k−e)·e·m] / E[(e·m)²], 0 ≤ b ≤ 1
//
// m is the posterior mean of its relative deviation, given that it wobbles with
// the relative variance φ, and b·m what is left of that in the run, which has k
// events where e were expected. So few events predict nothing, and a probability
// that does not wander has b = 0. While learning is held, the blocks fade: an
// anomaly does not become what is expected.
type nearbyRatio struct {
	pace       pace
	k, e       float64
	m          float64
	left       float64 // variance of the relative deviation that m leaves
	held       bool
	runK, runE float64
	share      quotient // b
	steps      quotient // variance of what b·m does not tell, relative to the probability
}

// take takes in the block that has just left the run, and the run; φ is how the
// probability wobbles, unsure is 1−p.
func (n *nearbyRatio) take(e *evidence, run tally, phi, unsure float64) {
	n.runK, n.runE = run[0], run[1]
	if e.block(0).size == 1 {
		b := e.block(ratioRun)
		if n.held || b.size == 0 {
			n.fade(1 / staleBlocks)
		} else {
			n.fade(1 / nearBlocks)
			n.k += float64(b.v[0])
			n.e += float64(b.v[1])
		}
	}
	n.m = phi * (n.k - n.e) / (phi*n.e + unsure)
	n.left = phi * unsure / (phi*n.e + unsure)
}

func (n *nearbyRatio) fade(share float64) {
	n.k -= n.k * share
	n.e -= n.e * share
}

// forget forgets what was seen before a gap.
func (n *nearbyRatio) forget() { n.k, n.e = 0, 0 }

// told returns b·m.
func (n *nearbyRatio) told() float64 { return n.share.upTo(1) * n.m }

// untold returns the variance, relative to the probability, that b·m leaves because m
// rests on so few events.
func (n *nearbyRatio) untold() float64 {
	b := n.share.upTo(1)
	return b * b * n.left
}

// expect returns how many events are expected where the season expects e.
func (n *nearbyRatio) expect(e float64) float64 {
	return e * math.Max(1+n.told(), 0)
}

// dispersion returns the relative variance of the run's probability around what
// is expected.
func (n *nearbyRatio) dispersion() float64 {
	return n.steps.upTo(math.Inf(1)) + n.untold()
}

// learn takes in the run, by what was expected of it before.
func (n *nearbyRatio) learn(unsure float64) {
	e := n.runE
	more := n.runK - e
	left := more - e*n.told()
	untold := n.untold()
	n.share.learn(more*e*n.m, e*n.m*e*n.m, n.pace.rate(rememberTail))
	n.steps.learn(left*left-e*unsure-e*e*untold, e*e, n.pace.rate(rememberOverSize))
}
