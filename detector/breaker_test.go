package detector

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestBreaker plays series that become another kind of noise after two weeks:
// what is held then would be alarmed about for weeks, since nothing of it is
// learned. With the breaker the alarms fade within the first week.
func TestBreaker(t *testing.T) {
	for _, tc := range []struct {
		name  string
		begin func(rng *rand.Rand) func(noise float64) float64
		// Share of each of three weeks that is anomalous: at most with the
		// breaker, at least without it.
		with, without [3]float64
	}{
		{
			"twice the noise, which wanders",
			func(rng *rand.Rand) func(float64) float64 {
				walk := 0.0
				return func(noise float64) float64 {
					walk = 0.998*walk + 0.03*rng.NormFloat64()
					return 2*noise + walk
				}
			},
			[3]float64{0.25, 0.01, 0.01}, [3]float64{0.35, 0, 0},
		},
		{
			"three levels in turn",
			func(rng *rand.Rand) func(float64) float64 {
				level, left := 0.0, 0
				return func(noise float64) float64 {
					if left--; left <= 0 {
						level, left = 1.2*float64(rng.IntN(3)-1), 20+rng.IntN(200)
					}
					return noise + level
				}
			},
			[3]float64{0.25, 0.01, 0.01}, [3]float64{0.5, 0.5, 0},
		},
		{
			"long bursts",
			func(rng *rand.Rand) func(float64) float64 {
				level, left := 0.0, 0
				return func(noise float64) float64 {
					if left--; left <= 0 {
						level, left = 0, 10+rng.IntN(90)
						if rng.IntN(3) == 0 {
							level = 1.5
						}
					}
					return noise + level
				}
			},
			[3]float64{0.25, 0.01, 0.01}, [3]float64{0.35, 0.35, 0.1},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			shares := func(breaker bool) (out [3]float64) {
				o := usual(Latency, time.Minute)
				o.Direction = Both
				d := newDetector(t, o)
				rng := rand.New(rand.NewPCG(1, 9))
				changed := tc.begin(rng)
				noise := 0.0
				for i := range 5 * 7 * 1440 {
					noise = 0.6*noise + 0.04*rng.NormFloat64()
					week := i/(7*1440) - 2
					y := noise
					if week >= 0 {
						y = changed(noise)
					}
					if !breaker {
						d.heldShare = 0 // it never trips
					}
					j := d.Update(Sample{Time: monday.Add(time.Duration(i) * time.Minute), Value: 0.1 * math.Exp(y), Support: nan, Given: nan})
					if week >= 0 && j.State == Anomalous {
						out[week] += 1.0 / (7 * 1440)
					}
				}
				return out
			}
			with, without := shares(true), shares(false)
			for week := range with {
				if with[week] > tc.with[week] {
					t.Errorf("week %d: anomalous for %.3f of the time, want at most %g", week+1, with[week], tc.with[week])
				}
				if without[week] < tc.without[week] {
					t.Errorf("week %d without the breaker: anomalous for %.3f of the time, want at least %g: the test proves nothing", week+1, without[week], tc.without[week])
				}
			}
			t.Logf("anomalous for %.3f of the time by week, without the breaker for %.3f", with, without)
		})
	}
}
