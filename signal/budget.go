package signal

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/detector"
)

// Limits of a budget of false alarms. Below a week, sensitivities are so low that
// learning stands still; beyond ten years, they differ by nothing that counts.
const (
	leastBudget = 7 * 24 * time.Hour
	mostBudget  = 10 * 365 * 24 * time.Hour
)

// ErrBudgetAndSensitivity says that the same thing is set twice.
var ErrBudgetAndSensitivity = errors.New("sensitivity and false_alarm_every are both set, and each follows from the other: remove one of them")

// CheckBudget reports whether a period, of one false alarm per series, cannot be
// promised.
func CheckBudget(d model.Duration) error {
	if p := time.Duration(d); p < leastBudget || p > mostBudget {
		return fmt.Errorf("false_alarm_every %s is not between 1w and 10y: write how often a healthy series may be wrong, such as 8w", d)
	}
	return nil
}

func (s *Signal) checkBudget() error {
	switch {
	case s.FalseAlarmEvery == 0:
		return nil
	case s.Sensitivity != 0:
		return ErrBudgetAndSensitivity
	default:
		return CheckBudget(s.FalseAlarmEvery)
	}
}

// fillSensitivity takes the signal's own sensitivity or budget, else the
// default's. The step must be filled in: what a sensitivity costs depends on it.
func (s *Signal) fillSensitivity(d Defaults) {
	budget := time.Duration(s.FalseAlarmEvery)
	if budget == 0 && s.Sensitivity == 0 && d.Sensitivity == 0 {
		budget = d.FalseAlarmEvery
	}
	if budget > 0 {
		s.Sensitivity = math.Round(100*detector.SensitivityFor(s.statistics(), budget)) / 100
	}
	s.Sensitivity = first(s.Sensitivity, d.Sensitivity, detector.DefaultSensitivity)
	s.FalseAlarmEvery = 0
}

// statistics returns the options on which false alarms depend.
func (s Signal) statistics() detector.Options {
	return detector.Options{Kind: s.Kind, Step: time.Duration(s.Step), Sensitivity: s.Sensitivity}
}

// FalseAlarmPeriod returns in which period a healthy series of the signal has
// about one false alarm. The signal must be complete.
func (s Signal) FalseAlarmPeriod() time.Duration { return detector.PeriodFor(s.statistics()) }

// FalseAlarms says for a person what the sensitivity costs: "about one false
// alarm per series in 16 weeks".
func (s Signal) FalseAlarms() string {
	const day, year = 24 * time.Hour, 365.25 * 24 * time.Hour
	p := s.FalseAlarmPeriod()
	period := "more than 20 years"
	switch {
	case p < 14*day:
		period = fmt.Sprintf("%.0f days", p.Hours()/24)
	case p < 2*year:
		period = fmt.Sprintf("%.0f weeks", p.Hours()/24/7)
	case p < 20*year:
		period = fmt.Sprintf("%.0f years", float64(p)/float64(year))
	}
	return "about one false alarm per series in " + period
}
