package detector

import "time"

const (
	hourlyLevel  = 24  // hours whose median is the level
	hourlyJumps  = 336 // between hours
	hourlyWeight = 0.7 // of the surprise of an hour
)

// hourly judges the mean of every hour of a series at a finer step, as coarse
// judges a series by the hour. It sees what lasts and is too small to be seen in a
// sample. An hour is as many samples as it usually has.
type hourly struct {
	coarse *coarse
	size   int // samples in an hour
	sum    float64
	n      int
}

func newHourly(step time.Duration) hourly {
	return hourly{coarse: newCoarse(time.Hour, hourlyLevel, hourlyJumps), size: int((time.Hour + step/2) / step)}
}

// judge returns the surprise of the hour that ends with v, which is in an hour of
// the day, and 0 for other samples.
func (h *hourly) judge(v float64, ofDay int) (surprise float64) {
	h.sum += v
	if h.n++; h.n < h.size {
		return 0
	}
	mean := GenericJudgement{Value: h.sum / float64(h.n)}
	h.sum, h.n = 0, 0
	return hourlyWeight * h.coarse.judge(&mean, ofDay)
}
