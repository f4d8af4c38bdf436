package main

import (
	"math"
	"sort"
	"time"

	"tidemark/detector"
)

// judge says at each sample whether it alarms.
type judge interface {
	alarm(s detector.Sample) bool
}

// contender makes a judge for a signal.
type contender struct {
	name string
	make func(w watched, step time.Duration) judge
}

func contenders(w watched, sensitivity float64) []contender {
	out := []contender{{"tidemark", func(w watched, _ time.Duration) judge {
		o := w.options
		o.Sensitivity = sensitivity
		return newTidemark(o)
	}}}
	if !w.band {
		return out
	}
	return append(out,
		contender{"3-sigma 1h", func(w watched, step time.Duration) judge { return lasting(newSigma(w, time.Hour, step), step) }},
		contender{"3-sigma 1d", func(w watched, step time.Duration) judge { return lasting(newSigma(w, 24*time.Hour, step), step) }},
		contender{"Grafana adaptive", func(w watched, step time.Duration) judge { return lasting(newAdaptive(w, step), step) }},
		contender{"Grafana robust", func(w watched, step time.Duration) judge { return lasting(newRobust(w, step), step) }},
	)
}

// tidemark is the detector of this project.
type tidemark struct{ d *detector.Detector }

func newTidemark(o detector.Options) *tidemark {
	d, err := detector.New(o)
	if err != nil {
		panic(err) // the options are the ones above
	}
	return &tidemark{d}
}

func (t *tidemark) alarm(s detector.Sample) bool { return t.d.Update(s).Direction != "" }

// pending alarms when another judge has alarmed for some samples, as the `for`
// of an alerting rule does.
type pending struct {
	judge
	needed, n int
}

// lasting is `for: 5m`.
func lasting(j judge, step time.Duration) judge {
	return &pending{judge: j, needed: int(5 * time.Minute / step)}
}

func (p *pending) alarm(s detector.Sample) bool {
	if !p.judge.alarm(s) {
		p.n = 0
		return false
	}
	p.n++
	return p.n > p.needed
}

// ring keeps values of a fixed number of slots, NaN for gaps.
type ring struct {
	v    []float64
	next int
}

func newRing(n int) *ring {
	r := &ring{v: make([]float64, n)}
	for i := range r.v {
		r.v[i] = math.NaN()
	}
	return r
}

// push adds a value and returns the one that it replaces.
func (r *ring) push(x float64) float64 {
	old := r.v[r.next]
	r.v[r.next] = x
	r.next = (r.next + 1) % len(r.v)
	return old
}

// ago returns the value i slots before the newest.
func (r *ring) ago(i int) float64 {
	return r.v[((r.next-1-i)%len(r.v)+len(r.v))%len(r.v)]
}

// moments are avg_over_time and stddev_over_time.
type moments struct {
	ring         *ring
	n, sum, sum2 float64
}

func newMoments(n int) *moments { return &moments{ring: newRing(n)} }

func (m *moments) push(x float64) {
	old := m.ring.push(x)
	if !math.IsNaN(old) {
		m.n, m.sum, m.sum2 = m.n-1, m.sum-old, m.sum2-old*old
	}
	if !math.IsNaN(x) {
		m.n, m.sum, m.sum2 = m.n+1, m.sum+x, m.sum2+x*x
	}
}

func (m *moments) mean() float64 { return m.sum / m.n } // NaN if empty
func (m *moments) sd() float64 {
	return math.Sqrt(math.Max(0, m.sum2/m.n-m.mean()*m.mean()))
}

// sorted is quantile_over_time(0.5).
type sorted struct {
	ring *ring
	v    []float64
}

func newSorted(n int) *sorted { return &sorted{ring: newRing(n)} }

func (s *sorted) push(x float64) {
	if old := s.ring.push(x); !math.IsNaN(old) {
		i := sort.SearchFloat64s(s.v, old)
		s.v = append(s.v[:i], s.v[i+1:]...)
	}
	if !math.IsNaN(x) {
		i := sort.SearchFloat64s(s.v, x)
		s.v = append(s.v, 0)
		copy(s.v[i+1:], s.v[i:])
		s.v[i] = x
	}
}

func (s *sorted) median() float64 {
	n := len(s.v)
	if n == 0 {
		return math.NaN()
	}
	return (s.v[(n-1)/2] + s.v[n/2]) / 2
}

// sigma alarms outside three standard deviations of the window before.
type sigma struct {
	m   *moments
	dir detector.Direction
}

func newSigma(w watched, window, step time.Duration) *sigma {
	return &sigma{newMoments(int(window / step)), w.options.Direction}
}

func (g *sigma) alarm(s detector.Sample) bool {
	mean, limit := g.m.mean(), 3*g.m.sd()
	out := outside(s.Value, mean-limit, mean+limit, g.dir) && g.m.n >= 30
	g.m.push(s.Value)
	return out
}

// outside reports whether x lies outside a band in a direction; NaN does not.
func outside(x, lower, upper float64, dir detector.Direction) bool {
	return dir != detector.Down && x > upper || dir != detector.Up && x < lower
}
