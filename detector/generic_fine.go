package detector

import (
	"math"
	"time"
)

const (
	genericForget   = 0.45 // weight of the newest day in a part of the day, at least
	residualsKept   = 1000
	residualsNeeded = 50

	recentSamples  = 24  // whose distribution is compared with
	earlierSamples = 600 // that of the samples before them,
	earlierNeeded  = 72  // of which so many are needed

	mostDeviation = 1000 // scales; a tail does not tell larger ones apart when it learns
	mostSpread    = 20   // logarithm of the ratio of two spreads

	noveltyAfter  = 100  // samples until the range of values means something
	noveltyMargin = 0.05 // of that range, within which new values are nothing new

	// genericStep is the finest step at which GenericThreshold holds. At finer
	// ones more samples a day could be wrong, and the past in a tail is shorter: a
	// surprise is smaller by the log10 of how many more, and of how much shorter.
	genericStep = 5 * time.Minute
)

// fine judges samples that are less than an hour apart. It sums the surprise (see
// the package) of four features: the distance from the usual value at that time
// of the day; the change of the distribution of the last 24 samples against the
// 600 before, by the Kolmogorov–Smirnov statistic; the change of their spread; and
// whether the value lies outside everything seen so far. The first three are
// surprising by the measure of their own past alone. Or it takes the surprise of an
// hour, if that is more; see hourly.
type fine struct {
	bin    time.Duration // part of the day
	ofDay  []usualValue
	forget float64 // least weight of a new sample in its part of the day

	residuals       *window
	recent, earlier *window
	deviation       surpriseTail
	shift, spread   surpriseTail
	hours           hourly

	discount  float64 // of the surprise, for a step below genericStep
	seen      int
	low, high float64 // of all values
}

// usualValue is the usual value in a part of the day.
type usualValue struct {
	mean float64
	seen int
}

func newFine(step, bin time.Duration) *fine {
	return &fine{
		bin:       bin,
		ofDay:     make([]usualValue, partsOfDay(bin)),
		forget:    genericForget * float64(step) / float64(bin),
		residuals: newWindow(residualsKept),
		recent:    newWindow(recentSamples),
		earlier:   newWindow(earlierSamples),
		deviation: newSurpriseTail(mostDeviation),
		shift:     newSurpriseTail(math.Sqrt(recentSamples)),
		spread:    newSurpriseTail(mostSpread),
		hours:     newHourly(step),
		discount:  math.Max(0, 2*math.Log10(float64(genericStep)/float64(step))),
		low:       math.Inf(1),
		high:      math.Inf(-1),
	}
}

// judge returns the surprise of a value in a part of the day, and sets the band.
// Then it learns the value.
func (f *fine) judge(j *GenericJudgement, part int) (surprise float64) {
	surprise = f.deviate(j, part)
	surprise += f.change(j.Value)
	surprise += f.novelty(j.Value)
	hour := int(time.Duration(part) * f.bin / time.Hour)
	return math.Max(math.Max(0, surprise-f.discount), f.hours.judge(j.Value, hour))
}

// deviate returns the surprise of the distance from the time of the day, and sets
// the band.
func (f *fine) deviate(j *GenericJudgement, part int) (surprise float64) {
	b := &f.ofDay[part]
	if b.seen >= 2 {
		residual := j.Value - b.mean
		if r := f.residuals; r.len() > residualsNeeded {
			median := r.quantile(0.5)
			s := f.scale(median)
			z := math.Abs(residual-median) / s
			surprise = f.deviation.surprise(z)
			f.deviation.add(z)
			if reach := s * f.deviation.level(GenericThreshold+f.discount); !math.IsNaN(reach) {
				expected := b.mean + median
				j.Expected, j.Lower, j.Upper = expected, expected-reach, expected+reach
			}
		}
		f.residuals.push(residual)
	}
	b.seen++
	b.mean += math.Max(f.forget, 1/float64(b.seen)) * (j.Value - b.mean)
	return surprise
}

// scale returns the spread of the residuals, about the standard deviation of
// normal ones. What bounds it from below keeps a series that is almost constant
// from being surprising at every flicker.
func (f *fine) scale(median float64) float64 {
	const normalMAD, normalDeciles = 1.4826, 5.126
	r := f.residuals
	s := math.Max(normalMAD*r.deviation(median), deciles(r)/normalDeciles)
	s = math.Max(s, 0.01*r.span())
	s = math.Max(s, 0.001*math.Abs(median))
	if e := f.earlier; e.len() > 0 {
		s = math.Max(s, 0.02*(e.quantile(0.95)-e.quantile(0.05)))
	}
	return math.Max(s, 1e-9)
}

// change returns the surprise of the recent samples against the earlier ones.
func (f *fine) change(v float64) (surprise float64) {
	if old, ok := f.recent.push(v); ok {
		f.earlier.push(old)
	}
	if f.earlier.len() < earlierNeeded {
		return 0
	}
	z := math.Sqrt(recentSamples) * distance(f.recent, f.earlier)
	surprise += f.shift.surprise(z)
	f.shift.add(z)

	least := 0.005*f.earlier.span() + math.SmallestNonzeroFloat64
	z = math.Abs(math.Log((deciles(f.recent) + least) / (deciles(f.earlier) + least)))
	surprise += f.spread.surprise(z)
	f.spread.add(z)
	return surprise
}

// deciles returns the distance between the 10 % and the 90 % quantile.
func deciles(w *window) float64 { return w.quantile(0.9) - w.quantile(0.1) }

// novelty returns the surprise of a value outside all that was seen.
func (f *fine) novelty(v float64) (surprise float64) {
	if f.seen >= noveltyAfter {
		outside := math.Max(f.low-v, v-f.high) / (f.high - f.low) // infinite if there was one value only
		if outside > noveltyMargin {
			surprise = math.Min(genericCap, 3+2*outside)
		}
	}
	f.seen++
	f.low, f.high = math.Min(f.low, v), math.Max(f.high, v)
	return surprise
}
