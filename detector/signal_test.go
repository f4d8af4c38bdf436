package detector

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// monday is where the tests' time begins.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// source makes the samples of a signal of a web service with a daily rhythm and
// noise that is correlated over two minutes.
type source struct {
	kind Kind
	step time.Duration
	loc  *time.Location // of the users
	rand *rand.Rand
	ar   float64
}

func newSource(kind Kind, step time.Duration, seed uint64) *source {
	return &source{kind: kind, step: step, loc: time.UTC, rand: rand.New(rand.NewPCG(seed, 1))}
}

// load is the number of requests per second at a time.
func (s *source) load(at time.Time) float64 {
	local := at.In(s.loc)
	day := (float64(local.Hour()) + float64(local.Minute())/60 + float64(local.Second())/3600) / 24
	return 100 * (1 - 0.5*math.Cos(2*math.Pi*day))
}

// at returns the sample at a time, with a fault of a factor (for a ratio: of an
// addend).
func (s *source) at(at time.Time, fault float64) Sample {
	rho := math.Exp(-s.step.Seconds() / 120)
	s.ar = rho*s.ar + math.Sqrt(1-rho*rho)*0.05*s.rand.NormFloat64()
	load := s.load(at)
	out := Sample{Time: at, Support: math.NaN(), Given: math.NaN()}
	switch s.kind {
	case Latency:
		out.Value, out.Support = 0.1*math.Pow(load/100, 0.2)*math.Exp(s.ar)*fault, load
	case Rate:
		out.Value = load * math.Exp(s.ar) * fault
	case Ratio:
		n := math.Round(load * s.step.Seconds())
		p := 0.07*math.Exp(s.ar) - fault
		k := math.Round(n*p + math.Sqrt(n*p*(1-p))*s.rand.NormFloat64())
		out.Value, out.Support = 1-math.Min(math.Max(k, 0), n)/n, load
	case Gauge:
		out.Value = 50*fault + 100*s.ar
	}
	return out
}

// feed shows a detector n samples from start on, and calls each for every
// judgement.
func feed(d *Detector, s *source, start time.Time, n int, fault float64, each func(i int, j Judgement)) time.Time {
	for i := range n {
		at := start.Add(time.Duration(i) * s.step)
		j := d.Update(s.at(at, fault))
		if each != nil {
			each(i, j)
		}
	}
	return start.Add(time.Duration(n) * s.step)
}

func newDetector(t testing.TB, o Options) *Detector {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// usual are options as the standard signals have them.
func usual(kind Kind, step time.Duration) Options {
	o := Options{Kind: kind, Direction: Both, Step: step, MinEffect: MinEffect{Relative: 0.1}}
	switch kind {
	case Ratio:
		o.MinEffect = MinEffect{Absolute: 0.02}
	case Rate:
		o.MinEffect = MinEffect{Relative: 0.2}
	default: // as it is
	}
	return o
}
