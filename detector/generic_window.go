package detector

import (
	"math"
	"slices"
	"sort"
)

// window holds the newest values, and knows their order by size. It keeps them to
// seven digits, which halves its size.
type window struct {
	ring  []float32 // in the order in which they came; grows up to its capacity, then is overwritten
	next  int       // where the next value goes
	order []uint16  // places in the ring, by the size of the value, then of the place
}

// newWindow returns a window of at most 65535 values.
func newWindow(size int) *window {
	return &window{ring: make([]float32, 0, size), order: make([]uint16, 0, size)}
}

func (w *window) len() int { return len(w.order) }

// at returns the i-th value by size, from 0.
func (w *window) at(i int) float64 { return float64(w.value(i)) }

func (w *window) value(i int) float32 { return w.ring[w.order[i]] }

// find returns how many values come before v at a place of the ring.
func (w *window) find(v float32, place uint16) int {
	low, high := 0, len(w.order)
	for low < high {
		mid := (low + high) / 2
		if o := w.order[mid]; w.ring[o] < v || w.ring[o] == v && o < place {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// push adds a value, which must not be NaN. If the window is full, the oldest one
// leaves it and is returned.
func (w *window) push(value float64) (oldest float64, left bool) {
	v := float32(value)
	if len(w.ring) < cap(w.ring) {
		place := uint16(len(w.ring))
		at := w.find(v, place)
		w.ring = append(w.ring, v)
		w.order = slices.Insert(w.order, at, place)
		return 0, false
	}
	place := uint16(w.next)
	old := w.ring[place]
	at, gone := w.find(v, place), w.find(old, place)
	if gone < at {
		at--
		copy(w.order[gone:at], w.order[gone+1:at+1])
	} else {
		copy(w.order[at+1:gone+1], w.order[at:gone])
	}
	w.order[at] = place
	w.ring[place] = v
	w.next = (w.next + 1) % len(w.ring)
	return float64(old), true
}

// quantile returns the value below which a share p, 0–1, of the values lies,
// linear between two values. The window must not be empty.
func (w *window) quantile(p float64) float64 {
	at := p * float64(len(w.order)-1)
	i := int(at)
	if i+1 >= len(w.order) {
		return w.at(len(w.order) - 1)
	}
	return w.at(i) + (at-float64(i))*(w.at(i+1)-w.at(i))
}

// span returns the distance between the least and the largest value. The window
// must not be empty.
func (w *window) span() float64 { return w.at(len(w.order)-1) - w.at(0) }

// deviation returns the median distance of the values from center, the upper
// one of two. The window must not be empty.
//
// The k values nearest to the center are neighbours in the sorted window: it
// looks for the first of those neighbours whose next one on the right is not
// nearer than itself.
func (w *window) deviation(center float64) float64 {
	k := len(w.order)/2 + 1
	low, high := 0, len(w.order)-k
	for low < high {
		mid := (low + high) / 2
		if center-w.at(mid) > w.at(mid+k)-center {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return math.Max(center-w.at(low), w.at(low+k-1)-center)
}

// below returns how many of the values are less than v, and how many are at most v.
// At least so many are known to be less.
func (w *window) below(v float32, known int) (less, atMost int) {
	less = known + sort.Search(len(w.order)-known, func(k int) bool { return w.value(known+k) >= v })
	if less == len(w.order) || w.value(less) > v {
		return less, less
	}
	return less, less + sort.Search(len(w.order)-less, func(k int) bool { return w.value(less+k) > v })
}

// distance returns the Kolmogorov–Smirnov statistic, 0–1: the largest distance
// between the distribution functions of two windows, neither of them empty. That
// of b is monotone between two values of a, so that it suffices to look there:
// it should be the larger window.
func distance(a, b *window) float64 {
	n, m := float64(len(a.order)), float64(len(b.order))
	largest := 0.0
	atMost := 0
	for i := 0; i < len(a.order); {
		v := a.value(i)
		end := i + 1
		for end < len(a.order) && a.value(end) == v {
			end++
		}
		var less int
		less, atMost = b.below(v, atMost)
		largest = max(largest, math.Abs(float64(less)/m-float64(i)/n), math.Abs(float64(atMost)/m-float64(end)/n))
		i = end
	}
	return largest
}
