package detector

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// weeks shows a profile so many weeks, whose hours have the given levels and are
// held as told.
func weeks(p *weekProfile, n int, level func(week, hour int) float64, held func(week, hour int) bool) {
	for week := range n {
		for hour := range weekBins {
			v := level(week, hour)
			for minute := range 60 {
				p.learn(float64(hour*3600+minute*60), v, held(week, hour))
			}
		}
	}
	p.learn(0, level(n, 0), false) // ends the last hour
}

func never(int, int) bool { return false }

// middle returns the level in the middle of an hour.
func middle(p *weekProfile, hour int) float64 { return p.at(float64(hour)*3600 + 1800) }

func TestWeeksThatAgreeAreBelieved(t *testing.T) {
	for _, tc := range []struct {
		name        string
		noise, deep float64
		least, most float64 // share of the deviation that is believed after two weeks
	}{
		{"they agree", 0.02, 0.7, 0.9, 1},
		{"they hardly agree", 0.1, 0.15, 0.5, 0.9},
		{"they do not agree", 0.3, 0.1, 0, 0.65},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 5))
			p := newWeekProfile()
			weeks(p, 2, func(_, hour int) float64 {
				v := tc.noise * rng.NormFloat64()
				if hour < 48 {
					v = -tc.deep
				}
				return v
			}, never)
			got := middle(p, 20) / -tc.deep
			if got < tc.least || got > tc.most {
				t.Errorf("%.2f of the deviation is believed, want %g to %g", got, tc.least, tc.most)
			}
		})
	}
}

func TestHeldHoursOfAWeek(t *testing.T) {
	incident := func(weeks ...int) func(week, hour int) bool {
		return func(week, hour int) bool {
			for _, w := range weeks {
				if w == week && hour == 20 {
					return true
				}
			}
			return false
		}
	}
	for _, tc := range []struct {
		name string
		held func(week, hour int) bool
		want float64 // least level of hour 20 after the fourth week
		most float64
	}{
		{"one incident is none of next week's business", incident(3), 0, 0},
		{"nor are two that are not a week apart", incident(1, 3), 0, 0},
		{"a second week like it makes a habit", incident(2, 3), 0.2, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newWeekProfile()
			weeks(p, 4, func(week, hour int) float64 {
				if tc.held(week, hour) {
					return 1
				}
				return 0
			}, tc.held)
			if got := middle(p, 20); got < tc.want || got > tc.most {
				t.Errorf("level %g, want %g to %g", got, tc.want, tc.most)
			}
		})
	}
	t.Run("an accepted one is learned", func(t *testing.T) {
		p := newWeekProfile()
		weeks(p, 3, func(int, int) float64 { return 0 }, never)
		for minute := range 3 * 60 {
			p.learn(float64(20*3600+minute*60), 1, true)
		}
		p.accept()
		if got := middle(p, 20); got < 0.15 {
			t.Errorf("level %g, want at least 0.15", got)
		}
	})
}

func TestStepsOfTheWeekStaySteps(t *testing.T) {
	for _, tc := range []struct {
		name  string
		level func(hour float64) float64
	}{
		{"a step", func(hour float64) float64 { return -math.Min(1, math.Floor(hour/48)) }},
		{"a rise over hours", func(hour float64) float64 { return math.Min(math.Max(hour-45, 0), 6) / 6 }},
	} {
		p := newWeekProfile()
		weeks(p, 3, func(_, hour int) float64 { return tc.level(float64(hour) + 0.5) }, never)
		for _, hour := range []float64{47.75, 48.25} {
			if got, want := p.at(hour*3600), tc.level(hour); math.Abs(got-want) > 0.05 {
				t.Errorf("%s: %g at hour %g, want %g", tc.name, got, hour, want)
			}
		}
	}
}

// TestSundayBecomesKnown plays a Sunday that halves the traffic from its first
// minute to its last: it is accepted on the first, and no news on the third.
func TestSundayBecomesKnown(t *testing.T) {
	d, s := newDetector(t, usual(Rate, time.Minute)), newSource(Rate, time.Minute, 1)
	alarmed := map[string]int{}
	at := monday
	for range 5 * 7 {
		factor := 1.0
		if at.Weekday() == time.Sunday {
			factor = 0.5
		}
		day := at.Format("Mon 2 Jan")
		at = feed(d, s, at, 24*60, factor, func(_ int, j Judgement) {
			if j.State == Anomalous {
				alarmed[day]++
			}
		})
	}
	first := monday.AddDate(0, 0, 6)
	if alarmed[first.Format("Mon 2 Jan")] == 0 {
		t.Error("the first Sunday was no anomaly")
	}
	for week := 2; week < 5; week++ {
		for day := range 2 {
			name := first.AddDate(0, 0, 7*week+day).Format("Mon 2 Jan")
			if n := alarmed[name]; n > 0 {
				t.Errorf("%s: %d minutes of anomaly", name, n)
			}
		}
	}
}
