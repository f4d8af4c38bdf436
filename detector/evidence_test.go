package detector

import (
	"math"
	"testing"
	"time"
)

// TestWindowsSumTheirSamples pushes ones and a ramp, and compares with the sums
// over all samples.
func TestWindowsSumTheirSamples(t *testing.T) {
	for _, step := range []time.Duration{
		time.Second, 7 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, time.Hour,
	} {
		e := newEvidence(newPace(step))
		for i := range 3*e.length(long) + 5 {
			e.push(int64(step.Seconds())*int64(i), [3]float32{1, float32(i), 2})
			windows := e.windows(0)
			for k, blocks := range []int{short: int(e.short), long: int(e.long)} {
				if k < short {
					continue
				}
				w, least := windows[k-run], (blocks-1)*int(e.perBlock)
				n := min(i+1, least+int(e.block(0).size))
				if w.size != n || w.full != (i >= least) {
					t.Fatalf("step %v, sample %d, %d blocks: size %d, full %t, want %d, %t", step, i, blocks, w.size, w.full, n, i >= least)
				}
				// Of the oldest span in the long window the newest part is in it, but
				// the mean of all is taken.
				ramp, off := float64(n)*(float64(i)-float64(n-1)/2), 0.0
				if k == long {
					off = float64(e.perSpan*e.perSpan) / 8
				}
				near(t, "the sum of ones", w.sum[0], float64(n), 1e-9*float64(n))
				near(t, "the sum of the ramp", w.sum[1], ramp, off+1e-6)
				near(t, "the sum of twos", w.sum[2], float64(2*n), 1e-9*float64(n))
			}
		}
	}
}

func TestOnsetInOlderSamples(t *testing.T) {
	for _, tc := range []struct {
		ago  int     // minutes
		near float64 // minutes by which it may be missed
	}{{3, 0}, {12, 0}, {16, 5}, {37, 5}, {55, 5}} {
		e := newEvidence(newPace(time.Minute))
		const n = 200
		for i := range n {
			v := float32(0)
			if i >= n-tc.ago {
				v = 1
			}
			e.push(int64(60*i), [3]float32{v})
		}
		since, sum, size := e.onset(1, func(sum tally, size int) float64 { return sum[0] / math.Sqrt(float64(size)) })
		begin := e.newest(0).at - uint32(60*(tc.ago-1))
		near(t, "the onset", float64(since.Unix()), float64(begin), 60*tc.near)
		near(t, "the sum", sum[0], float64(tc.ago), tc.near)
		near(t, "the size", float64(size), float64(tc.ago), tc.near)
	}
}
