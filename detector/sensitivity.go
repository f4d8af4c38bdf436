package detector

import (
	"math"
	"time"
)

const (
	month            = 30 * 24 * time.Hour
	leastSensitivity = 3.0 // below, learning is held more often than not
	mostSensitivity  = 8.0
)

// promise is what a sensitivity means in false alarms: how many a healthy series
// has in a month at the default and a step of a minute, and by how many factors
// of ten each unit more divides that.
type promise struct{ alarms, decades float64 }

// The promises were measured by bench/accuracy -only calibration over signals of
// 1000, 50 and 2 requests per second, at what was thought to be one false alarm in 2,
// 8 and 26 weeks: sensitivities from 2.9 to 4.6. They are less
// than a surprise of about −log10 p would make, because neighbouring samples tell
// the same story. No gauge is simulated; the mean of all is taken for it.
func (o Options) promise() promise {
	switch o.Kind {
	case Latency:
		return promise{0.12, 0.87}
	case Rate:
		return promise{0.07, 0.91}
	case Ratio:
		return promise{0.08, 1.26}
	default:
		return promise{0.09, 1.01}
	}
}

// SensitivityFor returns the sensitivity at which a healthy series has about one
// false alarm per period:
//
//	4.5 + log10(a · period/month · minute/max(step, minute)) / d
//
// with the alarms a and the decades d of its kind, held between 3 and 8. At steps
// above a minute a series has fewer chances to err; below, it has no more, since
// the run is one of minutes. A step or a period that is not positive gives the
// default.
func SensitivityFor(o Options, period time.Duration) float64 {
	if o.Step <= 0 || period <= 0 {
		return DefaultSensitivity
	}
	p := o.promise()
	alarms := p.alarms * float64(period) / float64(month) * float64(time.Minute) / float64(max(o.Step, time.Minute))
	s := DefaultSensitivity + math.Log10(alarms)/p.decades
	return min(max(s, leastSensitivity), mostSensitivity)
}

// PeriodFor returns in which period a healthy series has about one false alarm
// at the options' sensitivity: the inverse of SensitivityFor, without its limits.
// A step that is not positive gives 0; a period beyond 290 years, the longest
// Duration.
func PeriodFor(o Options) time.Duration {
	if o.Step <= 0 {
		return 0
	}
	p := o.promise()
	months := math.Pow(10, p.decades*(o.Sensitivity-DefaultSensitivity)) / p.alarms
	d := months * float64(month) * float64(max(o.Step, time.Minute)) / float64(time.Minute)
	if !(d < math.MaxInt64) {
		return math.MaxInt64
	}
	return time.Duration(d)
}
