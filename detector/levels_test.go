package detector

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestHalves knows numbers from the standard.
func TestHalves(t *testing.T) {
	for _, tc := range []struct {
		f    float32
		bits uint16
	}{
		{0, 0}, {1, 0x3c00}, {-2, 0xc000}, {65504, 0x7bff}, {-65504, 0xfbff}, {1e9, 0x7bff},
		{0x1p-14, 0x0400}, {0x1p-24, 0x0001}, {1.0 / 3, 0x3555}, {1 + 0x1p-10, 0x3c01},
		{1 + 0x1p-11, 0x3c00}, {1 + 3*0x1p-11, 0x3c02}, {0x1p-26, 0},
	} {
		if got := toHalf(tc.f); got != tc.bits {
			t.Errorf("%g is %#04x, want %#04x", tc.f, got, tc.bits)
		}
	}
	for bits := range uint16(halfTop + 1) {
		for _, h := range []uint16{bits, bits | halfSign} {
			if got := toHalf(fromHalf(h)); got != h {
				t.Fatalf("%#04x is %g, which is %#04x", h, fromHalf(h), got)
			}
		}
	}
}

func FuzzLevels(f *testing.F) {
	for _, size := range []float64{1e-9, 1e-3, 1, 30, 1e10, 1e30, -1e30} {
		f.Add(size, uint64(1))
	}
	f.Fuzz(func(t *testing.T, size float64, seed uint64) {
		if !(math.Abs(size) <= 1e36) {
			return
		}
		const n = 50
		rng := rand.New(rand.NewPCG(seed, 0))
		l := newLevels(n)
		want := make([]float64, n)
		for i := range want {
			want[i] = math.NaN()
		}
		largest := 0.0
		for range 4 * n {
			i := rng.IntN(n - 1) // one is never known
			want[i] = size * rng.NormFloat64() * math.Pow(10, -3*rng.Float64())
			largest = math.Max(largest, math.Abs(want[i]))
			l.set(i, want[i])
			for k := range want {
				got, off := l.at(k), math.Abs(want[k])*0x1p-11+math.Max(largest*0x1p-38, 0x1p-65)
				if math.IsNaN(got) != math.IsNaN(want[k]) || math.Abs(got-want[k]) > off {
					t.Fatalf("level %d of size %g is %g, want %g ± %g", k, size, got, want[k], off)
				}
			}
		}
	})
}
