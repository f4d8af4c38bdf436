package detector

import (
	"math"
	"slices"
)

// levels are the numbers of a profile, in two bytes each: half-precision floats
// (binary16 of IEEE 754) times a power of two, which grows when a number is too
// large for it. NaN is kept, and stands for what is not known.
//
// A number is off by at most 2⁻¹¹ of itself, 0.05 %, or 2⁻³⁸ of the largest that
// there ever was.
type levels struct {
	halves []uint16
	power  int16
}

const (
	firstPower = -40
	topPower   = 14 // binary exponent in a half of what made the power grow

	largestHalf = 65504
	halfNaN     = 0x7e00
	halfSign    = 0x8000
	halfTop     = 0x7bff // bits of the largest

	// halfBits is by how many bits the mantissa of a half is shorter, and
	// halfBias the ratio of the biases of the exponents.
	halfBits = 13
	halfBias = 0x1p112
)

// newLevels returns n levels that are not known.
func newLevels(n int) levels {
	return levels{halves: slices.Repeat([]uint16{halfNaN}, n), power: firstPower}
}

// at returns the i-th level.
func (l *levels) at(i int) float64 {
	return float64(fromHalf(l.halves[i])) * power(l.power)
}

// set keeps v, of a magnitude of at most 1e37, as the i-th level.
func (l *levels) set(i int, v float64) {
	if math.Abs(v) > largestHalf*power(l.power) {
		more := int16(math.Ilogb(v)) - topPower - l.power
		l.power += more
		for k, h := range l.halves {
			l.halves[k] = toHalf(fromHalf(h) * float32(power(-more)))
		}
	}
	l.halves[i] = toHalf(float32(v / power(l.power)))
}

// power returns 2ⁿ for the exponents of normal numbers.
func power(n int16) float64 { return math.Float64frombits(uint64(1023+int64(n)) << 52) }

func fromHalf(h uint16) float32 {
	if h == halfNaN {
		return float32(math.NaN())
	}
	f := math.Float32frombits(uint32(h&^halfSign)<<halfBits) * halfBias
	if h&halfSign != 0 {
		return -f
	}
	return f
}

// toHalf rounds to the nearest half, to even ones in between.
func toHalf(f float32) uint16 {
	if f != f {
		return halfNaN
	}
	bits := math.Float32bits(f / halfBias)
	sign := uint16(bits>>16) & halfSign
	bits &^= 1 << 31
	bits += 1<<(halfBits-1) - 1 + bits>>halfBits&1
	return sign | uint16(min(bits>>halfBits, halfTop))
}
