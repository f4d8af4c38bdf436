package main

import (
	"math"
	"time"

	"tidemark/detector"
)

// The constants of Grafana's promql-anomaly-detection, rules/adaptive.yml and
// rules/robust.yml: the strategies below follow those rules with their defaults,
// at the step instead of one minute.
const (
	grafanaSpreads = 2.0
	grafanaMargin  = 0.5
	grafanaSparse  = 5.0 / 60
	grafanaVaries  = 0.5 // coefficient of variation
)

// selected are the samples that the rules take: positive ones, and for rates
// only where the hour's mean is not sparse.
type selected struct {
	sparse bool
	hour   *moments
}

func (g *selected) take(x float64) float64 {
	g.hour.push(x)
	if !(x > 0) || g.sparse && g.hour.mean() < grafanaSparse {
		return math.NaN()
	}
	return x
}

// adaptive is the adaptive strategy: the band is the widest of the hour's mean
// ± 2 smoothed standard deviations, ± 50 %, and the mean ± 2 standard deviations
// of the hour around this time yesterday and a week ago.
type adaptive struct {
	selected
	dir      detector.Direction
	hour     *moments
	smoothed *moments
	high     *ring // of mean ± 2 sd, for the look back
	low      *ring
	day      int
	week     int
}

func newAdaptive(w watched, step time.Duration) *adaptive {
	hour := int(time.Hour / step)
	a := &adaptive{
		selected: selected{w.sparse, newMoments(hour)},
		dir:      w.options.Direction,
		hour:     newMoments(hour),
		smoothed: newMoments(26 * hour),
		day:      int((23*time.Hour + 30*time.Minute) / step),
		week:     int((167*time.Hour + 30*time.Minute) / step),
	}
	a.high, a.low = newRing(a.week+1), newRing(a.week+1)
	return a
}

func (a *adaptive) alarm(s detector.Sample) bool {
	x := a.take(s.Value)
	a.hour.push(x)
	mean, sd := a.hour.mean(), a.hour.sd()
	filtered := math.NaN()
	if sd > grafanaVaries*mean {
		filtered = sd
	}
	a.smoothed.push(filtered)
	a.high.push(mean + grafanaSpreads*sd)
	a.low.push(mean - grafanaSpreads*sd)
	short := grafanaSpreads * a.smoothed.mean()
	upper := widest(math.Max, mean+short, mean*(1+grafanaMargin), a.high.ago(a.day), a.high.ago(a.week))
	lower := math.Max(0, widest(math.Min, mean-short, mean*(1-grafanaMargin), a.low.ago(a.day), a.low.ago(a.week)))
	return outside(x, lower, upper, a.dir)
}

// widest folds the values that are there.
func widest(f func(a, b float64) float64, vs ...float64) float64 {
	out := math.NaN()
	for _, v := range vs {
		switch {
		case math.IsNaN(v):
		case math.IsNaN(out):
			out = v
		default:
			out = f(out, v)
		}
	}
	return out
}

// robust is the robust strategy: the median of the last hour against the day's
// median ± the largest of 2 MAD, 50 %, and the medians ± 2 MAD around this time
// yesterday and a week ago.
type robust struct {
	selected
	dir                detector.Direction
	day, mad, hour     *sorted
	values, hourMedian *ring
	seasons            []*look
}

// look is the look back of one season.
type look struct {
	ago int
	dev *sorted // of |x − the hour's median| at that time, over an hour
}

func newRobust(w watched, step time.Duration) *robust {
	hour := int(time.Hour / step)
	day := int((23*time.Hour + 45*time.Minute) / step)
	week := int((167*time.Hour + 45*time.Minute) / step)
	return &robust{
		selected: selected{w.sparse, newMoments(hour)},
		dir:      w.options.Direction,
		day:      newSorted(24 * hour), mad: newSorted(24 * hour), hour: newSorted(hour),
		values: newRing(week + 1), hourMedian: newRing(week + 1),
		seasons: []*look{{day, newSorted(hour)}, {week, newSorted(hour)}},
	}
}

func (r *robust) alarm(s detector.Sample) bool {
	x := r.take(s.Value)
	r.day.push(x)
	median := r.day.median()
	r.mad.push(math.Abs(x - median))
	r.hour.push(x)
	level := r.hour.median()
	r.values.push(x)
	r.hourMedian.push(level)
	spread := grafanaSpreads * r.mad.median()
	uppers := []float64{median + spread, median * (1 + grafanaMargin)}
	lowers := []float64{median - spread, median * (1 - grafanaMargin)}
	for _, l := range r.seasons {
		m := r.hourMedian.ago(l.ago)
		l.dev.push(math.Abs(r.values.ago(l.ago) - m))
		d := grafanaSpreads * l.dev.median()
		uppers = append(uppers, m+d)
		lowers = append(lowers, m-d)
	}
	return outside(level, math.Max(0, widest(math.Min, lowers...)), widest(math.Max, uppers...), r.dir)
}
