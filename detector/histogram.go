package detector

import "math"

const (
	tailBins      = 96
	binsPerOctave = 8
	tailStart     = 0.02 // upper edge of the first bin
)

// tailCommon and tailRare are the probabilities of the two quantiles through
// which the tail is drawn. They are common enough that what was learned of an
// undetected fault does not move them.
const (
	tailCommon = 0.05
	tailRare   = 0.005
)

// surpriseCommon is −log10 of tailCommon.
var surpriseCommon = -math.Log10(tailCommon)

// tail is what is known of the upper tail of a statistic: its 95 % quantile,
// and by how much the statistic grows per factor of ten in rarity from there on.
type tail struct {
	common float64
	decade float64
}

// newTail returns the tail through the 95 % and 99.5 % quantiles. A constant
// statistic and one with a suspiciously short tail get a longer one.
func newTail(common, rare float64) tail {
	common = math.Max(common, 0.05)
	return tail{common, math.Max(rare-common, math.Max(0.15*common, 0.1))}
}

// surprise returns about −log10 of the probability that the statistic is z or
// more: log-linear through the two quantiles, and linear from 0 to the first.
// NaN and negative z give 0, and so does z = 0.
func (t tail) surprise(z float64) float64 {
	switch {
	case !(z > 0):
		return 0
	case z <= t.common:
		return surpriseCommon * z / t.common
	default:
		return math.Min(surpriseCommon+(z-t.common)/t.decade, maxSurprise)
	}
}

// level returns the statistic at which the surprise is s.
func (t tail) level(s float64) float64 {
	if s <= surpriseCommon {
		return t.common * s / surpriseCommon
	}
	return t.common + (s-surpriseCommon)*t.decade
}

// mix returns the tail between t and o, of which o has the weight w.
func (t tail) mix(o tail, w float64) tail {
	return tail{t.common*(1-w) + o.common*w, t.decade*(1-w) + o.decade*w}
}

// histogram counts the magnitudes of a statistic in bins of equal ratio, and
// forgets exponentially: a sample's weight falls by e in `memory` samples. Early
// samples, which came from a baseline that was still bad, count less: their
// weights grow with the power 1.5 of their number.
type histogram struct {
	counts [tailBins]float32
	total  float32
	weight float32 // of the next sample
	seen   float32
}

// add counts z with a weight between 0 and 1.
func (h *histogram) add(z, weight, memory float64) {
	h.seen++
	h.weight *= float32(1 + math.Max(1/memory, 1.5/float64(h.seen)))
	if h.seen == 1 || h.weight > 1e4 {
		h.rescale()
	}
	w := float32(weight) * h.weight
	h.counts[tailBin(z)] += w
	h.total += w
}

// rescale divides all weights by that of the newest sample.
func (h *histogram) rescale() {
	if h.weight > 0 {
		for i := range h.counts {
			h.counts[i] /= h.weight
		}
	}
	h.weight, h.total = 1, 0
	for _, c := range h.counts {
		h.total += c
	}
}

func tailBin(z float64) int {
	if !(z > tailStart) {
		return 0
	}
	return min(1+int(binsPerOctave*math.Log2(z/tailStart)), tailBins-1)
}

// edge returns the lower edge of a bin.
func edge(bin int) float64 {
	if bin == 0 {
		return 0
	}
	return tailStart * math.Exp2(float64(bin-1)/binsPerOctave)
}

// upper returns the value that a share p of the weight lies above, linear
// inside a bin. An empty histogram gives 0.
func (h *histogram) upper(p float64) float64 {
	want := float32(p) * h.total
	above := float32(0)
	for bin := tailBins - 1; bin >= 0; bin-- {
		if c := h.counts[bin]; above+c >= want && c > 0 {
			part := float64((above + c - want) / c)
			return edge(bin) + part*(edge(bin+1)-edge(bin))
		}
		above += h.counts[bin]
	}
	return 0
}

// tail draws the tail through the histogram's own quantiles.
func (h *histogram) tail() tail { return newTail(h.upper(tailCommon), h.upper(tailRare)) }
