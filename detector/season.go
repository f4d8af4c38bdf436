package detector

import (
	"math"
	"slices"
	"time"
)

// Bins of the day are five minutes wide: with wider ones the edges of a nightly
// batch job alarm every night.
const (
	maxDayBins   = 288
	weekBins     = 168
	seasonWeight = 0.15 // of the newest day or week, once there are several
	weekShrink   = 1.5  // weeks after which a weekly deviation counts half, at most
	weekTrust    = 0.1  // the same, at least
	agreeing     = 24.0 // hours seen again after which it is known how weeks agree

	// A step of the week is so many times as large as what is around it, and as
	// what weeks differ by.
	stepFactor = 3.0
	stepNoise  = 4.0
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
//
// A weekly deviation is believed as far as weeks agree on it. Its hours are shrunk
// towards 0 by n/(n+k), n being the weeks seen and k = σ²/τ², where σ² is by how
// much an hour's mean differs from week to week and τ² by how much the hours'
// true deviations differ from 0 (the empirical Bayes estimator of James and
// Stein). Until a second week shows what σ² is, k is 1.5, as it is at most.
type weekProfile struct {
	level [weekBins]float32
	weeks [weekBins]uint8 // visits

	// The present visit: sum of its samples, their number, and how many of them
	// were held.
	current int
	sum     float64
	filled  int
	held    int

	waiting []visit // hours of anomalies of the last week
	noise   float64 // σ²
	repeats float64 // visits that it was learned from
	shrink  float64 // k, 0 if not known
}

// visit is the mean of an hour of the week.
type visit struct {
	bin  int
	mean float32
	open bool // the anomaly goes on
}

// at returns the deviation at a second of the week, linear between the hours'
// centres, but for steps.
func (p *weekProfile) at(second float64) float64 {
	pos := second/3600 - 0.5
	left := int(math.Floor(pos))
	part := pos - float64(left)
	left = (left + weekBins) % weekBins
	if p.steps(left) {
		part = math.Round(part)
	}
	return p.shrunk(left)*(1-part) + p.shrunk((left+1)%weekBins)*part
}

// steps reports whether the level changes at once after an hour, as a weekend does
// that begins at midnight.
func (p *weekProfile) steps(hour int) bool {
	level := func(i int) float64 { return float64(p.level[(hour+i+weekBins)%weekBins]) }
	d := math.Abs(level(1) - level(0))
	around := math.Max(math.Abs(level(0)-level(-1)), math.Abs(level(2)-level(1)))
	return p.shrink > 0 && d > stepFactor*around && d > stepNoise*math.Sqrt(p.noise)
}

func (p *weekProfile) shrunk(bin int) float64 {
	n, k := float64(p.weeks[bin]), p.shrink
	if k == 0 {
		k = weekShrink
	}
	return float64(p.level[bin]) * n / (n + k)
}

// learn takes in the deviation v of a sample from the day profile. An hour is
// learned when it is over. One that was mostly held waits: it is learned when the
// anomaly is accepted, or when the next week was about the same.
func (p *weekProfile) learn(second, v float64, held bool) {
	bin := min(int(second/3600), weekBins-1)
	if bin != p.current {
		p.leave()
		p.current = bin
	}
	p.sum += v
	p.filled++
	if held {
		p.held++
	}
}

// leave ends the present visit.
func (p *weekProfile) leave() {
	if p.filled == 0 {
		return
	}
	v := visit{bin: p.current, mean: float32(p.sum / float64(p.filled)), open: true}
	held := 2*p.held > p.filled
	p.sum, p.filled, p.held = 0, 0, 0
	before := slices.IndexFunc(p.waiting, func(w visit) bool { return w.bin == v.bin })
	habit := false
	if before >= 0 {
		level := p.level[v.bin]
		habit = alike(float64(p.waiting[before].mean-level), float64(v.mean-level))
		p.waiting = slices.Delete(p.waiting, before, before+1)
	}
	if held && !habit {
		p.waiting = append(p.waiting, v)
		return
	}
	p.take(v)
	if !held {
		for i := range p.waiting {
			p.waiting[i].open = false
		}
	}
}

// accept learns the hours of the present anomaly.
func (p *weekProfile) accept() {
	p.waiting = slices.DeleteFunc(p.waiting, func(v visit) bool {
		if v.open {
			p.take(v)
		}
		return v.open
	})
	p.held = 0
}

// take learns an hour's mean.
func (p *weekProfile) take(v visit) {
	n := float64(p.weeks[v.bin])
	d := float64(v.mean - p.level[v.bin])
	p.level[v.bin] += float32(d * math.Max(seasonWeight, 1/(n+1)))
	if p.weeks[v.bin] < math.MaxUint8 {
		p.weeks[v.bin]++
	}
	if n > 0 {
		p.repeats++
		p.noise += (d*d*n/(n+1) - p.noise) * math.Max(1/p.repeats, 1.0/weekBins)
		p.shrink = p.ratio()
	}
}

// ratio returns k, 0 while too few hours were seen again.
func (p *weekProfile) ratio() float64 {
	if p.repeats < agreeing {
		return 0
	}
	power, unsure, bins := 0.0, 0.0, 0.0
	for i, n := range p.weeks {
		if n > 0 {
			power += float64(p.level[i]) * float64(p.level[i])
			unsure += 1 / float64(n)
			bins++
		}
	}
	spread := (power - unsure*p.noise) / bins
	if !(spread > 0) {
		return weekShrink
	}
	return math.Min(math.Max(p.noise/spread, weekTrust), weekShrink)
}
