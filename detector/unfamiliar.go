package detector

import "math"

// otherwise is the share by which another kind of day is taken to be otherwise
// than the days that were seen, before one was: a weekend has other traffic, and
// a job of the same size weighs more in it.
const otherwise = 0.15

// doubt returns by how much the level may differ because this hour of the week is
// hardly known: as far as its deviation is not known from other weeks.
func (b *baseline) doubt(at instant) float64 {
	if b.week == nil {
		return 0
	}
	hour := min(int(at.week/3600), weekBins-1)
	return b.day.unfamiliar(at.day) * math.Sqrt(b.week.unknown(hour))
}

// unfamiliar returns by how much the level at a second of the day may differ on
// another kind of day: a share of how far the levels of the day lie from their
// mean, as of the last full hour, and of how far this one lies from those of the hour
// before and after, as that of a job does. 0 while the bin is not known.
func (p *dayProfile) unfamiliar(second float64) float64 {
	n := p.bins()
	own := min(int(second/p.width()), n-1)
	before := int(p.doubtful)
	if own == before {
		return float64(p.doubt)
	}
	p.doubtful, p.doubt = int16(own), 0
	if level := p.bin(own); !math.IsNaN(level) {
		if own*24/n != before*24/n || p.rhythm == 0 {
			mean, _ := p.between(0, n-1, 0)
			_, rhythm := p.between(0, n-1, mean)
			p.rhythm = float32(rhythm)
		}
		around, _ := p.between(own-n/24, own+n/24, level)
		p.doubt = float32(otherwise * (math.Abs(around) + float64(p.rhythm)))
	}
	return float64(p.doubt)
}

// between returns the mean of the known levels of some bins, less a level, and the
// mean of their distances from it; NaN if none is known.
func (p *dayProfile) between(first, last int, level float64) (mean, distance float64) {
	n, known := p.bins(), 0.0
	for i := first; i <= last; i++ {
		d := p.bin((i+n)%n) - level
		if math.IsNaN(d) {
			continue
		}
		mean += d
		distance += math.Abs(d)
		known++
	}
	return mean / known, distance / known
}
