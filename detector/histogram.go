package detector

import "math"

const (
	tailBins      = 60
	binsPerOctave = 6
	tailStart     = 0.05 // upper edge of the first bin: tails begin no lower

	// firstUnits is what the first sample counts, and mostUnits what one may.
	firstUnits = 1 << 8
	mostUnits  = 1 << 14
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
	common = max(common, tailStart)
	return tail{common, max(rare-common, max(0.15*common, 0.1))}
}

// keptTail is a tail as a detector keeps it between readings, to seven digits.
type keptTail struct{ common, decade float32 }

func (t tail) kept() keptTail { return keptTail{float32(t.common), float32(t.decade)} }

func (t keptTail) tail() tail { return tail{float64(t.common), float64(t.decade)} }

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
		return min(surpriseCommon+(z-t.common)/t.decade, maxSurprise)
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
//
// It counts in whole units, of which a newer sample is worth more. When a counter
// would be full, all are halved, and so is what a sample is worth. What a sample is
// worth beside whole units is left to the next one. So each counter is off by less
// than two units, and the fullest one holds tens of thousands of them.
type histogram struct {
	counts [tailBins - 1]uint16 // of the bins but the first
	low    float32              // units in the first
	weight float32              // of the newest sample, in units
	rest   float32              // units that are still to be counted
}

// tailGrowth returns by how much more than the one before it the n-th sample of a
// histogram counts, n from 1.
func tailGrowth(n int, memory float64) float32 {
	return float32(1 + max(1/memory, 1.5/float64(n)))
}

// add counts z with a weight between 0 and 1; growth is that of the sample.
func (h *histogram) add(z, weight float64, growth float32) {
	if h.weight == 0 {
		h.weight = firstUnits
	} else {
		h.weight *= growth
	}
	if h.weight > mostUnits {
		h.halve()
	}
	bin := tailBin(z)
	if bin == 0 {
		h.low += float32(weight) * h.weight
		return
	}
	count := &h.counts[bin-1]
	if float32(*count)+float32(weight)*h.weight+h.rest > math.MaxUint16 {
		h.halve()
	}
	h.rest += float32(weight) * h.weight
	units := uint16(h.rest)
	h.rest -= float32(units)
	*count += units
}

// halve makes a unit twice as large. Halves are rounded to even numbers.
func (h *histogram) halve() {
	for i, c := range h.counts {
		h.counts[i] = c>>1 + c&(c>>1)&1
	}
	h.low /= 2
	h.weight /= 2
	h.rest /= 2
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
	total := float64(h.low)
	for _, c := range h.counts {
		total += float64(c)
	}
	want, above := p*total, 0.0
	for i := len(h.counts) - 1; i >= 0; i-- {
		c := float64(h.counts[i])
		if above+c >= want && c > 0 {
			return within(i+1, (above+c-want)/c)
		}
		above += c
	}
	if h.low == 0 {
		return 0
	}
	return within(0, (total-want)/float64(h.low))
}

// within returns the value at a part, 0–1, of a bin.
func within(bin int, part float64) float64 {
	return edge(bin) + part*(edge(bin+1)-edge(bin))
}

// tail draws the tail through the histogram's own quantiles.
func (h *histogram) tail() tail { return newTail(h.upper(tailCommon), h.upper(tailRare)) }
