// Package detector learns what is normal for one series, scores each new sample
// against it, and calls a lasting deviation that is large enough to matter an
// anomaly.
//
// Vocabulary: a baseline is what the series is expected to be (expected, lower
// and upper form the band); the score is the deviation in spreads of the
// baseline, signed; the surprise is about −log10 of the probability of so large
// a deviation in that direction, estimated from the series' own past; a
// detector is learning until it has seen enough to judge; the onset is when the
// deviation began.
//
// The package is pure: time comes in with each sample, and nothing is read,
// written, logged or started. It learns only from samples that it was given
// before the one that it judges.
package detector

import (
	"fmt"
	"math"
	"reflect"
	"time"
)

// Kind says what sort of quantity a signal is; it decides its statistics.
type Kind string

// The kinds of signals.
const (
	Gauge   Kind = "gauge"   // any real value; robust level and spread
	Rate    Kind = "rate"    // events per second, ≥ 0
	Latency Kind = "latency" // seconds, > 0; judged in the log domain
	Ratio   Kind = "ratio"   // 0–1, binomial with its support
)

// Direction says in which direction a deviation is bad, or went.
type Direction string

// The directions.
const (
	Up   Direction = "up"
	Down Direction = "down"
	Both Direction = "both"
)

// MinEffect is how far a sample must lie from what is expected to matter. A
// deviation counts only if it reaches both; zero switches one off.
type MinEffect struct {
	Absolute float64 `yaml:"absolute,omitempty"` // in the unit of the signal
	Relative float64 `yaml:"relative,omitempty"` // as a share of the expected value
}

// Options describe the series of one signal to its detectors.
type Options struct {
	Kind      Kind
	Direction Direction
	Step      time.Duration  // distance between samples, > 0
	Location  *time.Location // the days and weeks that people live by; nil is UTC
	MinEffect MinEffect
	Holidays  Holidays // days of the location that are like another weekday

	// Conditioned is set if each sample carries the load that it is judged by
	// (Sample.Given): the detector then expects a value for that load.
	Conditioned bool

	// Sensitivity is the surprise from which a single signal is an anomaly;
	// zero is DefaultSensitivity.
	Sensitivity float64

	// RelearnAfter is how long a deviation lasts before it is accepted as the
	// new normal; zero is DefaultRelearnAfter.
	RelearnAfter time.Duration
}

// Defaults. Their measurements are in docs/detection.md.
const (
	DefaultSensitivity  = 4.5
	DefaultRelearnAfter = 6 * time.Hour
)

// Sample is what one slot holds for one series. NaN in Value is a gap; NaN in
// Support or Given means that it is not known.
type Sample struct {
	Time    time.Time
	Value   float64
	Support float64 // observations per second behind the value, ≥ 0; 0 is a gap
	Given   float64 // the load that the value is judged by, in its own unit
}

// State is what a detector thinks of the newest sample.
type State uint8

// The states. The zero value is Unknown: nothing is good news until it is seen.
const (
	Unknown   State = iota // the sample is a gap: neither normal nor abnormal
	Learning               // too little history to judge; never an anomaly
	Normal                 // judged, and not an anomaly
	Anomalous              // judged to be an anomaly
)

var stateNames = [...]string{"unknown", "learning", "normal", "anomalous"}

func (s State) String() string { return stateNames[s] }

// Judgement is what the detector says about one sample.
//
// Expected, Lower and Upper are in the unit of the value and NaN while nothing
// is known yet; Score is NaN for a gap. Up and Down are never NaN: the surprise
// in each direction, held over the last samples as described at
// Detector.Update, 0 if the deviation in that direction is smaller than the
// minimum effect, for a gap, and while learning.
type Judgement struct {
	Time                   time.Time
	State                  State
	Value                  float64
	Support                float64
	Expected, Lower, Upper float64
	Score                  float64
	Up, Down               float64

	// Direction and Since are set while State is Anomalous or Unknown within
	// an anomaly: which way it went, and when it is estimated to have begun.
	Direction Direction
	Since     time.Time
}

// Surprise returns the surprise in a direction; for Both the larger one.
func (j Judgement) Surprise(d Direction) float64 {
	switch d {
	case Up:
		return j.Up
	case Down:
		return j.Down
	default:
		return math.Max(j.Up, j.Down)
	}
}

// Alike reports whether two sets of options make detectors that learn alike, but
// for holidays. Locations are the same if their names are.
func (o Options) Alike(p Options) bool {
	if o.Location.String() != p.Location.String() {
		return false
	}
	o.Location, p.Location, o.Holidays, p.Holidays = nil, nil, nil, nil
	return reflect.DeepEqual(o, p)
}

// Validate reports the first option that is not usable.
func (o Options) Validate() error {
	switch o.Kind {
	case Gauge, Rate, Latency, Ratio:
	default:
		return fmt.Errorf("kind %q is not known: write gauge, rate, latency or ratio", o.Kind)
	}
	switch o.Direction {
	case Up, Down, Both:
	default:
		return fmt.Errorf("direction %q is not known: write up, down or both", o.Direction)
	}
	switch {
	case o.Step <= 0:
		return fmt.Errorf("step %v is not positive", o.Step)
	case !(o.MinEffect.Absolute >= 0) || !(o.MinEffect.Relative >= 0):
		return fmt.Errorf("min_effect is negative: write 0 or more")
	case o.Sensitivity < 0 || math.IsNaN(o.Sensitivity):
		return fmt.Errorf("sensitivity is negative: write a number from 3 (eager) to 8 (quiet)")
	case o.Kind == Ratio && o.Conditioned:
		return fmt.Errorf("a ratio is not judged by a load: remove given, and name its support")
	case o.RelearnAfter < 0:
		return fmt.Errorf("relearn_after is negative: write a duration such as 6h")
	}
	return nil
}
