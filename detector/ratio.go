package detector

import (
	"math"
	"time"
)

const (
	rememberTypical  = 3 * 24 * time.Hour // the overall probability
	rememberOverSize = 2 * 24 * time.Hour // the over-dispersion

	// hourVisits is how many days an hour of the day remembers, and
	// hourEvents how many events it must hold to count half against the
	// overall probability.
	hourVisits = 7.0
	hourEvents = 200.0

	// localEvents is how many events the local factor must hold to count half.
	localEvents = 50.0

	// Before so many samples and observations nothing is said about the
	// present level: the overall probability is not known.
	leastSamples      = 30.0
	leastObservations = 200.0

	// assumedWobble is the relative variance that a probability has before its
	// own is known, with the weight of so many squared expected events as leave
	// open 0.01 of it: by chance it is estimated with the variance 2/Σe².
	assumedWobble = 0.01
	wobbleKnown   = 20000.0

	// assumedPerSecond is how many observations per second are assumed where
	// the support is not known. It is low: a ratio of few observations jumps,
	// and a ratio of many then only needs longer.
	assumedPerSecond = 1.0

	// ratioRun is the number of samples in the fast window, and of blocks in
	// the run.
	ratioRun = 3

	// leastEvents of the rare class must be seen or, for a fall, expected.
	leastEvents = 5.0

	// flipAbove is the share of the rare class from which it is not rare, and
	// the other class takes its place.
	flipAbove = 0.6
)

// ratio is the head for shares of observations: k of n are of the rarer class
// (errors, misses), of which E = n·p are expected,
//
//	p = overall × hour × local
//
// Overall is the share in the last three days. The hour of the day's factor is
// (K+200)/(E+200) over its last seven visits, E being expected without it, and
// the local one (K+50)/(E+50) over the last four hours, E being expected without
// that; so each explains what the other two do not. The statistics are those of
// sums over 3 samples, 3 blocks of a minute or a sample, 15 and 60 minutes,
//
//	z = 2(√(K+⅜) − √(E+⅜)) / √(max(0.02, 1−p) + φE)
//
// the variance-stabilised deviation of a binomial count (Anscombe 1948) whose
// probability itself wobbles with the relative variance φ. What the run and the sum
// of 15 minutes are compared with also follows from the blocks before them, see
// nearbyRatio.
type ratio struct {
	pace   pace
	effect MinEffect

	flipped        bool // the rarer class is what the ratio does not count
	hourNow        int8 // of the present visit
	hourK, hourE   [24]float32
	visitK, visitE float64 // of it
	visitSize      float64 // samples
	allK, allN     float64 // exponentially forgotten over three days
	localK, localE float64
	seen           float64
	observations   float64
	typicalN       float64     // observations of a sample, where they are known
	excess         quotient    // r²−V over E²: the over-dispersion
	near           nearbyRatio // before the run
	earlier        nearbyRatio // before the short window

	// Of the observed sample: p is expected, phi is how much it wobbles.
	n, k, p, phi float64
}

func newRatio(o Options, p pace) *ratio {
	events := wobbleKnown * p.rate(rememberOverSize)
	quarter := newEvidence(p).short // blocks
	return &ratio{
		pace:    p,
		effect:  o.MinEffect,
		excess:  quotient{assumedWobble * events, events},
		near:    nearbyRatio{window: ratioRun, memory: nearBlocks},
		earlier: nearbyRatio{window: quarter, memory: quarter},
	}
}

func (h *ratio) observe(at instant, s Sample) ([3]float32, bool) {
	value := math.Min(s.Value, 1)
	if h.n == 0 { // nothing was seen yet
		h.flipped = value > 0.5
	}
	switch {
	case !math.IsNaN(s.Support):
		h.n = s.Support * h.pace.seconds
	case h.typicalN > 0:
		h.n = h.typicalN
	default:
		h.n = assumedPerSecond * h.pace.seconds
	}
	h.k = h.n * h.rare(value)
	h.p = h.expect(at)
	h.phi = h.dispersion()
	return [3]float32{float32(h.k), float32(h.n * h.p), float32(h.n)}, true
}

// rare turns the ratio into the share of the rarer class, and back.
func (h *ratio) rare(v float64) float64 {
	if h.flipped {
		return 1 - v
	}
	return v
}

// sign is the direction of the ratio when the rarer class grows.
func (h *ratio) sign() float64 {
	if h.flipped {
		return -1
	}
	return 1
}

// expect returns the expected share of the rarer class, in (0, 1).
func (h *ratio) expect(at instant) float64 {
	if !h.known() {
		return clip01((h.allK + h.k + 0.5) / (h.allN + h.n + 1))
	}
	pos := at.day/3600 - 0.5
	left := int(math.Floor(pos))
	part := pos - float64(left)
	left = (left + 24) % 24
	season := h.overall() * (h.hour(left)*(1-part) + h.hour((left+1)%24)*part)
	return clip01(season * h.local())
}

func (h *ratio) local() float64 { return (h.localK + localEvents) / (h.localE + localEvents) }

// known reports whether enough was seen to expect anything.
func (h *ratio) known() bool { return h.seen >= leastSamples && h.observations >= leastObservations }

func (h *ratio) overall() float64 { return clip01((h.allK + 0.5) / (h.allN + 1)) }

func (h *ratio) hour(i int) float64 {
	return (float64(h.hourK[i]) + hourEvents) / (float64(h.hourE[i]) + hourEvents)
}

func clip01(p float64) float64 { return math.Min(math.Max(p, 1e-9), 1-1e-6) }

// dispersion returns the relative variance φ of the probability itself. It is
// taken to be 0.01 at first, which fades within days, and never less than what
// the events that taught p leave open.
func (h *ratio) dispersion() float64 {
	return h.least(h.excess.upTo(math.Inf(1)))
}

// least returns a relative variance, or the least that it is taken for.
func (h *ratio) least(phi float64) float64 {
	young := assumedWobble * math.Exp(-h.seen*h.pace.rate(24*time.Hour))
	return math.Max(phi, young) + 1/(h.allK+1)
}

// stabilised returns z for k of the rarer class where e were expected of n, and
// the probability wobbles with φ.
func stabilised(k, e, n, phi float64) float64 {
	if !(n > 0) {
		return 0
	}
	return 2 * (math.Sqrt(k+0.375) - math.Sqrt(e+0.375)) / unit(e, n, phi)
}

func unit(e, n, phi float64) float64 { return math.Sqrt(unsure(e, n) + phi*e) }

// unsure returns 1−p, at least 0.02.
func unsure(e, n float64) float64 { return math.Max(0.02, 1-e/n) }

func (h *ratio) statistics(e *evidence) [statistics]statistic {
	var out [statistics]statistic
	if !h.known() {
		return out
	}
	if e.n >= ratioRun {
		sum, _ := e.lastSamples(ratioRun)
		out[fast] = h.statistic(sum, nil)
	}
	for i, w := range e.windows(ratioRun) {
		var before *nearbyRatio
		switch run + i {
		case run:
			before = &h.near
			before.take(e, w.sum, h.phi, unsure(h.p, 1), 1)
		case short:
			before = &h.earlier
			before.take(e, w.sum, h.phi, unsure(h.p, 1), h.pace.own(h.seen, e.length(short)))
		}
		if w.full {
			out[run+i] = h.statistic(w.sum, before)
		}
	}
	return out
}

// statistic returns z of a sum that is compared with what is expected of the season
// and, unless that is nil, of the blocks before it.
func (h *ratio) statistic(sum tally, before *nearbyRatio) statistic {
	k, e, n := max(sum[0], 0), max(sum[1], 0), sum[2]
	if !(n > 0) {
		return statistic{}
	}
	z := stabilised(k, e, n, h.phi)
	if before != nil {
		z = h.step(k, e, n, before)
	}
	enough := math.Max(k, e) >= leastEvents
	return statistic{
		z:      h.sign() * z,
		counts: enough && h.effect.Reaches(h.rare(k/n), h.rare(e/n)),
	}
}

// step compares with what the blocks before predict; 0 if k lies on the other side
// of what is expected of the season.
func (h *ratio) step(k, e, n float64, before *nearbyRatio) float64 {
	side := math.Copysign(1, k-e)
	return side * math.Max(side*stabilised(k, before.expect(e), n, h.wobble(before)), 0)
}

// wobble returns the relative variance of the probability around what the season and
// the blocks before a window let expect of it.
func (h *ratio) wobble(before *nearbyRatio) float64 {
	known := float64(before.known)
	return known*h.least(before.dispersion()) + (1-known)*h.phi
}

// handicap is such that a healthy series has less than 0.3 false alarms a month at
// the default sensitivity. It grows with the part that wobbling has in the variance
// of the sample: how far shares wander is known less well than how counts scatter.
func (h *ratio) handicap(i int) float64 {
	part := h.wobbling(ratioRun)
	switch i {
	case fast:
		return 0
	case run, short:
		return 0.2 + 0.8*part
	default:
		return 0.1 + 0.2*part
	}
}

// wobbling returns the part that the wobbling of the probability has in the
// variance of the sum of n samples like the observed one.
func (h *ratio) wobbling(n int) float64 {
	e := float64(n) * h.n * h.p
	return h.phi * e / (h.phi*e + unsure(h.p, 1))
}

// prior is the tail of a normal variable. How counts scatter is known; how far the
// probability wobbles is not, and is taken for 1.4 times as much.
func (h *ratio) prior(i int, e *evidence) tail {
	n := ratioRun * int(e.perBlock)
	if i != run {
		n = e.length(i)
	}
	width := math.Sqrt(1 + (priorWidth*priorWidth-1)*h.wobbling(n))
	common := normalUpper(tailCommon)
	decade := (normalUpper(math.Pow(10, -DefaultSensitivity)) - common) / (DefaultSensitivity - surpriseCommon)
	return newTail(width*common, width*(common+decade))
}

func (h *ratio) significance(sum tally, _ int) float64 {
	if !(sum[2] > 0) {
		return 0
	}
	p := sum[1] / sum[2]
	return h.sign() * (sum[0] - sum[1]) / math.Sqrt(sum[1]*(1-p)+0.375)
}

func (h *ratio) mean(sum tally, _ int) float64 {
	if !(sum[2] > 0) {
		return 0
	}
	return h.sign() * (sum[0] - sum[1]) / sum[2]
}

func (h *ratio) deviation(sum tally, _ int) float64 {
	return h.sign() * stabilised(max(sum[0], 0), max(sum[1], 0), sum[2], h.phi)
}

func (h *ratio) score() float64 {
	return h.sign() * stabilised(h.k, h.n*h.p, h.n, h.phi)
}

// band inverts the statistic of the run, for three samples like the observed one.
func (h *ratio) band(down, up float64) (expected, lower, upper float64) {
	expected = h.rare(h.p)
	n := ratioRun * h.n
	more, less := up, down
	if h.flipped {
		more, less = down, up
	}
	e := h.near.expect(n * h.p)
	root, unit := math.Sqrt(e+0.375), unit(e, n, h.wobble(&h.near))
	high := root + more*unit/2
	low := math.Max(root-less*unit/2, 0)
	high, low = high*high-0.375, low*low-0.375
	a, b := h.rare(math.Max(low, 0)/n), h.rare(math.Max(high, leastEvents)/n)
	least := h.effect.distance(expected)
	lower = math.Max(math.Min(math.Min(a, b), expected-least), 0)
	upper = math.Min(math.Max(math.Max(a, b), expected+least), 1)
	return expected, lower, upper
}
