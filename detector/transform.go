package detector

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// leastLatency is added to latencies before their logarithm is taken, so
	// that 0 is safe; a microsecond changes no latency that matters.
	leastLatency = 1e-6

	// quantileVariance is n times the variance of the log of a high quantile
	// of n latencies: 4 is that of the 95 % quantile of a log-normal
	// distribution with σ ≈ 1.
	quantileVariance = 4

	// floorShare is the share of the minimum effect below which spreads are
	// not resolved: a constant series needs no finer ruler.
	floorShare = 1.0 / 8

	leastSpread = 1e-3 // relative, where there is no minimum effect
)

// transform turns a value into the level that a baseline is learned of, and
// back:
//
//	latency  ln(x + c), c = 1 µs
//	rate     ln(x + c), c = one event per step
//	rate given a load r   ln((x + c)/(r + c))
//	gauge    x
//
// A minimum effect in the unit of the value that is larger than c takes its
// place: the scale is then logarithmic for what matters, linear below it, and a
// series that is mostly 0 is calm.
type transform struct {
	log         bool
	divided     bool // by the load
	conditioned bool
	counted     bool // Poisson, if nothing else is known
	offset      float64
	seconds     float64
}

func newTransform(o Options, p pace) transform {
	t := transform{
		log:         o.Kind != Gauge,
		divided:     o.Conditioned && o.Kind == Rate,
		conditioned: o.Conditioned,
		counted:     o.Kind == Rate,
		seconds:     p.seconds,
	}
	switch o.Kind {
	case Latency:
		t.offset = max(leastLatency, o.MinEffect.Absolute)
	case Rate:
		t.offset = max(1/p.seconds, o.MinEffect.Absolute)
	default: // linear
	}
	return t
}

// level returns the level of a value; given is used if the load divides it.
func (t *transform) level(x, given float64) float64 {
	switch {
	case t.divided:
		return math.Log((x + t.offset) / (given + t.offset))
	case t.log:
		return math.Log(x + t.offset)
	default:
		return x
	}
}

// value is the inverse of level, at least 0 for what cannot be negative.
func (t *transform) value(y, given float64) float64 {
	switch {
	case t.divided:
		return max(math.Exp(y)*(given+t.offset)-t.offset, 0)
	case t.log:
		return max(math.Exp(y)-t.offset, 0)
	default:
		return y
	}
}

// samplingVariance returns the variance that the level of a sample has because
// it is counted or estimated from few observations: 4/n for a quantile of n
// latencies, 1/n for a rate of n events, 1/n + 1/m for one divided by a load of
// m. For a rate n is what is expected, not what came: a rate that breaks down
// is not excused by being low. 0 where nothing is known.
func (t *transform) samplingVariance(expected float64, s Sample) float64 {
	switch {
	case t.divided:
		load := t.seconds * (s.Given + t.offset)
		return 1/(load*math.Exp(expected)) + 1/load
	case t.counted && !math.IsNaN(s.Support):
		return 1 / (s.Support*t.seconds + 1)
	case t.counted:
		return 1 / (t.seconds * math.Exp(expected))
	case t.log && !math.IsNaN(s.Support):
		return quantileVariance / (s.Support*t.seconds + 1)
	default:
		return 0
	}
}

// floor returns the smallest spread of the level, an eighth of the minimum
// effect.
func (t *transform) floor(expected float64, m MinEffect) float64 {
	if t.log {
		return max(math.Log1p(m.Relative)*floorShare, leastSpread)
	}
	level := math.Abs(expected)
	return max(m.distance(level)*floorShare, max(level*leastSpread, 1e-9))
}

// normalUpper returns the value that a standard normal variable exceeds with
// probability p; 0 for p ≥ ½, because a statistic is used on one side only.
func normalUpper(p float64) float64 {
	if p >= 0.5 {
		return 0
	}
	return distuv.UnitNormal.Quantile(1 - p)
}
