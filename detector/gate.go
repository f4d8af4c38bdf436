package detector

import "math"

// gateEffect is by how much a value must also deviate from its own baseline,
// and from that for its load, for the deviation to count.
var gateEffect = math.Log(1.1)

const (
	gateSamples = 4
	gateNeeded  = 3

	// gateBins are the bins of the day, half an hour each: a tenth is told in them.
	gateBins = 48
)

// gate keeps a rate that is judged per load from alarming when only the load
// moved. When traffic is drained, what does not depend on it makes the quotient
// rise although nothing more is done. The gate is open in a direction if the
// value itself is 10 % beyond its own baseline, and the quotient was 10 % beyond
// its own in 3 of the last 4 samples. It needs neither the five minutes nor the
// spread of each hour that tell an anomaly.
type gate struct {
	base     baseline
	size     float64 // mean magnitude of the residuals
	learned  uint32  // samples in it
	next     uint8
	quotient [gateSamples]float32
	y, r     float64
}

func newGate(p pace) *gate { return &gate{base: baseline{pace: p, day: newDayProfile(p, gateBins)}} }

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
	s := max(sigmaPerMAD*g.size, leastSpread)
	g.base.learn(at, g.y, g.r, clip(g.r, learnClip*s), held)
	if held {
		return
	}
	g.learned++
	r := min(abs(g.r), spreadClip*s)
	g.size += (r - g.size) * max(1/float64(g.learned), g.base.pace.rate(rememberSpread))
}
