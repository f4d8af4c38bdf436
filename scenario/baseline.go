package scenario

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"gonum.org/v1/gonum/stat/distuv"

	"tidemark/detector"
	"tidemark/series"
)

// baseline is what a series shows while nothing is wrong.
type baseline struct {
	id identity

	Series string  `yaml:"series"`
	Level  float64 `yaml:"level"`

	// Means, in place of a level, are those of each Every (an hour) from the
	// beginning of the history on, in the notation of promtool. Between the middles
	// of them lie straight lines; the last one goes on.
	Means string         `yaml:"means"`
	Every model.Duration `yaml:"every"`

	// Per names a load: the level is one for each unit of it.
	Per string `yaml:"per"`

	// Daily is by how much of the level the afternoon at three is above it, and
	// the night at three below. Weekend is the factor of Saturdays and Sundays;
	// 0 is none.
	Daily   float64 `yaml:"daily"`
	Weekend float64 `yaml:"weekend"`
	Nightly *batch  `yaml:"nightly"`

	// Noise is the standard deviation of the logarithm of single samples; of a
	// ratio, that of its logarithmic odds.
	Noise float64 `yaml:"noise"`

	// Memory is how long chance remembers: after it, a deviation is down to a
	// third on average. Without it, each sample is by itself.
	Memory model.Duration `yaml:"memory"`

	// Support is how many observations a second stand behind a sample. The
	// samples of a ratio are then shares of whole observations.
	Support float64 `yaml:"support"`

	means []float64
}

// batch is a job that moves a series each day at the same local time.
type batch struct {
	At     string         `yaml:"at"` // 02:00
	Lasts  model.Duration `yaml:"lasts"`
	Factor float64        `yaml:"factor"`

	clock time.Duration // since midnight
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (b *baseline) UnmarshalYAML(unmarshal func(any) error) error {
	type plain baseline
	if err := unmarshal((*plain)(b)); err != nil {
		return err
	}
	var err error
	var values []float64
	if b.id, values, err = parseSeries(b.Series); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	if b.Means != "" {
		if _, b.means, err = parseSeries("means " + b.Means); err != nil {
			return fmt.Errorf("baseline %s: means: %w", b.id, err)
		}
	}
	switch {
	case len(values) > 0:
		err = fmt.Errorf("the series has values: write them in the section %s, or its level here", seriesSection)
	case math.IsNaN(b.Level) || math.IsInf(b.Level, 0):
		err = fmt.Errorf("level %g is not finite", b.Level)
	case len(b.means) > 0 && (b.Level != 0 || b.Daily != 0 || b.Weekend != 0 || b.Nightly != nil):
		err = fmt.Errorf("means stand in place of level, daily, weekend and nightly: remove these")
	case slices.ContainsFunc(b.means, func(v float64) bool { return !series.Finite(v) }):
		err = fmt.Errorf("means have gaps: write a number for each time")
	case !(b.Daily >= 0 && b.Daily < 1):
		err = fmt.Errorf("daily %g is not between 0 and 1, the share of the level", b.Daily)
	case !(b.Noise >= 0 && b.Noise <= 3):
		err = fmt.Errorf("noise %g is not between 0 and 3: 0.05 is 5 %%", b.Noise)
	case !(b.Weekend >= 0), !(b.Support >= 0):
		err = fmt.Errorf("weekend or support is negative")
	case b.Nightly != nil:
		at, bad := time.Parse("15:04", b.Nightly.At)
		if bad != nil || b.Nightly.Lasts <= 0 || !(b.Nightly.Factor >= 0) {
			err = fmt.Errorf("nightly: write it as {at: \"02:00\", lasts: 25m, factor: 2}")
			break
		}
		b.Nightly.clock = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	}
	if err != nil {
		return fmt.Errorf("baseline %s: %w", b.id, err)
	}
	return nil
}

// at returns the level at a local time, before chance.
func (b *baseline) at(local time.Time) float64 {
	clock := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second
	hour := clock.Hours()
	v := b.Level * (1 + b.Daily*math.Cos(2*math.Pi*(hour-15)/24))
	if b.Weekend > 0 {
		// The weekend comes and goes over six hours around midnight.
		const ramp = 3.0
		into := math.Remainder(float64(local.Weekday())*24+hour, 7*24) // from Sunday, 0:00
		part := math.Min(into+24+ramp, 24+ramp-into) / (2 * ramp)
		v *= 1 - (1-b.Weekend)*math.Min(math.Max(part, 0), 1)
	}
	if n := b.Nightly; n != nil && clock >= n.clock && clock < n.clock+time.Duration(n.Lasts) {
		v *= n.Factor
	}
	return v
}

// mean returns the level so long after the beginning of the history.
func (b *baseline) mean(after time.Duration) float64 {
	every := cmp.Or(time.Duration(b.Every), time.Hour)
	x := math.Min(math.Max(float64(after)/float64(every)-0.5, 0), float64(len(b.means)-1))
	i := int(x)
	next := b.means[min(i+1, len(b.means)-1)]
	return b.means[i] + (x-float64(i))*(next-b.means[i])
}

// draw returns the samples over a grid. Factor moves the level in a slot, load is
// what the level is per, 1 if it is per nothing; either may be NaN for a gap.
func (b *baseline) draw(g series.Grid, kind detector.Kind, loc *time.Location, seed uint64, factor, load func(i int) float64) *line {
	name := fnv.New64a()
	name.Write([]byte(b.id.String()))
	rng := rand.New(rand.NewPCG(seed, name.Sum64()))
	l := newLine(b.id.labels, g.N)
	if b.Support > 0 {
		l.support = series.Gaps(g.N)
	}
	keep := 0.0
	if b.Memory > 0 {
		keep = math.Exp(-float64(g.Step) / float64(b.Memory))
	}
	chance := 0.0
	for i := range g.N {
		chance = keep*chance + math.Sqrt(1-keep*keep)*b.Noise*rng.NormFloat64()
		v := b.at(g.At(i).In(loc))
		if len(b.means) > 0 {
			v = b.mean(g.At(i).Sub(g.Start))
		}
		v *= factor(i) * load(i)
		if kind != detector.Ratio {
			v *= math.Exp(chance)
		} else if v = shifted(v, chance); b.Support > 0 {
			v = counted(rng, v, b.Support*g.Step.Seconds())
		}
		l.values[i] = v
		if b.Support > 0 && !math.IsNaN(v) {
			l.support[i] = b.Support
		}
	}
	return l
}

// shifted moves the logarithmic odds of a share, which is held between 0 and 1.
func shifted(share, by float64) float64 {
	if math.IsNaN(share) || share <= 0 || share >= 1 {
		return math.Min(math.Max(share, 0), 1)
	}
	return 1 / (1 + (1-share)/share*math.Exp(-by))
}

// counted returns the share among about n observations, each of which counts with
// the probability p; NaN if there is none.
func counted(rng *rand.Rand, p, n float64) float64 {
	trials := distuv.Poisson{Lambda: n, Src: rng}.Rand()
	switch {
	case math.IsNaN(p) || trials == 0:
		return math.NaN()
	case p <= 0 || p >= 1:
		return p
	}
	return distuv.Binomial{N: trials, P: p, Src: rng}.Rand() / trials
}
