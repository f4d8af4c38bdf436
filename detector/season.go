package detector

import (
	"math"
	"time"
)

// Bins of the day are five minutes wide: with wider ones the edges of a nightly
// batch job alarm every night.
const (
	maxDayBins   = 288
	weekBins     = 168
	seasonWeight = 0.15 // of the newest day or week, once there are several
	weekShrink   = 1.5  // weeks after which a weekly deviation counts half, less that one
)

// dayProfile holds the level of a series at each time of day.
//
// A bin is filled with the mean of its first visit and is known from the next
// visit on; then the newest day has the weight max(0.15, 1/days).
type dayProfile struct {
	level   []float32
	known   []bool
	width   float64 // of a bin in seconds
	current int     // bin of the newest sample
	filled  int     // samples of its present visit
}

// newDayProfile returns a profile with bins of five minutes, or of one step if
// that is longer, but at least hourly ones.
func newDayProfile(step time.Duration) dayProfile {
	n := min(max(int(24*time.Hour/step), 24), maxDayBins)
	return dayProfile{level: make([]float32, n), known: make([]bool, n), width: secondsPerDay / float64(n)}
}

// at returns the level at a second of the day, linear between the centres of
// the bins, and false if its bin is not known yet. A neighbour that is not
// known is taken to be level with it.
func (p *dayProfile) at(second float64) (float64, bool) {
	n := len(p.level)
	own := min(int(second/p.width), n-1)
	if !p.known[own] {
		return 0, false
	}
	pos := second/p.width - 0.5
	left := int(math.Floor(pos))
	part := pos - float64(left)
	left = (left + n) % n
	right := (left + 1) % n
	if !p.known[left] {
		left = own
	}
	if !p.known[right] {
		right = own
	}
	return float64(p.level[left])*(1-part) + float64(p.level[right])*part, true
}

// learn moves the bin of a second of the day towards v. A known bin moves by
// weight, which is the newest day's weight divided by the samples per bin.
func (p *dayProfile) learn(second, v, weight float64) {
	bin := min(int(second/p.width), len(p.level)-1)
	if bin != p.current {
		if p.filled > 0 {
			p.known[p.current] = true
		}
		p.current, p.filled = bin, 0
	}
	p.filled++
	if !p.known[bin] {
		weight = 1 / float64(p.filled)
	}
	p.level[bin] += float32(weight * (v - float64(p.level[bin])))
}

// weekProfile holds how each hour of the week differs from the day profile.
type weekProfile struct {
	level   [weekBins]float32
	weeks   [weekBins]uint8 // visits
	current int
	filled  int
}

// at returns the deviation at a second of the week, linear between the hours'
// centres. Each hour is shrunk towards 0 by n/(n+1.5), n being the weeks seen.
func (p *weekProfile) at(second float64) float64 {
	pos := second/3600 - 0.5
	left := int(math.Floor(pos))
	part := pos - float64(left)
	left = (left + weekBins) % weekBins
	return p.shrunk(left)*(1-part) + p.shrunk((left+1)%weekBins)*part
}

func (p *weekProfile) shrunk(bin int) float64 {
	n := float64(p.weeks[bin])
	return float64(p.level[bin]) * n / (n + weekShrink)
}

// learn moves the hour of a second of the week towards v; perHour is the number
// of samples in an hour.
func (p *weekProfile) learn(second, v, perHour float64) {
	bin := min(int(second/3600), weekBins-1)
	if bin != p.current {
		if p.filled > 0 && p.weeks[p.current] < math.MaxUint8 {
			p.weeks[p.current]++
		}
		p.current, p.filled = bin, 0
	}
	p.filled++
	weight := 1 / float64(p.filled)
	if n := p.weeks[bin]; n > 0 {
		weight = math.Max(seasonWeight, 1/float64(n+1)) / perHour
	}
	p.level[bin] += float32(weight * (v - float64(p.level[bin])))
}
