package detector

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestDayProfileIsClose plays days with a job and noise, and compares with a
// profile of real numbers.
func TestDayProfileIsClose(t *testing.T) {
	for _, size := range []float64{1e-6, 1, 1e9} {
		rng := rand.New(rand.NewPCG(2, 7))
		p := newDayProfile(newPace(time.Minute), maxDayBins)
		var want [maxDayBins]float64
		const weight = seasonWeight / 5
		for i := range 20 * 1440 {
			second := float64(i % 1440 * 60)
			bin := i % 1440 / 5
			v := size * (20 + math.Sin(second/secondsPerDay*2*math.Pi) + 0.1*rng.NormFloat64())
			if bin >= 30 && bin < 36 {
				v += 7 * size
			}
			w := weight
			if i < 1440 {
				w = 1 / float64(i%5+1)
			}
			want[bin] += w * (v - want[bin])
			p.learn(second, v, weight)
			_, ok := p.at(second)
			if ok != (i >= 1440) {
				t.Fatalf("size %g, sample %d: known is %t", size, i, ok)
			}
			if !ok {
				continue
			}
			got, _ := p.at((float64(bin) + 0.5) * p.width())
			// Halves of levels that are up to 9 away from the first one. Rounding them
			// every day adds up to 1/0.15 times as much.
			near(t, "the level", got, want[bin], size*9*0x1p-11/seasonWeight)
		}
	}
}

func TestHabits(t *testing.T) {
	type anomaly struct {
		day  int32
		hour int
		r    float64
	}
	for _, tc := range []struct {
		name string
		past []anomaly
		now  anomaly
		want bool
		kept int // hours
	}{
		{"nothing", nil, anomaly{3, 5, 1}, false, 0},
		{"two nights like it", []anomaly{{1, 5, 1}, {2, 5, 1.5}}, anomaly{3, 5, 1.2}, true, 1},
		{"two nights like it, and it goes on", []anomaly{{1, 5, 1}, {2, 5, 1.5}, {3, 5, 1}}, anomaly{3, 5, 1.2}, true, 1},
		{"at another hour", []anomaly{{1, 5, 1}, {2, 5, 1.5}}, anomaly{3, 6, 1.2}, false, 1},
		{"of another size", []anomaly{{1, 5, 1}, {2, 5, 4}}, anomaly{3, 5, 4}, false, 1},
		{"to the other side", []anomaly{{1, 5, 1}, {2, 5, 1}}, anomaly{3, 5, -1}, false, 1},
		{"one night", []anomaly{{2, 5, 1}}, anomaly{3, 5, 1}, false, 1},
		{"a night without it", []anomaly{{1, 5, 1}, {2, 5, 1}}, anomaly{4, 5, 1}, false, 1},
		{"what is over is forgotten", []anomaly{{1, 5, 1}, {1, 7, 1}, {2, 8, 1}, {4, 9, 1}}, anomaly{4, 5, 1}, false, 1},
	} {
		var h habits
		for _, a := range tc.past {
			h.learn(a.day, a.hour, a.r)
		}
		if got := h.explain(tc.now.day, tc.now.hour, tc.now.r); got != tc.want {
			t.Errorf("%s: explained is %t, want %t", tc.name, got, tc.want)
		}
		if len(h) != tc.kept {
			t.Errorf("%s: %d hours are remembered, want %d", tc.name, len(h), tc.kept)
		}
	}
}
