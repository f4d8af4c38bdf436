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
	km, mm     float64
	runK, runE float64
	steps      float64 // mean of e² times the variance of what b·m does not tell
	scale      float64 // mean of e²
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

// share returns b.
func (n *nearbyRatio) share() float64 {
	if !(n.mm > 0) {
		return 0
	}
	return math.Min(math.Max(n.km/n.mm, 0), 1)
}

// expect returns how many events are expected where the season expects e.
func (n *nearbyRatio) expect(e float64) float64 {
	return e * math.Max(1+n.share()*n.m, 0)
}

// dispersion returns the relative variance of the run's probability around what
// is expected.
func (n *nearbyRatio) dispersion() float64 {
	if !(n.scale > 0) {
		return 0
	}
	b := n.share()
	return math.Max(0, n.steps/n.scale) + b*b*n.left
}

func (n *nearbyRatio) learn(unsure float64) {
	e := n.runE
	b := n.share()
	r := n.runK - e
	w := n.pace.rate(rememberTail)
	n.km += (r*e*n.m - n.km) * w
	n.mm += (e*n.m*e*n.m - n.mm) * w
	r -= e * b * n.m
	w = n.pace.rate(rememberOverSize)
	n.steps += (r*r - e*unsure - e*e*b*b*n.left - n.steps) * w
	n.scale += (e*e - n.scale) * w
}
