package detector

import (
	"math"
	"math/rand/v2"
	"testing"
)

// exactHistogram is a histogram that counts in real numbers.
type exactHistogram struct {
	counts       [tailBins]float64
	weight, seen float64
}

func (h *exactHistogram) add(z, weight, memory float64) {
	if h.seen++; h.seen == 1 {
		h.weight = 1
	} else {
		h.weight *= 1 + math.Max(1/memory, 1.5/h.seen)
	}
	h.counts[tailBin(z)] += weight * h.weight
	if h.weight > 1e9 {
		for i := range h.counts {
			h.counts[i] /= h.weight
		}
		h.weight = 1
	}
}

// above returns the share of the weight in a bin and those above it.
func (h *exactHistogram) above(bin int) float64 {
	total, above := 0.0, 0.0
	for i, c := range h.counts {
		total += c
		if i >= bin {
			above += c
		}
	}
	return above / total
}

func (h *histogram) above(bin int) float64 {
	total, above := float64(h.low), 0.0
	for i, c := range h.counts {
		total += float64(c)
		if i+1 >= bin {
			above += float64(c)
		}
	}
	return above / total
}

// TestHistogramCountsInUnits compares the shares above every bin with those of a
// histogram of real numbers, and so what the tail is drawn through.
func TestHistogramCountsInUnits(t *testing.T) {
	for name, z := range map[string]func(rng *rand.Rand, i int) float64{
		"normal":       func(rng *rand.Rand, _ int) float64 { return rng.NormFloat64() },
		"heavy":        func(rng *rand.Rand, _ int) float64 { return math.Exp(1.5 * rng.NormFloat64()) },
		"one value":    func(*rand.Rand, int) float64 { return 3 },
		"seldom large": func(_ *rand.Rand, i int) float64 { return float64(i / 97 % 2 * (i % 150) / 10) },
		"drops": func(rng *rand.Rand, i int) float64 {
			return math.Abs(rng.NormFloat64()) * math.Pow(0.1, float64(i/50000))
		},
		"always nothing": func(*rand.Rand, int) float64 { return 0 },
	} {
		for _, memory := range []float64{500, 20160, 241920} {
			rng := rand.New(rand.NewPCG(1, 9))
			var exact exactHistogram
			var h histogram
			for i := range 150000 {
				v, weight := math.Max(z(rng, i), 0), 1.0
				switch rng.IntN(10) {
				case 0:
					weight = censorWeight
				case 1:
					weight = lastingWeight
				}
				exact.add(v, weight, memory)
				h.add(v, weight, tailGrowth(int(exact.seen), memory))
				if i%1000 != 0 {
					continue
				}
				for bin := 1; bin < tailBins; bin++ {
					got, want := h.above(bin), exact.above(bin)
					if math.Abs(got-want) > 2e-4+0.005*want {
						t.Fatalf("%s, memory %g, sample %d: a share of %g lies above %g, want %g", name, memory, i, got, edge(bin), want)
					}
				}
			}
		}
	}
}

// TestHistogramInterpolates compares quantiles of exponential tails with the true
// ones, wherever they lie in a bin.
func TestHistogramInterpolates(t *testing.T) {
	const n = 20000
	for scale := 0.3; scale < 3; scale *= 1.05 {
		var h histogram
		for i := range n {
			// In an order that spreads all magnitudes over time.
			u := (float64(i*7919%n) + 0.5) / n
			h.add(-scale*math.Log(u), 1, tailGrowth(i+1, 1e9))
		}
		for _, p := range []float64{tailCommon, tailRare} {
			want := -scale * math.Log(p)
			near(t, "the quantile", h.upper(p), want, 0.02*want)
		}
	}
}

func TestHistogramOfNothing(t *testing.T) {
	var h histogram
	if got := h.upper(tailRare); got != 0 {
		t.Errorf("the quantile of an empty histogram is %g, want 0", got)
	}
}
