package detector

import (
	"math"
	"slices"
)

// jumpWindow holds the newest of magnitudes, in the order in which they came and
// sorted. It keeps the logarithm of each in two bytes, which is 0.14 % of it.
type jumpWindow struct {
	ring   []int16 // grows up to its capacity, then is overwritten
	next   int     // where the next one goes
	sorted []int16
}

func newJumpWindow(size int) jumpWindow {
	return jumpWindow{ring: make([]int16, 0, size), sorted: make([]int16, 0, size)}
}

func (w *jumpWindow) len() int { return len(w.sorted) }

const (
	jumpPerOctave = 256
	noJump        = math.MinInt16 // is 0, or less than 2⁻¹²⁷
)

// push adds a magnitude: at least 0, less than 2¹²⁷, and not NaN.
func (w *jumpWindow) push(v float64) {
	code := int16(math.Round(jumpPerOctave * math.Max(math.Log2(v), noJump/jumpPerOctave)))
	at, _ := slices.BinarySearch(w.sorted, code)
	if len(w.ring) < cap(w.ring) {
		w.ring = append(w.ring, code)
		w.sorted = slices.Insert(w.sorted, at, code)
		return
	}
	old := w.ring[w.next]
	w.ring[w.next] = code
	w.next = (w.next + 1) % len(w.ring)
	gone, _ := slices.BinarySearch(w.sorted, old)
	if gone < at {
		at--
		copy(w.sorted[gone:at], w.sorted[gone+1:at+1])
	} else {
		copy(w.sorted[at+1:gone+1], w.sorted[at:gone])
	}
	w.sorted[at] = code
}

// at returns the i-th magnitude by size, from 0.
func (w *jumpWindow) at(i int) float64 {
	if w.sorted[i] == noJump {
		return 0
	}
	return math.Exp2(float64(w.sorted[i]) / jumpPerOctave)
}

// quantile returns the magnitude below which a share p, 0–1, lies, linear between
// two. The window must not be empty.
func (w *jumpWindow) quantile(p float64) float64 {
	at := p * float64(len(w.sorted)-1)
	i := int(at)
	if i+1 >= len(w.sorted) {
		return w.at(len(w.sorted) - 1)
	}
	return w.at(i) + (at-float64(i))*(w.at(i+1)-w.at(i))
}
