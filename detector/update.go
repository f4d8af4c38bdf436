package detector

import (
	"fmt"
	"math"
	"time"
)

const (
	maxSurprise = 12.0

	tailsEvery = 64 // samples between readings of the tails

	// priorValues is how many independent values of a statistic count as much as
	// the head's prior of its tail.
	priorValues = 50.0
)

// Detector holds the state of one series. It is not safe for concurrent use.
type Detector struct {
	pace     pace
	calendar calendar
	head     head
	evidence evidence

	// What the statistics reached down and up, and the tails read from it.
	records [2]record
	counts  [statistics - run][2]histogram
	tails   [statistics][2]keptTail
	known   [statistics]float32 // weights of their own tails against the priors
	learned int32               // samples counted

	seen    int32 // samples judged
	last    int64
	invalid uint32
	tripped bool // learning is open although the series is hardly ever normal

	// What was asked for.
	conditioned bool
	bad         [2]bool // sides
	possible    *limits // of a value
	sensitivity float64
	relearn     int32   // samples for which a deviation lasts before it is accepted
	lastingMax  lasting // see Options.lastingMax

	lasting   [2]lasting
	heldShare float64 // share of the time for which learning has been held
	heldFor   int32   // samples for which it is now

	hour int8 // for which the tails were read

	firing bool
	side   uint8   // of the anomaly
	quiet  uint8   // samples in a row that speak against it
	since  uint32  // when it began, unix seconds
	size   float32 // mean deviation then
}

// limits are the least and the largest value that are possible.
type limits struct{ least, most float64 }

const largest = 1e30 // well inside single precision

// Shares of up to 1.05 are the jitter of two counters read at different times.
var (
	shares     = limits{0, 1.05}
	magnitudes = limits{0, largest}
	numbers    = limits{-largest, largest}
)

func (o Options) limits() *limits {
	switch o.Kind {
	case Ratio:
		return &shares
	case Gauge:
		return &numbers
	default:
		return &magnitudes
	}
}

// The sides of a statistic.
const (
	down = iota
	up
)

var sides = [...]Direction{down: Down, up: Up}

// New returns a detector that knows nothing yet. The options are checked, and
// their zero values replaced by the defaults.
func New(o Options) (*Detector, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("detector options: %w", err)
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Sensitivity == 0 {
		o.Sensitivity = DefaultSensitivity
	}
	if o.RelearnAfter == 0 {
		o.RelearnAfter = DefaultRelearnAfter
	}
	p := newPace(o.Step)
	d := &Detector{
		pace:        p,
		calendar:    calendar{loc: o.Location, holidays: o.Holidays},
		evidence:    newEvidence(p),
		last:        math.MinInt64,
		conditioned: o.Conditioned,
		bad:         [...]bool{down: o.Direction != Up, up: o.Direction != Down},
		possible:    o.limits(),
		sensitivity: o.Sensitivity,
		relearn:     int32(min(p.samples(o.RelearnAfter), math.MaxInt32)),
		lastingMax:  o.lastingMax(p),
	}
	if o.Kind == Ratio {
		d.head = newRatio(o, p)
	} else {
		d.head = newContinuous(o, p)
	}
	d.readTails(0)
	return d, nil
}

// Invalid returns how many samples were refused, because they were infinite, out
// of the range of the kind, or not later than the one before.
func (d *Detector) Invalid() uint64 { return uint64(d.invalid) }

// began returns when the anomaly is estimated to have begun; zero if there is none.
func (d *Detector) began() time.Time {
	if !d.firing {
		return time.Time{}
	}
	return time.Unix(int64(d.since), 0).UTC()
}

// direction returns that of the anomaly, empty if there is none.
func (d *Detector) direction() Direction {
	if !d.firing {
		return ""
	}
	return sides[d.side]
}

// calm ends an anomaly and forgets the evidence for it.
func (d *Detector) calm() {
	d.evidence.reset()
	d.firing = false
	d.quiet, d.heldFor = 0, 0
}

// Update judges a sample by what was learned from the ones before it, and learns
// from it. Samples come in the order of their times.
//
// The surprise in each direction is the largest of four statistics: of the last
// two to four samples if they are far beyond all that was seen, of the last
// minutes, and of the last 15 and 60 minutes. So one sample alone is seldom
// surprising, and after a deviation the surprise takes a while to fall.
//
// A gap, a sample without the load that it is judged by, one without a single
// observation behind it, and one that is not possible (see Invalid) change
// nothing: an anomaly is held.
func (d *Detector) Update(s Sample) Judgement {
	j := Judgement{
		Time: s.Time, Value: s.Value, Support: s.Support,
		Expected: math.NaN(), Lower: math.NaN(), Upper: math.NaN(), Score: math.NaN(),
		Direction: d.direction(), Since: d.began(),
	}
	if math.IsNaN(s.Value) || s.Support == 0 {
		return j
	}
	at := d.calendar.at(s.Time)
	if !d.takes(s) || at.unix <= d.last {
		d.invalid++
		return j
	}
	v, ok := d.head.observe(at, s)
	if !ok {
		return j
	}
	if d.last != math.MinInt64 && time.Duration(at.unix-d.last)*time.Second > shortWindow+d.pace.step() {
		d.head.gap(&d.evidence)
		d.evidence.reset()
	}
	d.last = at.unix
	d.evidence.push(at.unix, v)
	if d.seen%tailsEvery == 0 || int(d.seen) == d.pace.minimum() || at.hour() != int(d.hour) {
		d.hour = int8(at.hour())
		d.readTails(at.hour())
	}
	d.judge(&j, at)
	return j
}

// takes reports whether a sample is possible.
func (d *Detector) takes(s Sample) bool {
	switch {
	case s.Value < d.possible.least || s.Value > d.possible.most:
		return false
	case s.Support < 0 || s.Support > largest:
		return false
	default:
		return !d.conditioned || !(s.Given < 0 || s.Given > largest)
	}
}

// judge judges and learns the observed sample.
func (d *Detector) judge(j *Judgement, at instant) {
	stats := d.head.statistics(&d.evidence)
	var s [2]float64
	for i, st := range stats {
		if side := sideOf(st.z); st.counts {
			s[side] = max(s[side], d.tails[i][side].tail().surprise(abs(st.z))-float64(d.known[i])*d.head.handicap(i))
		}
	}
	d.seen++
	learning := int(d.seen) < d.pace.minimum()
	worst := 0.0
	if !learning {
		j.Down, j.Up = s[down], s[up]
		for side, bad := range d.bad {
			if bad {
				worst = max(worst, s[side])
			}
		}
		d.decide(j)
	}
	j.Expected, j.Lower, j.Upper = d.band()
	j.Score = d.head.score()
	j.State, j.Direction, j.Since = d.state(learning), d.direction(), d.began()
	d.learn(at, worst, s, stats)
}

func (d *Detector) state(learning bool) State {
	switch {
	case learning:
		return Learning
	case d.firing:
		return Anomalous
	default:
		return Normal
	}
}

func sideOf(z float64) int {
	if z < 0 {
		return down
	}
	return up
}

// decide begins and ends the anomaly.
func (d *Detector) decide(j *Judgement) {
	for _, side := range [...]uint8{up, down} {
		dir := sides[side]
		if d.bad[side] && d.direction() != dir && j.Surprise(dir) >= d.sensitivity && (!d.firing || d.quiet > 0) {
			d.firing, d.side, d.quiet = true, side, 0
			since, sum, n := d.evidence.onset(signOf(dir), d.head.significance)
			d.since = uint32(since.Unix())
			d.size = float32(signOf(dir) * d.head.mean(sum, n))
		}
	}
	if !d.firing {
		return
	}
	if d.speaksAgainst() {
		d.quiet++
	} else {
		d.quiet = 0
	}
	if int(d.quiet) >= d.pace.clear() {
		d.calm()
		j.Down, j.Up = 0, 0 // the windows held what is over
	}
}

// speaksAgainst reports whether the newest samples are not part of the anomaly:
// together they have less than half of the surprise that begins one, and
// deviate by less than half of what the samples did with which it began. The
// windows are left out; they remember what is over.
func (d *Detector) speaksAgainst() bool {
	sign := signOf(sides[d.side])
	sum, n := d.evidence.lastSamples(d.pace.clear() / 2)
	t := d.tails[short][d.side].tail()
	return t.surprise(sign*d.head.deviation(sum, n)) < d.sensitivity/2 &&
		sign*d.head.mean(sum, n) < float64(d.size)/2
}

func signOf(dir Direction) float64 {
	if dir == Down {
		return -1
	}
	return 1
}

// band returns the values between which the run stays below the sensitivity.
func (d *Detector) band() (expected, lower, upper float64) {
	s := d.sensitivity
	return d.head.band(d.tails[run][down].tail().level(s), d.tails[run][up].tail().level(s))
}
