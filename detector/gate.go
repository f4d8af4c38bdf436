package detector

import "math"

// gateEffect is by how much a value must also deviate from its own baseline,
// and from that for its load, for the deviation to count.
var gateEffect = math.Log(1.1)

const (
	gateSamples = 4
	gateNeeded  = 3
)

// gate keeps a rate that is judged per load from alarming when only the load
// moved. When traffic is drained, what does not depend on it makes the quotient
// rise although nothing more is done. The gate is open in a direction if the
// value itself is 10 % beyond its own baseline, and the quotient was 10 % beyond
// its own in 3 of the last 4 samples.
type gate struct {
	base     baseline
	spread   spread
	y, r     float64
	quotient [gateSamples]float32
	next     int
}

func newGate(p pace) *gate { return &gate{base: newBaseline(p, false), spread: spread{pace: p}} }

// observe takes the level of the value itself and the residual of the quotient.
func (g *gate) observe(at instant, y, quotient float64) {
	g.y = y
	g.r = 0
	if g.base.seen > 0 {
		g.r = y - g.base.expect(at)
	}
	g.quotient[g.next] = float32(quotient)
	g.next = (g.next + 1) % gateSamples
}

// open reports whether a deviation in the direction of sign counts.
func (g *gate) open(sign float64) bool {
	sign = math.Copysign(1, sign)
	n := 0
	for _, r := range g.quotient {
		if sign*float64(r) > gateEffect {
			n++
		}
	}
	return n >= gateNeeded && sign*g.r >= gateEffect
}

func (g *gate) learn(at instant, held bool) {
	s := g.spread.at(at.hour(), leastSpread)
	g.base.learn(at, g.y, g.r, clip(g.r, learnClip*s), held)
	if !held {
		g.spread.learn(at.hour(), g.r, s)
	}
}
