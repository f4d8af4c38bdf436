package detector

import "math"

// nearbyRatio is for shares what nearby is for levels: it predicts by how much a
// probability differs from what the season expects, from the K events in the
// blocks shortly before a window, the run or the short one, of which E were expected,
//
//	m = φ(K−E) / (φE + 1−p), b = E[(k−e)·e·m] / E[(e·m)²], 0 ≤ b ≤ 1
//
// m is the posterior mean of its relative deviation, given that it wobbles with
// the relative variance φ, and b·m what is left of that in the window, which has k
// events where e were expected. So few events predict nothing, and a probability
// that does not wander has b = 0. While learning is held, the blocks fade: an
// anomaly does not become what is expected.
//
// Both count as far as they are known, and for the rest the probability is taken for
// one that does not tell the next one.
type nearbyRatio struct {
	window, memory uint8 // blocks, of which the memory is before the window
	held           bool
	known          float32 // share
	k, e           float32
	m              float32
	left           float32  // variance of the relative deviation that m leaves
	nowK, nowE     float32  // of the window
	share          quotient // b
	steps          quotient // variance of what b·m does not tell, relative to the probability
}

// take takes in the block that has just left the window, and the window's sum; φ is
// how the probability wobbles, unsure is 1−p.
func (n *nearbyRatio) take(e *evidence, sum tally, phi, unsure, known float64) {
	n.nowK, n.nowE = float32(sum[0]), float32(sum[1])
	n.known = float32(known)
	if e.begins() {
		b := e.block(int(n.window))
		if n.held || b.size == 0 {
			n.fade(1 / staleBlocks)
		} else {
			n.fade(1 / float32(n.memory))
			n.k += b.v[0]
			n.e += b.v[1]
		}
	}
	expected := float64(n.e)
	n.m = float32(phi * float64(n.k-n.e) / (phi*expected + unsure))
	n.left = float32(phi * unsure / (phi*expected + unsure))
}

func (n *nearbyRatio) fade(share float32) {
	n.k -= n.k * share
	n.e -= n.e * share
}

// forget forgets what was seen before a gap.
func (n *nearbyRatio) forget() { n.k, n.e = 0, 0 }

// b returns how much of m is believed.
func (n *nearbyRatio) b() float64 { return float64(n.known) * n.share.upTo(1) }

// told returns b·m.
func (n *nearbyRatio) told() float64 { return n.b() * float64(n.m) }

// untold returns the variance, relative to the probability, that b·m leaves because m
// rests on so few events.
func (n *nearbyRatio) untold() float64 {
	b := n.b()
	return b * b * float64(n.left)
}

// expect returns how many events are expected where the season expects e.
func (n *nearbyRatio) expect(e float64) float64 {
	return e * math.Max(1+n.told(), 0)
}

// dispersion returns the relative variance of the window's probability around what
// is expected.
func (n *nearbyRatio) dispersion() float64 {
	return n.steps.upTo(math.Inf(1)) + n.untold()
}

// learn takes in the window, by what was expected of it before.
func (n *nearbyRatio) learn(unsure float64, p pace) {
	e, m := float64(n.nowE), float64(n.m)
	more := float64(n.nowK) - e
	left := more - e*n.told()
	n.share.learn(more*e*m, e*m*e*m, p.rate(rememberTail))
	n.steps.learn(left*left-e*unsure-e*e*n.untold(), e*e, p.rate(rememberOverSize))
}
