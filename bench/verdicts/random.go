package main

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// wobble is noise that is correlated over time. It draws from nothing but the
// random numbers that it is given, so that a copy goes the same way.
type wobble struct {
	keep, sd, x float64
}

// newWobble returns noise that forgets within the given minutes.
func newWobble(minutes, sd float64) wobble {
	return wobble{keep: math.Exp(-1 / minutes), sd: sd}
}

func (w *wobble) next(r *rand.Rand) float64 {
	w.x = w.keep*w.x + math.Sqrt(1-w.keep*w.keep)*w.sd*r.NormFloat64()
	return w.x
}

// poisson draws a count. A mean that is not positive gives 0.
func poisson(r *rand.Rand, mean float64) float64 {
	switch {
	case !(mean > 0):
		return 0
	case mean > 200:
		return math.Max(0, math.Round(mean+math.Sqrt(mean)*r.NormFloat64()))
	default:
		return distuv.Poisson{Lambda: mean, Src: r}.Rand()
	}
}

// binomial draws how many of n happen, each with probability p.
func binomial(r *rand.Rand, n, p float64) float64 {
	switch {
	case !(n > 0) || !(p > 0):
		return 0
	case p >= 1:
		return n
	case n*p*(1-p) > 100:
		return math.Min(math.Max(0, math.Round(n*p+math.Sqrt(n*p*(1-p))*r.NormFloat64())), n)
	default:
		return distuv.Binomial{N: n, P: p, Src: r}.Rand()
	}
}

// between draws from an interval, logBetween so that factors are alike.
func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

func logBetween(r *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, r.Float64())
}
