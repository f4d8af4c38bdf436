package detector

import "math"

// prior is the tail of each statistic of a normal process, 1.4 times as wide. The
// run is taken for the minimum of 1+3(1−ρⁿ) independent means of a block of n
// samples, ρ being the autocorrelation of the residuals.
func (c *continuous) prior(i int, e *evidence) tail {
	n, least := float64(e.length(i)), 1.0
	if i == run {
		n = float64(e.perBlock)
		least = 1 + (runLength-1)*(1-math.Pow(c.autocorrelation(), n))
	}
	width := priorWidth * min(1, math.Sqrt(c.meanVariance(n)))
	return newTail(
		width*normalUpper(math.Pow(tailCommon, 1/least)),
		width*normalUpper(math.Pow(tailRare, 1/least)),
	)
}

// meanVariance returns the variance of the mean of n residuals in terms of that of
// one. A part of the residuals is noise, and a part follows a process of first
// order, whose autocorrelation the one at two distances tells.
func (c *continuous) meanVariance(n float64) float64 {
	near := c.autocorrelation()
	slow := math.Max(math.Min(math.Pow(c.later.upTo(1), 1/float64(c.distance-1)), 0.99), near)
	part := 1.0
	if slow > 0 {
		part = near / slow
	}
	return ((1-part)*n + part*sumVariance(slow, n)) / (n * n)
}

// sumVariance returns the variance of the sum of n values of a process of first
// order with the autocorrelation ρ < 1, in terms of that of one.
func sumVariance(rho, n float64) float64 {
	return n*(1+rho)/(1-rho) - 2*rho*(1-math.Pow(rho, n))/((1-rho)*(1-rho))
}

// autocorrelation returns that of neighbouring residuals, between 0 and 0.99.
func (c *continuous) autocorrelation() float64 {
	return c.following.upTo(0.99)
}
