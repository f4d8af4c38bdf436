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
		for _, c := range slices.Concat(r.All, r.Any) {
			if c.Is == IsUp {
				out = appendSymptom(out, v, c)
			}
		}
	}
	return out
}

func appendSymptom(out []Symptom, v *View, c Condition) []Symptom {
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
	if !since.After(v.After) {
		return append(out, s)
	}
	if f.Outcome == Met {
		s.Witness = f.surprise
		s.Clear = f.surprise >= o.Signal.Sensitivity-jointRelief
		s.Anomalous = f.surprise >= o.Signal.Sensitivity
	}
	s.Surprise = s.Witness
	if j.Value > j.Upper && v.Time.Sub(since) < earlySlots*v.Step {
		s.Early = true
		beyond := (j.Value - j.Expected) / (j.Upper - j.Expected)
		s.Surprise = math.Max(s.Surprise, math.Min(beyond*o.Signal.Sensitivity, witnessCap))
	}
	if !(s.Surprise > 0) {
		s.Surprise = 0
		return append(out, s)
	}
	s.Since = since
	s.Evidence = evidenceOf(f)
	s.Evidence.Since = since
	return append(out, s)
}

// earlySlots is after how many slots a deviation is surprising, or is none.
const earlySlots = 3

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

// placed returns the conditions of a rule for the services of the graph as they
// hold where the view stands: trouble around it is a second witness. Next to one
// that is an anomaly by itself, a service needs to be no more surprising than what
// supports a verdict.
func (r *Rule) placed(v *View, cs []Condition) []Condition {
	if !r.Topology || v.Place == nil || v.Place.Witness == 0 {
		return cs
	}
	relief := jointRelief
	if v.Place.Anomalous {
		relief = weakRelief
	}
	cs = slices.Clone(cs)
	for i := range cs {
		cs[i].relief = math.Max(cs[i].relief, relief)
	}
	return cs
}
