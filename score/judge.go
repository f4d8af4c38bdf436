package score

import (
	"fmt"
	"math"
	"time"

	"tidemark/detector"
	"tidemark/signal"
)

// Kind says by which detector a series is judged: one for its kind, or Auto.
type Kind string

// Auto is the detector for series of which nothing is known.
const Auto Kind = "auto"

// Kinds are all that can be asked for.
var Kinds = []string{string(Auto), string(detector.Gauge), string(detector.Rate), string(detector.Ratio), string(detector.Latency)}

// judge judges the next sample. It returns a lineError for one that is not
// possible.
type judge func(at time.Time, value float64) (scored, error)

func newJudge(o Options) (judge, error) {
	switch {
	case o.Step <= 0:
		return nil, fmt.Errorf("step %s is not positive: write the distance between the lines, such as 5m", o.Step)
	case o.Kind == Auto:
		return generic(o.Step), nil
	default:
		return typed(o)
	}
}

func generic(step time.Duration) judge {
	d := detector.NewGeneric(step, nil)
	return func(at time.Time, value float64) (scored, error) {
		j := d.Update(at, value)
		if j.State == detector.Unknown && !math.IsNaN(value) {
			return scored{}, badLine("value %g is too large: write one within ±1e30", value)
		}
		return scored{j.Score(), j.Expected, j.Lower, j.Upper}, nil
	}
}

// possible says what values a kind has.
var possible = map[detector.Kind]string{
	detector.Gauge:   "write one within ±1e30",
	detector.Rate:    "write events per second, from 0 to 1e30",
	detector.Ratio:   "write a share, from 0 to 1",
	detector.Latency: "write seconds, from 0 to 1e30",
}

// largestSurprise is the largest that a typed detector is capable of.
const largestSurprise = 12

func typed(o Options) (judge, error) {
	// A signal has the defaults of its kind.
	sig := signal.Signal{Name: "value", Query: "value", Kind: detector.Kind(o.Kind), Component: signal.Unknown}
	if err := sig.Complete(signal.Defaults{Step: o.Step}); err != nil {
		return nil, err
	}
	d, err := detector.New(sig.Options(time.UTC, 0))
	if err != nil {
		return nil, err
	}
	var last time.Time
	return func(at time.Time, value float64) (scored, error) {
		if !last.IsZero() && !at.After(last) {
			return scored{}, badLine("timestamp %s is not after the one before, %s: sort the lines", at.Format(time.RFC3339), last.Format(time.RFC3339))
		}
		invalid := d.Invalid()
		j := d.Update(detector.Sample{Time: at, Value: value, Support: math.NaN(), Given: math.NaN()})
		if d.Invalid() > invalid {
			return scored{}, badLine("value %g is not possible for a %s: %s", value, o.Kind, possible[sig.Kind])
		}
		last = at
		return scored{math.Min(1, j.Surprise(detector.Both)/largestSurprise), j.Expected, j.Lower, j.Upper}, nil
	}, nil
}
