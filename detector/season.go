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
// visit on; then the newest day has the weight max(0.15, 1/days), when it is over.
type dayProfile struct {
	known levels  // above the first level ever, as of the end of the last visit
	first float64 // NaN while there is none

	// The present visit: sums of its levels and weights, their number, and its bin.
	sum, weight float64
	filled      int32
	current     int16

	doubtful int16   // the bin that the next is of
	doubt    float32 // see unfamiliar
	rhythm   float32
}

// newDayProfile returns a profile of so many bins, or of one step each if that is
// longer, but at least hourly ones.
func newDayProfile(p pace, most int) dayProfile {
	return dayProfile{known: newLevels(min(max(int(p.samples(24*time.Hour)), 24), most)), first: math.NaN()}
}

// bins returns how many there are.
func (p *dayProfile) bins() int { return len(p.known.halves) }

// width returns that of a bin in seconds.
func (p *dayProfile) width() float64 { return secondsPerDay / float64(p.bins()) }

// bin returns the level of a bin, NaN if it is not known yet.
func (p *dayProfile) bin(i int) float64 { return p.first + p.known.at(i) }

// at returns the level at a second of the day, linear between the centres of
// the bins, and false if its bin is not known yet. A neighbour that is not
// known is taken to be level with it.
func (p *dayProfile) at(second float64) (float64, bool) {
	n := p.bins()
	pos := second / p.width()
	own := min(int(pos), n-1)
	level := p.bin(own)
	if math.IsNaN(level) {
		return 0, false
	}
	away := pos - float64(own) - 0.5 // from its centre
	next := own + 1
	if away < 0 {
		next = own - 1
	}
	if v := p.bin((next + n) % n); !math.IsNaN(v) {
		level += math.Abs(away) * (v - level)
	}
	return level, true
}

// learn takes in a level of the present visit. When that is over, the bin moves
// towards its mean by 1−exp(−w), w being the sum of the weights: what is expected
// does not follow what is judged by it.
func (p *dayProfile) learn(second, v, weight float64) {
	if math.IsNaN(p.first) {
		p.first = v
	}
	if bin := min(int(second/p.width()), p.bins()-1); int16(bin) != p.current {
		p.leave()
		p.current = int16(bin)
	}
	p.sum += v
	p.weight += weight
	p.filled++
}

// leave ends the present visit.
func (p *dayProfile) leave() {
	if p.filled == 0 {
		return
	}
	level := p.sum / float64(p.filled)
	if before := p.bin(int(p.current)); !math.IsNaN(before) {
		level = before + (1-math.Exp(-p.weight))*(level-before)
	}
	p.known.set(int(p.current), level-p.first)
	p.sum, p.weight, p.filled = 0, 0, 0
}

// weekProfile holds how each hour of the week differs from the day profile.
//
// A weekly deviation is believed as far as weeks agree on it. Its hours are shrunk
// towards 0 by n/(n+k), n being the weeks seen and k = σ²/τ², where σ² is by how
// much an hour's mean differs from week to week and τ² by how much the hours'
// true deviations differ from 0 (the empirical Bayes estimator of James and
// Stein). Until a second week shows what σ² is, k is 1.5, as it is at most.
type weekProfile struct {
	level levels
	weeks [weekBins]uint8 // visits

	noise   float32 // σ²
	repeats float32 // visits that it was learned from
	shrink  float32 // k, 0 if not known

	// The present visit: its hour, how many samples it has, how many of them were
	// held, and their sum.
	current uint8
	filled  uint32
	held    uint32
	sum     float64

	waiting []visit // hours of anomalies of the last week
}

// visit is the mean of an hour of the week.
type visit struct {
	mean float32
	bin  uint8
	open bool // the anomaly goes on
}

func newWeekProfile() *weekProfile {
	p := &weekProfile{level: newLevels(weekBins)}
	for i := range weekBins {
		p.level.set(i, 0)
	}
	return p
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
	if !(p.shrink > 0) {
		return false
	}
	level := func(i int) float64 { return p.level.at((hour + i + weekBins) % weekBins) }
	d := math.Abs(level(1) - level(0))
	around := max(math.Abs(level(0)-level(-1)), math.Abs(level(2)-level(1)))
	return d > stepFactor*around && d > stepNoise*math.Sqrt(float64(p.noise))
}

func (p *weekProfile) shrunk(bin int) float64 {
	return p.level.at(bin) * (1 - p.unknown(bin))
}

// unknown returns which share of an hour's deviation is not known, k/(n+k).
func (p *weekProfile) unknown(bin int) float64 {
	n, k := float64(p.weeks[bin]), float64(p.shrink)
	if k == 0 {
		k = weekShrink
	}
	return k / (n + k)
}

// learn takes in the deviation v of a sample from the day profile. An hour is
// learned when it is over. One that was mostly held waits: it is learned when the
// anomaly is accepted, or when the next week was about the same.
func (p *weekProfile) learn(second, v float64, held bool) {
	if bin := uint8(min(second/3600, weekBins-1)); bin != p.current {
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
		level := p.level.at(int(v.bin))
		habit = alike(float64(p.waiting[before].mean)-level, float64(v.mean)-level)
		p.waiting = slices.Delete(p.waiting, before, before+1)
	}
	if held && !habit {
		p.waiting = slices.Concat(p.waiting, []visit{v}) // which takes no more than it holds
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
	level := p.level.at(int(v.bin))
	d := float64(v.mean) - level
	p.level.set(int(v.bin), level+d*max(seasonWeight, 1/(n+1)))
	if p.weeks[v.bin] < math.MaxUint8 {
		p.weeks[v.bin]++
	}
	if n > 0 {
		p.repeats++
		p.noise += (float32(d*d*n/(n+1)) - p.noise) * max(1/p.repeats, 1.0/weekBins)
		p.shrink = float32(p.ratio())
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
			level := p.level.at(i)
			power += level * level
			unsure += 1 / float64(n)
			bins++
		}
	}
	noise := float64(p.noise)
	spread := (power - unsure*noise) / bins
	if !(spread > 0) {
		return weekShrink
	}
	return min(max(noise/spread, weekTrust), weekShrink)
}
