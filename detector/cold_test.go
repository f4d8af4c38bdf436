package detector

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Nine errors a minute that become eighteen after an hour are more than chance for
// a quarter of an hour, if what is expected does not follow them.
func TestErrorsThatDoubleAfterAnHour(t *testing.T) {
	const seeds = 10
	found := 0
	for seed := range uint64(seeds) {
		o := usual(Ratio, time.Minute)
		o.MinEffect = MinEffect{Relative: 0.15}
		d, rng := newDetector(t, o), rand.New(rand.NewPCG(seed, 2))
		for i := range 95 {
			p, n := 0.005, 1800.0
			if i >= 65 {
				p *= 2
			}
			k := math.Max(math.Round(n*p+math.Sqrt(n*p)*rng.NormFloat64()), 0)
			j := d.Update(Sample{Time: monday.Add(time.Duration(i) * time.Minute), Value: k / n, Support: n / 60})
			if j.State == Anomalous {
				if i < 65 {
					t.Errorf("seed %d: anomalous in minute %d, before the fault", seed, i)
				}
				found++
				break
			}
		}
	}
	if found < seeds-1 {
		t.Errorf("found with %d of %d seeds, want nearly all", found, seeds)
	}
}

// A job of the same size weighs more in the smaller traffic of a Saturday that is
// the first one.
func TestNightlyJobOfTheFirstWeekend(t *testing.T) {
	for seed := range uint64(5) {
		o := usual(Rate, time.Minute)
		o.Direction = Up
		d, s := newDetector(t, o), newSource(Rate, time.Minute, seed)
		for i := range 7 * 1440 {
			at := monday.Add(time.Duration(i) * time.Minute)
			x := s.at(at, 1)
			if w := at.Weekday(); w == time.Saturday || w == time.Sunday {
				x.Value *= 0.75
			}
			job := at.Hour() == 4 && at.Minute() < 20
			if job {
				x.Value += 300
			}
			if j := d.Update(x); j.State == Anomalous && job && i > 1440 {
				t.Errorf("seed %d: anomalous at %s", seed, at.Format("Mon 15:04"))
				break
			}
		}
	}
}

// What is expected of five minutes does not follow them while they last.
func TestDayProfileLearnsAVisitWhenItIsOver(t *testing.T) {
	p := newDayProfile(newPace(time.Minute), maxDayBins)
	visit := func(level float64) {
		for minute := range 5 {
			p.learn(float64(60*minute), level, 0.1)
		}
	}
	visit(1)
	p.learn(300, 1, 0.1)
	visit(2)
	if got, _ := p.at(150); got != 1 {
		t.Errorf("during the second visit the level is %g, want 1", got)
	}
	p.learn(300, 1, 0.1)
	want := 1 + (1 - math.Exp(-0.5))
	if got, _ := p.at(150); math.Abs(got-want) > 1e-3 {
		t.Errorf("after it the level is %g, want %g", got, want)
	}
}

func TestUnfamiliarLevels(t *testing.T) {
	for _, tc := range []struct {
		name  string
		level func(hour float64) float64
		at    float64 // hour
		want  float64
	}{
		{"a flat day", func(float64) float64 { return 5 }, 12, 0},
		{"a rhythm", func(h float64) float64 { return math.Sin(2 * math.Pi * h / 24) }, 12, otherwise * 2 / math.Pi},
		{"a job", func(h float64) float64 {
			if h >= 3 && h < 3.5 {
				return 2
			}
			return 0
		}, 3.2, otherwise * (2*(1-6.0/25) + 2*2*(0.5/24)*(23.5/24))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newDayProfile(newPace(time.Minute), maxDayBins)
			for minute := range 1441 {
				p.learn(float64(minute%1440*60), tc.level(float64(minute%1440)/60), 1)
			}
			if got := p.unfamiliar(tc.at * 3600); math.Abs(got-tc.want) > 0.02*tc.want+1e-6 {
				t.Errorf("got %.4f, want %.4f", got, tc.want)
			}
		})
	}
}

// Samples that come in bursts between gaps are learned all the same.
func TestRatioLearnsBetweenGaps(t *testing.T) {
	d, s := newDetector(t, usual(Ratio, time.Minute)), newSource(Ratio, time.Minute, 1)
	at := monday
	for range 30 {
		for range 5 {
			d.Update(s.at(at, 0))
			at = at.Add(time.Minute)
		}
		at = at.Add(40 * time.Minute)
	}
	j := d.Update(s.at(at, 0))
	if j.State != Normal || math.Abs(j.Expected-0.93) > 0.02 {
		t.Errorf("state %v, expected %.3f; want it to be normal and about 0.93", j.State, j.Expected)
	}
	if h := d.head.(*ratio); !h.known() {
		t.Error("the share is not known after 150 samples")
	}
}
