package main

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// stack describes a simulated web service. What it does is invented, but its
// proportions are those of real ones.
type stack struct {
	seed     uint64
	volume   float64 // requests per second on an average workday
	start    time.Time
	step     time.Duration
	length   int                               // steps
	smooth   int                               // steps over which rates and ratios are formed, as rate() does
	location *time.Location                    // of the users; nil is UTC
	weekend  func(time.Time) float64           // factor of the traffic; nil is gently
	legit    func(*rand.Rand, *stack) []change // changes that are no faults, or nil
	faults   []change
}

// change multiplies parts of the stack's behaviour in [from, until), in steps.
// Zero fields change nothing.
type change struct {
	from, until int
	ramp        int     // steps to rise and fall
	traffic     float64 // factors
	latency     float64
	errors      float64
	queries     float64
	queryTime   float64
	hits        float64 // what the hit ratio becomes
}

// slot is what is measured in one step. Everything is NaN if it is missing.
type slot struct {
	at                            time.Time
	requests, queries, lookups    float64 // per second
	errorRatio, hitRatio, latency float64
	queryTime                     float64 // mean, of times whose deviation is their mean; grows with the load of the database
	faulty                        bool
}

const (
	burstShare   = 0.003 // of minutes, that latencies burst
	missingShare = 0.005
	hitRatio     = 0.90
	errorRatio   = 0.005
)

// wobble is noise that is correlated over time.
type wobble struct {
	rand     *rand.Rand
	keep, sd float64
	x        float64
}

func newWobble(r *rand.Rand, step, memory time.Duration, sd float64) *wobble {
	w := &wobble{rand: r, keep: math.Exp(-step.Seconds() / memory.Seconds()), sd: sd}
	w.x = sd * r.NormFloat64()
	return w
}

func (w *wobble) next() float64 {
	w.x = w.keep*w.x + math.Sqrt(1-w.keep*w.keep)*w.sd*w.rand.NormFloat64()
	return w.x
}

// run simulates the stack: diurnal and weekly traffic with correlated noise, a
// factor of the day and 10 % growth per month; Poisson and binomial counts; a
// nightly batch of 20 minutes in the database; a 95 % quantile of latency that
// grows with the load, with Pareto bursts of one to three minutes; single slots
// and once a week 20 to 60 minutes missing.
func (s *stack) run() []slot {
	r := rand.New(rand.NewPCG(s.seed, 7))
	loc := s.location
	if loc == nil {
		loc = time.UTC
	}
	weekend := s.weekend
	if weekend == nil {
		weekend = gently
	}
	changes := s.faults
	if s.legit != nil {
		changes = append(s.legit(r, s), s.faults...)
	}
	seconds := s.step.Seconds()
	traffic := newWobble(r, s.step, 20*time.Minute, 0.06)
	errors := newWobble(r, s.step, time.Hour, 0.10)
	hits := newWobble(r, s.step, time.Hour, 0.08)
	queries := newWobble(r, s.step, 20*time.Minute, 0.05)
	latency := newWobble(r, s.step, 15*time.Minute, 0.05)
	queryTime := newWobble(r, s.step, 15*time.Minute, 0.05)
	days := newDays(r)
	burst, burstLeft := 1.0, 0
	gapLeft := 0
	out := make([]slot, s.length)
	counts := make([]counted, s.length)
	for i := range out {
		at := s.start.Add(time.Duration(i) * s.step)
		local := at.In(loc)
		c := effect(changes, i)
		hour := float64(local.Hour()) + float64(local.Minute())/60 + float64(local.Second())/3600
		month := at.Sub(s.start).Hours() / (30 * 24)
		rate := s.volume * rhythm(hour) * weekend(local) * days.factor(local) * math.Exp(traffic.next()+0.1*month)
		rate *= c.traffic
		n := poisson(r, rate*seconds)
		pError := math.Min(errorRatio*math.Exp(errors.next())*c.errors, 1)
		pHit := 1 / (1 + math.Exp(-(logit(c.hits) + hits.next())))
		lookups := poisson(r, 2*rate*seconds)
		job := 0.0
		if batch(local) {
			job = 3.3 * s.volume * rhythm(3) // as much, whatever the traffic
		}
		q := poisson(r, (rate*math.Exp(queries.next())+job)*c.queries*seconds)
		if burstLeft > 0 {
			burstLeft--
		} else if burst = 1; r.Float64() < burstShare/2*seconds/60 {
			burstLeft = int(math.Round((1+2*r.Float64())*60/seconds)) - 1
			burst = 1 + 0.3*math.Pow(1-r.Float64(), -1/1.5)
		}
		load := rate / s.volume
		typical := 0.2 * math.Pow(load, 0.25) * math.Exp(latency.next()) * c.latency * burst
		spread := math.Sqrt(4 / (n*float64(max(s.smooth, 1)) + 1))
		dbLoad := q / seconds / s.volume
		counts[i] = counted{n, binomial(r, n, pError), lookups, binomial(r, lookups, pHit), q, false}
		out[i] = slot{
			at:        at,
			latency:   typical * math.Exp(math.Min(spread, 0.5)*r.NormFloat64()),
			queryTime: 0.005 * (1 + 0.3*dbLoad*dbLoad) * math.Exp(queryTime.next()+r.NormFloat64()/math.Sqrt(q+1)) * c.queryTime,
			faulty:    c.faulty,
		}
		if gapLeft > 0 {
			gapLeft--
		} else if r.Float64() < seconds/(7*24*3600) {
			gapLeft = int((20 + 40*r.Float64()) * 60 / seconds)
		}
		if gapLeft > 0 || r.Float64() < missingShare {
			counts[i].missing = true
		}
	}
	s.form(out, counts)
	return out
}

// batch reports whether the nightly job runs.
func batch(local time.Time) bool { return local.Hour() == 3 && local.Minute() < 20 }

// counted is what happened in one step.
type counted struct {
	requests, errors, lookups, hits, queries float64
	missing                                  bool
}

func (c *counted) add(o counted, sign float64) {
	c.requests += sign * o.requests
	c.errors += sign * o.errors
	c.lookups += sign * o.lookups
	c.hits += sign * o.hits
	c.queries += sign * o.queries
}

// form makes rates and ratios of the counts.
func (s *stack) form(out []slot, counts []counted) {
	window := max(s.smooth, 1)
	sum := counted{}
	for i := range out {
		sum.add(counts[i], 1)
		if i >= window {
			sum.add(counts[i-window], -1)
		}
		seconds := s.step.Seconds() * float64(min(window, i+1))
		o := &out[i]
		o.requests, o.lookups, o.queries = sum.requests/seconds, sum.lookups/seconds, sum.queries/seconds
		o.errorRatio, o.hitRatio = sum.errors/sum.requests, sum.hits/sum.lookups
		if sum.requests == 0 {
			o.latency = math.NaN()
		}
		if counts[i].missing {
			nan := math.NaN()
			o.requests, o.lookups, o.queries, o.errorRatio, o.hitRatio, o.latency, o.queryTime = nan, nan, nan, nan, nan, nan, nan
		}
	}
}

// rhythm is the traffic at an hour of a workday, 1 on average.
func rhythm(hour float64) float64 {
	x := 2 * math.Pi * (hour - 15) / 24
	return 0.91 * math.Exp(0.55*math.Cos(x)+0.12*math.Cos(2*x))
}

// gently is the factor of a weekend of 0.7 which comes and goes over six hours
// around midnight.
func gently(local time.Time) float64 {
	const low, ramp = 0.7, 3.0
	hours := float64(local.Weekday())*24 + float64(local.Hour()) + float64(local.Minute())/60
	into := math.Remainder(hours, 7*24) // from Sunday, 0:00
	part := math.Min(into+24+ramp, 24+ramp-into) / (2 * ramp)
	return 1 - (1-low)*math.Min(math.Max(part, 0), 1)
}

// atMidnight is the factor of a Sunday that halves the traffic from its first minute
// to its last.
func atMidnight(local time.Time) float64 {
	if local.Weekday() == time.Sunday {
		return 0.5
	}
	return 1
}

// days are factors of single days, which change from noon to noon.
type days struct {
	rand     *rand.Rand
	from, to float64
	noon     int
}

func newDays(r *rand.Rand) *days { return &days{rand: r, noon: -1} }

func (d *days) factor(local time.Time) float64 {
	shifted := local.Add(-12 * time.Hour)
	if noon := shifted.YearDay(); noon != d.noon {
		d.noon = noon
		d.from, d.to = d.to, 0.04*d.rand.NormFloat64()
	}
	part := (float64(shifted.Hour()) + float64(shifted.Minute())/60) / 24
	return math.Exp(d.from*(1-part) + d.to*part)
}

// effect returns the factors in force at step i.
func effect(changes []change, i int) (out struct {
	traffic, latency, errors, queries, queryTime, hits float64
	faulty                                             bool
}) {
	out.traffic, out.latency, out.errors, out.queries, out.queryTime, out.hits = 1, 1, 1, 1, 1, hitRatio
	for _, c := range changes {
		if i < c.from || i >= c.until {
			continue
		}
		part := 1.0
		if c.ramp > 0 {
			part = math.Min(1, math.Min(float64(i-c.from+1), float64(c.until-i))/float64(c.ramp))
		}
		out.traffic *= partly(c.traffic, part)
		out.latency *= partly(c.latency, part)
		out.errors *= partly(c.errors, part)
		out.queries *= partly(c.queries, part)
		out.queryTime *= partly(c.queryTime, part)
		if c.hits > 0 {
			out.hits = c.hits
		}
		out.faulty = true
	}
	return out
}

func partly(factor, part float64) float64 {
	if factor == 0 {
		return 1
	}
	return math.Pow(factor, part)
}

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

func poisson(r *rand.Rand, mean float64) float64 {
	if mean > 2000 {
		return math.Max(0, math.Round(mean+math.Sqrt(mean)*r.NormFloat64()))
	}
	if !(mean > 0) {
		return 0
	}
	return distuv.Poisson{Lambda: mean, Src: r}.Rand()
}

func binomial(r *rand.Rand, n, p float64) float64 {
	if v := n * p * (1 - p); v > 1000 {
		return math.Min(math.Max(0, math.Round(n*p+math.Sqrt(v)*r.NormFloat64())), n)
	}
	if !(n > 0) || p <= 0 {
		return 0
	}
	if p >= 1 {
		return n
	}
	return distuv.Binomial{N: n, P: p, Src: r}.Rand()
}
