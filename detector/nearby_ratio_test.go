package detector

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// wandering is a share whose probability wobbles by sd, with a memory of so many
// minutes, around 0.005, of n observations a minute.
type wandering struct {
	rng         *rand.Rand
	n, sd, keep float64
	wobble      float64
	at          time.Time
}

func newWandering(n, sd, minutes float64) *wandering {
	keep := 0.0
	if minutes > 0 {
		keep = math.Exp(-1 / minutes)
	}
	return &wandering{rng: rand.New(rand.NewPCG(2, 8)), n: n, sd: sd, keep: keep, at: monday}
}

// next returns the sample of the next minute, whose probability is so many times
// as large.
func (w *wandering) next(factor float64) Sample {
	w.at = w.at.Add(time.Minute)
	w.wobble = w.keep*w.wobble + math.Sqrt(1-w.keep*w.keep)*w.sd*w.rng.NormFloat64()
	p := 0.005 * math.Exp(w.wobble) * factor
	k := math.Max(0, math.Round(w.n*p+math.Sqrt(w.n*p)*w.rng.NormFloat64()))
	return Sample{Time: w.at, Value: k / w.n, Support: w.n / 60, Given: nan}
}

func TestSharePredictsItself(t *testing.T) {
	for _, tc := range []struct {
		name                   string
		n, sd, minutes         float64
		least, most            float64 // of b
		leastLeaves, mostLeave float64 // of the run's dispersion, as a share of the probability's
	}{
		{"one that wanders slowly", 60000, 0.1, 60, 0.8, 1, 0, 0.35},
		{"one that jumps about", 60000, 0.1, 0, 0, 0.2, 0.2, 0.5}, // a third: the mean of three
		{"one that does not wobble", 60000, 0, 0, 0, 0.3, 0, math.Inf(1)},
		{"one of few observations", 60, 0.1, 60, 0, 1, 0, math.Inf(1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, w := newDetector(t, Options{Kind: Ratio, Direction: Up, Step: time.Minute, MinEffect: MinEffect{Relative: 0.15}}), newWandering(tc.n, tc.sd, tc.minutes)
			largest := 0.0
			h := d.head.(*ratio)
			for i := range 14 * 1440 {
				d.Update(w.next(1))
				if i > 7*1440 {
					largest = math.Max(largest, math.Abs(h.near.told()))
				}
			}
			if b := h.near.share.upTo(1); b < tc.least || b > tc.most {
				t.Errorf("b is %.2f, want %g to %g", b, tc.least, tc.most)
			}
			if left := h.near.dispersion() / h.phi; left < tc.leastLeaves || left > tc.mostLeave {
				t.Errorf("the run disperses %.2f times as much as the probability, want %g to %g", left, tc.leastLeaves, tc.mostLeave)
			}
			if limit := 5 * math.Max(tc.sd, 0.02); largest > limit {
				t.Errorf("up to %.2f is predicted, want at most %.2f", largest, limit)
			}
		})
	}
}

// TestSmallStepOfAWanderingShare: half as many errors again are more than the last
// minutes explain, where so much more than the season explains comes every day. Where
// there are few errors, it takes a quarter of an hour to tell.
func TestSmallStepOfAWanderingShare(t *testing.T) {
	const faults = 20
	for _, tc := range []struct {
		name   string
		n, sd  float64
		within int // minutes of the fault, which lasts 30
		least  int
	}{
		{"300 errors a minute", 60000, 0.15, 5, 18},
		{"60 errors a minute", 12000, 0.1, 30, 11},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, w := newDetector(t, Options{Kind: Ratio, Direction: Up, Step: time.Minute, MinEffect: MinEffect{Relative: 0.15}}), newWandering(tc.n, tc.sd, 60)
			found, before := 0, 0
			for range 14 * 1440 {
				d.Update(w.next(1))
			}
			for range faults {
				for range 701 {
					if d.Update(w.next(1)).State == Anomalous {
						before++
					}
				}
				hit := false
				for i := range 30 {
					if d.Update(w.next(1.5)).State == Anomalous && i < tc.within {
						hit = true
					}
				}
				if hit {
					found++
				}
			}
			if found < tc.least {
				t.Errorf("%d of %d found within %d minutes, want %d", found, faults, tc.within, tc.least)
			}
			// An anomaly lasts ten minutes longer than the fault.
			if most := 20 * faults; before > most {
				t.Errorf("anomalous for %d minutes without a fault, want at most %d", before, most)
			}
		})
	}
}

func TestHeldBlocksFade(t *testing.T) {
	d, w := newDetector(t, Options{Kind: Ratio, Direction: Up, Step: time.Minute, MinEffect: MinEffect{Relative: 0.15}}), newWandering(60000, 0.1, 60)
	for range 7 * 1440 {
		d.Update(w.next(1))
	}
	h := d.head.(*ratio)
	for range 120 {
		d.Update(w.next(4))
	}
	if got := h.near.expect(100); got > 130 {
		t.Errorf("two hours of four times as many errors: %.0f are expected where the season expects 100", got)
	}
}
