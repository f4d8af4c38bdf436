package detector

import (
	"math"
	"time"
)

// learn takes a block in when it leaves the short window: what is expected must
// not follow a fault that is not told from chance yet. The hours of the day learn
// at once, since they count on other days.
func (h *ratio) learn(at instant, e *evidence, held bool) {
	if h.known() {
		h.learnHour(at, held)
	}
	h.near.held, h.earlier.held = held, held
	if held {
		return
	}
	if h.known() {
		h.near.learn(unsure(h.p, 1), h.pace)
		if e.holds(int(e.short)) {
			h.earlier.learn(unsure(h.p, 1), h.pace)
		}
	}
	if e.begins() {
		h.learnBlock(e.block(int(e.short)))
	}
	if h.overall() > flipAbove {
		h.flip()
		e.reset()
	}
}

// gap learns what is left: there will be no windows that it is part of.
func (h *ratio) gap(e *evidence) {
	for i := int(e.short) - 1; i >= 0 && !h.near.held; i-- {
		h.learnBlock(e.block(i))
	}
	h.near.forget()
	h.earlier.forget()
}

// learnBlock takes in k of n observations, of which e were expected.
func (h *ratio) learnBlock(b *entry) {
	if b.size == 0 {
		return
	}
	k, e, n, samples := float64(b.v[0]), float64(b.v[1]), float64(b.v[2]), float64(b.size)
	known := h.known()
	h.seen += samples
	h.observations += n
	h.typicalN += (n/samples - h.typicalN) * math.Max(samples/h.seen, h.pace.rate(24*time.Hour))
	v := e * unsure(e, n)
	if known {
		k = winsorised(k, e, v+h.phi*e*e)
	}
	keep := math.Pow(1-h.pace.rate(rememberTypical), samples)
	h.allK, h.allN = h.allK*keep+k, h.allN*keep+n
	over := (k-e)*(k-e) - v
	if h.seen < float64(h.pace.minimum()) {
		over = assumedWobble * e * e // an hour tells little of how hours differ
	}
	h.excess.learn(over, e*e, min(samples*h.pace.rate(rememberOverSize), 1))
	if !known {
		return
	}
	keep = math.Pow(1-h.pace.rate(rememberLocal), samples)
	if h.seen < h.pace.samples(rememberLocal) {
		// The overall share is no older than what local remembers.
		h.localK, h.localE = h.localK*keep+e, h.localE*keep+e
	} else {
		h.localK, h.localE = h.localK*keep+k, h.localE*keep+e/h.local()
	}
}

// winsorised holds k near e, which it has the variance v around: one burst must
// not teach much.
func winsorised(k, e, v float64) float64 {
	return math.Max(e+clip(k-e, 4*math.Sqrt(v)+3), 0)
}

// learnHour takes the sample in to the visit of its hour of the day, which counts
// when it is over: an hour tells of other days, and local of this one.
func (h *ratio) learnHour(at instant, held bool) {
	if hour := int8(at.hour()); hour != h.hourNow {
		i := h.hourNow
		keep := float32(math.Pow(1-h.pace.rate(hourVisits*time.Hour), h.visitSize))
		h.hourK[i] = h.hourK[i]*keep + float32(h.visitK)
		h.hourE[i] = h.hourE[i]*keep + float32(h.visitE)
		h.hourNow, h.visitK, h.visitE, h.visitSize = hour, 0, 0, 0
	}
	weight := 1.0
	if held {
		weight = anomalyWeight
	}
	e := h.n * h.p
	h.visitK += weight * winsorised(h.k, e, e*(1-h.p)+h.phi*e*e)
	h.visitE += weight * h.n * h.overall() * h.local()
	h.visitSize += weight
}

// flip makes the other class the rarer one.
func (h *ratio) flip() {
	h.flipped = !h.flipped
	h.allK = h.allN - h.allK
	h.hourK, h.hourE = [24]float32{}, [24]float32{}
	h.localK, h.localE = 0, 0
	h.visitK, h.visitE, h.visitSize = 0, 0, 0
	h.near.forget()
	h.earlier.forget()
}

func (h *ratio) accept(e *evidence) {
	sum := e.windows(0)[2].sum
	if !(sum[1] > 0) {
		return
	}
	// The factor is held by more than the events that it is shrunk by.
	factor := h.local() * (sum[0] + 0.5) / (sum[1] + 0.5)
	h.localE = math.Max(h.localE, 10*localEvents)
	h.localK = math.Max(factor*(h.localE+localEvents)-localEvents, 0)
}
