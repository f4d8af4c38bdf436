package rules

import (
	"math"
	"slices"
	"time"

	"tidemark/detector"
	"tidemark/topology"
)

// Place is where a view's scope stands in the service graph.
type Place struct {
	Service string

	// Witness is the surprise of the strongest symptom of the services around it
	// that are in trouble, too; 0 if there is none. It is Anomalous if that is an
	// anomaly by itself.
	Witness   float64
	Anomalous bool

	// Least is the smallest rise of a latency that a caller of the service would
	// notice, in seconds; 0 if that is not known.
	Least float64
}

// Symptom is how far a series is above what is expected, by a condition of a rule
// for the services of the graph.
//
// The newest values may be far outside the band and too few to be surprising:
// such a symptom is early, and its surprise the one that it will have if it lasts.
type Symptom struct {
	topology.Symptom

	Early     bool
	Witness   float64 // its surprise by now
	Clear     bool    // it counts as one of two witnesses
	Anomalous bool    // it would be an anomaly by itself

	// Since is when it began; the view's time if it is too weak for an onset.
	Since time.Time

	Evidence Evidence // that it is, if it is surprising
}

// Symptoms returns what a service shows by the conditions of the rules for the
// services of the graph, each once: also what is usual, since that may explain
// what a caller shows. What is left over from the scope's last incident is no
// symptom.
func (s *Set) Symptoms(v *View) []Symptom {
	var out []Symptom
	for _, r := range s.rules {
		if !r.Topology {
			continue
		}
		rate := v.Rate()
		for _, c := range slices.Concat(r.All, r.Any) {
			if c.Is == IsUp {
				out = appendSymptom(out, v, c, rate)
			}
		}
	}
	return out
}

// Notices returns the smallest rise in seconds that a caller of a callee would
// notice by the conditions of the rules for the services of the graph: the minimum
// effect on its own latency, divided by how many calls it makes for each of its
// requests, if they are several. It is 0 if that is not known.
func (s *Set) Notices(caller, callee *View) float64 {
	least := 0.0
	for _, r := range s.rules {
		if !r.Topology {
			continue
		}
		for _, c := range slices.Concat(r.All, r.Any) {
			for _, name := range c.Signals {
				for _, o := range caller.Signals[name].Series {
					effect := o.Signal.MinEffect.Relative * o.Judgement.Expected
					if o.Signal.Kind == detector.Latency && effect > 0 && (least == 0 || effect < least) {
						least = effect
					}
				}
			}
		}
	}
	if calls := callee.Rate() / caller.Rate(); calls > 1 {
		least /= calls
	}
	return least
}

// A deviation of a service is no symptom if chance makes what it likes of a sample
// of so few requests, or if nobody would notice so short a time.
const (
	fewRequests  = 10
	shortLatency = 1e-4 // seconds
)

// tells reports whether a deviation upwards of a series tells about the service of
// a view, given its requests per second; NaN is not known.
func (o *Observation) tells(v *View, rate float64) bool {
	rise := o.Judgement.Value - o.Judgement.Expected
	switch o.Signal.Kind {
	case detector.Gauge:
		return true
	case detector.Latency:
		return !(o.requests(rate) < fewRequests) && rise >= math.Max(shortLatency, v.Place.Least)
	default:
		return !(o.requests(rate) < fewRequests)
	}
}

// requests returns how many there are between two samples.
func (o *Observation) requests(rate float64) float64 {
	return rate * time.Duration(o.Signal.Step).Seconds()
}

func appendSymptom(out []Symptom, v *View, c Condition, rate float64) []Symptom {
	c.relief = weakRelief
	f := c.check(v, false)
	if f.Outcome == Unseen || f.by == nil {
		return out
	}
	o, j := f.by, f.by.Judgement
	s := Symptom{Symptom: topology.Symptom{
		Class: string(o.Signal.Kind), Rise: math.Max(j.Value-j.Expected, 0),
		Local: o.Signal.Kind == detector.Gauge,
	}}
	if o.Signal.Kind == detector.Ratio {
		s.Follows = string(detector.Latency)
	}
	since := f.by.since()
	if since.IsZero() {
		since = v.Time
	}
	if !o.tells(v, rate) || !since.After(v.After) {
		return append(out, s)
	}
	foreseen, lasted := o.foreseen(v, rate)
	s.Early = foreseen > 0
	s.Surprise = math.Min(foreseen, farSurprise)
	if f.Outcome == Met {
		s.Witness = f.surprise
		s.Surprise = math.Max(s.Surprise, f.surprise)
	}
	if lasted && foreseen >= farSurprise {
		s.Witness = math.Max(s.Witness, witnessCap)
	}
	s.Clear = s.Witness >= o.Signal.Sensitivity-jointRelief
	s.Anomalous = s.Witness >= o.Signal.Sensitivity
	if !(s.Surprise > 0) {
		s.Surprise = 0
		return append(out, s)
	}
	s.Since = since
	s.Evidence = evidenceOf(f)
	s.Evidence.Since = since
	return append(out, s)
}

const (
	// earlySlots is after how many slots, or how long if that is more, a deviation
	// is surprising, or is none.
	earlySlots = 4
	earlyFor   = 3 * time.Minute

	// earlyLasts is for how long, and at least from one slot to the next, values
	// are outside the band before they count.
	earlyLasts = time.Minute

	// farSurprise is the foreseen surprise from which a deviation that lasts counts
	// like an anomaly. On the fault-free days of PetShop's data, of 40 services,
	// chance reaches 10 in two samples of five minutes, and faults reach 12 to 64.
	farSurprise = 12

	// earlyRequests is how many requests have to stand behind each of so few
	// samples.
	earlyRequests = 20
)

// foreseen returns the surprise that a series above its band will have if that
// lasts, by how many times the width of the band it is above what is expected; 0
// if it is not above, or has been for so long that its surprise says all. Lasted
// is set if it was above in the slot before, too. The rate is that of requests,
// NaN if it is not known.
func (o *Observation) foreseen(v *View, rate float64) (surprise float64, lasted bool) {
	j, since := o.Judgement, o.since()
	age := v.Time.Sub(since)
	step := time.Duration(o.Signal.Step)
	switch {
	case j.State == detector.Learning || since.IsZero() || !(j.Value > j.Upper):
		return 0, false
	case age >= max(earlySlots*step, earlyFor):
		return 0, false
	case !o.tells(v, rate) || o.requests(rate) < earlyRequests && o.Signal.Kind != detector.Gauge:
		return 0, false
	}
	times := (j.Value - j.Expected) / (j.Upper - j.Expected)
	return times * o.Signal.Sensitivity, age >= max(step, earlyLasts)
}

// Rate returns the requests per second that a scope usually has by the signal
// request_rate, NaN if that is not known.
func (v *View) Rate() float64 {
	sum := math.NaN()
	for _, o := range v.Signals["request_rate"].Series {
		rate := o.Judgement.Expected
		if math.IsNaN(rate) {
			rate = o.Judgement.Value
		}
		switch {
		case math.IsNaN(rate):
		case math.IsNaN(sum):
			sum = rate
		default:
			sum += rate
		}
	}
	return sum
}

// aloneRelief is what a service in trouble alone needs more, in decades: nobody
// suffers with it.
const aloneRelief = -2.0

// placed is how the conditions of a rule for the services of the graph hold where
// a view stands.
type placed struct {
	relief   float64 // as of a condition
	foreseen float64 // the surprise from which one that is foreseen counts
	rate     float64 // of requests, NaN if that is not known
}

// placed returns the conditions of a rule for the services of the graph as they
// hold where the view stands. Trouble around it is a second witness. Next to one
// that is an anomaly by itself, a service needs to be no more surprising than what
// supports a verdict, now or if it lasts: faults of a few samples are over before
// they are an anomaly.
func (r *Rule) placed(v *View, cs []Condition) []Condition {
	if !r.Topology || v.Place == nil {
		return cs
	}
	p := &placed{relief: aloneRelief, foreseen: farSurprise, rate: v.Rate()}
	switch {
	case v.Place.Anomalous:
		p.relief, p.foreseen = weakRelief, 0
	case v.Place.Witness > 0:
		p.relief = jointRelief
	}
	cs = slices.Clone(cs)
	for i := range cs {
		if cs[i].Is == IsUp {
			cs[i].relief, cs[i].placed = p.relief, p
		}
	}
	return cs
}

// weigh corrects a finding by what it is in a service.
func (p *placed) weigh(v *View, f *finding) {
	o := f.by
	switch foreseen, lasted := o.foreseen(v, p.rate); {
	case f.Outcome == Met && !o.tells(v, p.rate):
		f.Outcome = NotMet
	case lasted && foreseen >= farSurprise:
		f.Outcome, f.surprise, f.twice = Met, math.Max(f.surprise, witnessCap), true
	case f.Outcome == NotMet && lasted && foreseen >= math.Max(p.foreseen, o.Signal.Sensitivity):
		f.Outcome, f.surprise = Met, o.Signal.Sensitivity
	}
}

// aloneFor is for how long a service that is in trouble alone, by one signal, waits
// for what those around it show: the first to show something need not be the first
// in trouble.
const aloneFor = 2 * time.Minute

// settle returns how many cycles must agree on the rule.
func (m *match) settle(v *View) int {
	if r := m.rule; !r.Topology || r.Settle > 0 || v.Step >= aloneFor || m.plain(v) {
		return r.Settle
	}
	return int((aloneFor + v.Step - 1) / v.Step)
}
