package detector

import (
	"math"
	"time"
)

// What a sensitivity means in false alarms, measured by bench/accuracy over
// latencies, rates and ratios at 1000, 50 and 2 requests per second: at the
// default and a step of a minute a healthy series has 0.27 a month, and each unit
// more divides that by 10^1.13. It is less than the promise of a surprise of
// about −log10 p, because neighbouring samples tell the same story.
const (
	alarmsAtDefault  = 0.27
	decadesPerUnit   = 1.13
	month            = 30 * 24 * time.Hour
	leastSensitivity = 3.0 // below, learning is held more often than not
	mostSensitivity  = 8.0
)

// SensitivityFor returns the sensitivity at which a healthy series has about one
// false alarm per period:
//
//	4.5 + log10(0.27 · period/month · minute/max(step, minute)) / 1.13
//
// held between 3 and 8. At steps above a minute a series has fewer chances to
// err; below, it has no more, since the run is one of minutes. A step or a
// period that is not positive gives the default.
func SensitivityFor(step, period time.Duration) float64 {
	if step <= 0 || period <= 0 {
		return DefaultSensitivity
	}
	alarms := alarmsAtDefault * float64(period) / float64(month) * float64(time.Minute) / float64(max(step, time.Minute))
	s := DefaultSensitivity + math.Log10(alarms)/decadesPerUnit
	return min(max(s, leastSensitivity), mostSensitivity)
}

// PeriodFor returns in which period a healthy series has about one false alarm
// at a sensitivity: the inverse of SensitivityFor, without its limits. A step
// that is not positive gives 0; a period beyond 290 years, the longest Duration.
func PeriodFor(step time.Duration, sensitivity float64) time.Duration {
	if step <= 0 {
		return 0
	}
	months := math.Pow(10, decadesPerUnit*(sensitivity-DefaultSensitivity)) / alarmsAtDefault
	p := months * float64(month) * float64(max(step, time.Minute)) / float64(time.Minute)
	if !(p < math.MaxInt64) {
		return math.MaxInt64
	}
	return time.Duration(p)
}
