package detector

import "math"

const (
	surpriseBins     = 384  // at most
	surprisePerOct   = 16   // bins per factor of two
	surpriseStart    = 1e-3 // upper edge of the first bin
	surpriseMemory   = 4000 // samples in which a weight falls by e
	surpriseNeeded   = 100  // samples before anything is surprising
	surpriseFrom     = 0.05 // probability from which on the tail is fitted
	heaviestTail     = 0.6  // shape; the mean of heavier ones is hardly known
	surpriseOverflow = 1e4  // weight at which all are divided by it
)

// surpriseTail says how surprising a statistic (at least 0) is by the measure of
// its own past: −log10 of the probability that it is so large. Up to its 95 %
// quantile the probability is a share of the past; above, it is that of a
// generalised Pareto distribution with the mean and the variance of what lay
// above.
type surpriseTail struct {
	counts []float32 // by weight
	total  float64
	weight float64 // of the newest sample
	seen   int
	top    int // bin above which all are empty
}

// newSurpriseTail returns a tail of a statistic, of which most values are at most
// z; it does not tell larger ones apart when it learns.
func newSurpriseTail(z float64) surpriseTail {
	return surpriseTail{counts: make([]float32, surpriseBin(z)+1)}
}

// paretoTail is the distribution above a quantile.
type paretoTail struct {
	from   float64 // the quantile
	share  float64 // of the past that lies above it
	shape  float64 // 0 to heaviestTail; 0 is exponential
	spread float64
}

// surprise returns about −log10 of the probability of z or more, 0 to
// genericCap. It is 0 before there is a past to compare with.
func (s *surpriseTail) surprise(z float64) float64 {
	if s.seen < surpriseNeeded {
		return 0
	}
	f := s.fit()
	if z < f.from {
		above := 0.0
		for _, c := range s.counts[s.bin(z) : s.top+1] {
			above += float64(c)
		}
		// Rounding may take the share above 1.
		return math.Max(0, -math.Log10((above+s.weight)/(s.total+s.weight)))
	}
	p := -math.Log10(f.share)
	if x := (z - f.from) / f.spread; f.shape > 1e-6 {
		p += math.Log10(1+f.shape*x) / f.shape
	} else {
		p += x / math.Ln10
	}
	return math.Min(math.Max(p, 0), genericCap)
}

// level returns the statistic whose surprise is p, NaN before there is a past.
func (s *surpriseTail) level(p float64) float64 {
	if s.seen < surpriseNeeded {
		return math.NaN()
	}
	f := s.fit()
	x := math.Max(0, p+math.Log10(f.share)) * math.Ln10
	if f.shape > 1e-6 {
		x = math.Expm1(f.shape*x) / f.shape
	}
	return f.from + f.spread*x
}

// add counts z.
func (s *surpriseTail) add(z float64) {
	s.seen++
	if s.weight == 0 {
		s.weight = 1
	}
	s.weight *= math.Exp(1.0 / surpriseMemory)
	if s.weight > surpriseOverflow {
		s.total = 0
		for i := range s.counts {
			s.counts[i] /= surpriseOverflow
			s.total += float64(s.counts[i])
		}
		s.weight /= surpriseOverflow
	}
	bin := s.bin(z)
	s.counts[bin] += float32(s.weight)
	s.top = max(s.top, bin)
	s.total += s.weight
}

func (s *surpriseTail) bin(z float64) int { return min(surpriseBin(z), len(s.counts)-1) }

func surpriseBin(z float64) int {
	if !(z > surpriseStart) {
		return 0
	}
	return int(math.Min(1+surprisePerOct*math.Log2(z/surpriseStart), surpriseBins-1))
}

// surpriseEdges are the lower edges of the bins, and the upper one of the last.
var surpriseEdges = func() (edges [surpriseBins + 1]float64) {
	for i := range surpriseBins {
		edges[i+1] = surpriseStart * math.Exp2(float64(i)/surprisePerOct)
	}
	return edges
}()

// fit takes the moments of the excesses over the largest bin edge above which
// at least 5 % of the past lie. Inside a bin values are spread evenly, so that
// neither moment is 0.
func (s *surpriseTail) fit() paretoTail {
	bin, above := s.top+1, 0.0
	for above < surpriseFrom*s.total && bin > 0 {
		bin--
		above += float64(s.counts[bin])
	}
	from := surpriseEdges[bin]
	var mean, square float64
	for i := bin; i <= s.top; i++ {
		if c := float64(s.counts[i]); c > 0 {
			low, high := surpriseEdges[i]-from, surpriseEdges[i+1]-from
			mean += c * (low + high) / 2
			square += c * (low*low + low*high + high*high) / 3
		}
	}
	mean /= above
	variance := square/above - mean*mean
	ratio := mean * mean / variance
	return paretoTail{
		from: from, share: above / s.total,
		shape:  math.Min(math.Max((1-ratio)/2, 0), heaviestTail),
		spread: mean * (ratio + 1) / 2,
	}
}
