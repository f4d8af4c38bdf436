package detector

import (
	"math"
	"time"
)

const (
	freezeAt     = 3.0 // surprise from which offsets and spread are not learned
	censorAt     = 3.5 // surprise from which a statistic teaches its tail little
	censorWeight = 0.1

	lastingAt     = 2.0 // surprise of the mean of 15 minutes that begins a deviation
	lastingUntil  = 1.0 // and the one that ends it
	lastingWeight = 0.25

	// The breaker opens learning for a series that spends more than a fifth
	// of its time in anomalies or close to them, until it is a tenth: its
	// baseline is wrong, and nothing could mend it while held.
	breakerMemory = 3 * 24 * time.Hour
	breakerTrips  = 0.2
	breakerResets = 0.1
)

// lasting is how many samples a deviation on one side has lasted.
type lasting int32

// take counts a sample with the given surprise.
func (l *lasting) take(surprise float64) {
	if surprise >= lastingAt || *l > 0 && surprise >= lastingUntil {
		*l++
	} else {
		*l = 0
	}
}

// lastingMax returns for how many samples a deviation teaches tails fully. A slow
// deviation is one event, however long it lasts: if all of its samples counted,
// tails would take it for common within hours. A ratio's tails are those of its
// wandering, and learn all of it.
func (o Options) lastingMax(p pace) lasting {
	if o.Kind == Ratio {
		return math.MaxInt32
	}
	return lasting(p.samples(shortWindow))
}

// learn learns the observed sample as far as it may be trusted.
func (d *Detector) learn(at instant, worst float64, s [2]float64, stats [statistics]statistic) {
	suspicious := d.firing || worst >= freezeAt
	share := 0.0
	if suspicious {
		share = 1
	}
	d.heldShare += (share - d.heldShare) * d.pace.rate(breakerMemory)
	if d.heldShare > breakerTrips {
		d.tripped = true
	} else if d.heldShare < breakerResets {
		d.tripped = false
	}
	held := suspicious && !d.tripped
	d.head.learn(at, &d.evidence, held)
	if !d.firing || d.tripped {
		d.learnTails(at.hour(), s, stats)
	} else {
		d.records[down].drop()
		d.records[up].drop()
	}
	if !suspicious {
		d.heldFor = 0
		return
	}
	if d.heldFor++; d.heldFor >= d.relearn {
		d.acceptHour()
	}
}

// learnTails counts what the statistics reached. A surprising one counts little:
// it may be the start of a fault that is never called an anomaly, and tails that
// learn faults become blind to them.
func (d *Detector) learnTails(hour int, s [2]float64, stats [statistics]statistic) {
	memory := d.pace.memory()
	for side := range d.records {
		d.records[side].add(hour, signOf(sides[side])*stats[fast].z, d.pace.minimum(), memory)
	}
	for side := range d.lasting {
		z := signOf(sides[side]) * stats[short].z
		d.lasting[side].take(d.tails[short][side].tail().surprise(z))
	}
	d.learned++
	growth := tailGrowth(int(d.learned), memory)
	for i, st := range stats[run:] {
		for side := range d.counts[i] {
			z := signOf(sides[side]) * st.z
			weight := 1.0
			switch {
			case d.tripped:
			case s[side] >= censorAt:
				weight = censorWeight
			case d.lasting[side] > d.lastingMax:
				weight = lastingWeight
			}
			d.counts[i][side].add(max(z, 0), weight, growth)
		}
	}
}

// readTails takes the tails from what was counted since they are trusted, and from
// the head's prior: neighbouring values tell the same story, and a mean of an hour
// has one value an hour. The fast statistic's depend on the hour of the day.
func (d *Detector) readTails(hour int) {
	for i := run; i < statistics; i++ {
		w := d.pace.own(float64(d.seen), d.evidence.length(i))
		d.known[i] = float32(w)
		prior := d.head.prior(i, &d.evidence)
		for side := range d.tails[i] {
			t := prior
			if w > 0 {
				t = prior.mix(d.counts[i-run][side].tail(), w)
			}
			d.tails[i][side] = t.kept()
		}
	}
	young := math.Max(0, 1-float64(d.seen)*d.pace.rate(7*24*time.Hour))
	least := recordYoung*young + recordLeast*(1-young)
	normal := recordNormal
	if d.evidence.perBlock > 1 {
		normal = recordNormalFast
	}
	for side, r := range d.records {
		d.tails[fast][side] = r.tail(hour, least, normal).kept()
	}
}
