package detector

import (
	"math"
	"testing"
	"time"
)

var (
	steps = []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute}
	kinds = []Kind{Latency, Rate, Ratio, Gauge}
	nan   = math.NaN()
)

// normal is no fault at all.
func normal(kind Kind) float64 {
	if kind == Ratio {
		return 0
	}
	return 1
}

func TestBigFaultIsFoundSoonAndEnds(t *testing.T) {
	for _, step := range steps {
		for _, kind := range kinds {
			t.Run(step.String()+" "+string(kind), func(t *testing.T) {
				fault, want := 2.0, Up
				if kind == Ratio {
					fault, want = -0.3, Down
				}
				d, s := newDetector(t, usual(kind, step)), newSource(kind, step, 1)
				false1 := 0
				begin := feed(d, s, monday, min(int(14*24*time.Hour/step), 80000), normal(kind), func(_ int, j Judgement) {
					if j.State == Anomalous {
						false1++
					}
				})
				found := -1
				var since time.Time
				end := feed(d, s, begin, 60, fault, func(i int, j Judgement) {
					if j.State == Anomalous && found < 0 {
						found, since = i, j.Since
						if j.Direction != want {
							t.Errorf("direction %s, want %s", j.Direction, want)
						}
					}
				})
				if found < 0 || found > 3 {
					t.Errorf("found at sample %d, want one of the first four", found)
				}
				if early := begin.Sub(since) / step; early > 3 || early < -3 {
					t.Errorf("onset is %d samples early", early)
				}
				over := -1
				feed(d, s, end, 60, normal(kind), func(i int, j Judgement) {
					if j.State == Normal && over < 0 {
						over = i
					}
				})
				if over < 0 || over > 25 {
					t.Errorf("over at sample %d, want at most 25", over)
				}
				if limit := int(time.Hour / step); false1 > limit {
					t.Errorf("%d samples of quiet days are anomalous, want at most %d", false1, limit)
				}
			})
		}
	}
}

func TestNeverAnomalousInTheFirstHour(t *testing.T) {
	for _, kind := range kinds {
		d, s := newDetector(t, usual(kind, time.Minute)), newSource(kind, time.Minute, 1)
		next := feed(d, s, monday, 30, normal(kind), nil)
		fault := 10.0
		if kind == Ratio {
			fault = -0.8
		}
		feed(d, s, next, 20, fault, func(i int, j Judgement) {
			if j.State != Learning || j.Up != 0 || j.Down != 0 {
				t.Errorf("%s, minute %d: %s, up %g, down %g, want learning", kind, 30+i, j.State, j.Up, j.Down)
			}
		})
	}
}

func TestOddSeries(t *testing.T) {
	for _, tc := range []struct {
		name  string
		value func(i int) float64
	}{
		{"constant", func(int) float64 { return 0.5 }},
		{"zero", func(int) float64 { return 0 }},
		{"one", func(int) float64 { return 1 }},
		{"one value only", func(i int) float64 {
			if i == 0 {
				return 0.3
			}
			return nan
		}},
		{"every second is a gap", func(i int) float64 {
			if i%2 == 0 {
				return nan
			}
			return 0.5
		}},
	} {
		for _, kind := range kinds {
			t.Run(tc.name+" "+string(kind), func(t *testing.T) {
				d := newDetector(t, usual(kind, time.Minute))
				for i := range 5000 {
					v := tc.value(i)
					j := d.Update(Sample{Time: monday.Add(time.Duration(i) * time.Minute), Value: v, Support: nan, Given: nan})
					checkSound(t, j)
					if j.State == Anomalous {
						t.Fatalf("sample %d is anomalous: %+v", i, j)
					}
					if (j.State == Unknown) != math.IsNaN(v) {
						t.Fatalf("sample %d of %g is %s", i, v, j.State)
					}
				}
			})
		}
	}
}

// checkSound checks what holds for every judgement.
func checkSound(t testing.TB, j Judgement) {
	t.Helper()
	if !(j.Up >= 0) || !(j.Down >= 0) || math.IsInf(j.Up, 0) || math.IsInf(j.Down, 0) {
		t.Fatalf("surprise is not a number from 0 on: %+v", j)
	}
	if j.State > Anomalous {
		t.Fatalf("state %d is not known", j.State)
	}
	if j.State != Unknown && (math.IsNaN(j.Expected) || !(j.Lower <= j.Expected) || !(j.Expected <= j.Upper) || math.IsNaN(j.Score)) {
		t.Fatalf("band is not sound: %+v", j)
	}
	if (j.State == Anomalous) != (j.Direction != "" && j.State != Unknown) || (j.Direction == "") != j.Since.IsZero() {
		t.Fatalf("state and direction disagree: %+v", j)
	}
}

func TestGapHoldsTheAnomaly(t *testing.T) {
	d, s := newDetector(t, usual(Latency, time.Minute)), newSource(Latency, time.Minute, 1)
	next := feed(d, s, monday, 3*1440, 1, nil)
	var last Judgement
	next = feed(d, s, next, 20, 2, func(_ int, j Judgement) { last = j })
	if last.State != Anomalous {
		t.Fatalf("state is %s, want anomalous", last.State)
	}
	for range 30 {
		j := d.Update(Sample{Time: next, Value: nan, Support: nan, Given: nan})
		if j.State != Unknown || j.Direction != Up || j.Since != last.Since {
			t.Fatalf("in the gap: %+v, want unknown, up since %s", j, last.Since)
		}
		next = next.Add(time.Minute)
	}
	feed(d, s, next, 1, 2, func(_ int, j Judgement) {
		if j.State != Anomalous || j.Since != last.Since {
			t.Errorf("after the gap: %+v, want anomalous since %s", j, last.Since)
		}
	})
}

func TestImpossibleSamplesChangeNothing(t *testing.T) {
	for _, tc := range []struct {
		name   string
		kind   Kind
		sample Sample
	}{
		{"infinite", Gauge, Sample{Value: math.Inf(1), Support: nan}},
		{"negative infinite", Gauge, Sample{Value: math.Inf(-1), Support: nan}},
		{"negative rate", Rate, Sample{Value: -1, Support: nan}},
		{"negative latency", Latency, Sample{Value: -1, Support: nan}},
		{"more errors than requests", Ratio, Sample{Value: 1.2, Support: 10}},
		{"negative ratio", Ratio, Sample{Value: -0.2, Support: 10}},
		{"negative support", Ratio, Sample{Value: 0.2, Support: -10}},
		{"infinite support", Latency, Sample{Value: 0.2, Support: math.Inf(1)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			one, other := newDetector(t, usual(tc.kind, time.Minute)), newDetector(t, usual(tc.kind, time.Minute))
			a, b := newSource(tc.kind, time.Minute, 1), newSource(tc.kind, time.Minute, 1)
			next := feed(one, a, monday, 500, normal(tc.kind), nil)
			feed(other, b, monday, 500, normal(tc.kind), nil)
			tc.sample.Time, tc.sample.Given = next, nan
			if j := one.Update(tc.sample); j.State != Unknown {
				t.Errorf("state is %s, want unknown", j.State)
			}
			if one.Invalid() != 1 {
				t.Errorf("%d invalid samples, want 1", one.Invalid())
			}
			var got, want []Judgement
			feed(one, a, next, 50, normal(tc.kind), func(_ int, j Judgement) { got = append(got, j) })
			feed(other, b, next, 50, normal(tc.kind), func(_ int, j Judgement) { want = append(want, j) })
			for i := range got {
				if got[i].Expected != want[i].Expected || got[i].Score != want[i].Score {
					t.Fatalf("judgement %d is %+v, want %+v", i, got[i], want[i])
				}
			}
		})
	}
}

func TestSamplesOutOfOrderAreInvalid(t *testing.T) {
	d := newDetector(t, usual(Gauge, time.Minute))
	d.Update(Sample{Time: monday, Value: 1, Support: nan})
	if j := d.Update(Sample{Time: monday, Value: 1, Support: nan}); j.State != Unknown || d.Invalid() != 1 {
		t.Errorf("the same time again: %s, %d invalid, want unknown, 1", j.State, d.Invalid())
	}
}

func TestIncidentDoesNotMoveTheNextDay(t *testing.T) {
	for _, kind := range []Kind{Latency, Rate, Gauge} {
		d, s := newDetector(t, usual(kind, time.Minute)), newSource(kind, time.Minute, 3)
		next := feed(d, s, monday, 14*1440+10*60, 1, nil)
		next = feed(d, s, next, 4*60, 2, nil)
		next = feed(d, s, next, 20*60+60, 1, nil)
		twin := newDetector(t, usual(kind, time.Minute))
		p := newSource(kind, time.Minute, 3)
		feed(twin, p, monday, 15*1440+10*60+60, 1, nil)
		var got, want float64
		feed(d, s, next, 1, 1, func(_ int, j Judgement) { got = j.Expected })
		feed(twin, p, next, 1, 1, func(_ int, j Judgement) { want = j.Expected })
		if moved := got/want - 1; math.Abs(moved) > 0.05 {
			t.Errorf("%s: the baseline moved by %.1f %% of an incident of +100 %%", kind, 100*moved)
		}
	}
}

func TestLevelShiftIsAccepted(t *testing.T) {
	for _, kind := range []Kind{Latency, Ratio} {
		d, s := newDetector(t, usual(kind, time.Minute)), newSource(kind, time.Minute, 5)
		fault := 1.5
		if kind == Ratio {
			fault = -0.2
		}
		next := feed(d, s, monday, 14*1440, normal(kind), nil)
		over := -1
		next = feed(d, s, next, 12*60, fault, func(i int, j Judgement) {
			if i > 60 && j.State == Normal && over < 0 {
				over = i
			}
		})
		if over < 350 || over > 375 {
			t.Errorf("%s: accepted after %d minutes, want about 360", kind, over)
		}
		anomalous := 0
		feed(d, s, next, 12*60, fault, func(_ int, j Judgement) {
			if j.State == Anomalous {
				anomalous++
			}
		})
		if anomalous > 60 {
			t.Errorf("%s: anomalous in %d of 720 minutes after the acceptance", kind, anomalous)
		}
	}
}

func TestAccept(t *testing.T) {
	for _, kind := range kinds {
		fault := 2.0
		if kind == Ratio {
			fault = -0.3
		}
		for _, tc := range []struct {
			step           time.Duration
			healthy, after int // samples
			age            []int
		}{
			{time.Minute, 7 * 1440, 120, []int{3, 10, 70}},
			{5 * time.Second, 17280, 600, []int{4, 10, 70, 800}},
		} {
			for _, age := range tc.age {
				d, s := newDetector(t, usual(kind, tc.step)), newSource(kind, tc.step, 5)
				next := feed(d, s, monday, tc.healthy, normal(kind), nil)
				next = feed(d, s, next, age, fault, nil)
				d.Accept()
				feed(d, s, next, tc.after, fault, func(i int, j Judgement) {
					if j.State != Normal {
						t.Fatalf("%s every %s: %s %d samples after the level of %d samples was accepted: %+v", kind, tc.step, j.State, i, age, j)
					}
				})
			}
		}
	}
}

func TestNightlyJobBecomesKnown(t *testing.T) {
	d, s := newDetector(t, usual(Rate, time.Minute)), newSource(Rate, time.Minute, 7)
	at := feed(d, s, monday, 20*1440, 1, nil)
	var alarms []int
	for night := range 14 {
		alarm := false
		for minute := range 1440 {
			fault := 1.0
			if minute >= 185 && minute < 205 {
				fault = 4
			}
			alarm = d.Update(s.at(at, fault)).State == Anomalous || alarm
			at = at.Add(time.Minute)
		}
		if alarm {
			alarms = append(alarms, night)
		}
	}
	if len(alarms) < 1 || len(alarms) > 6 {
		t.Errorf("a new nightly job alarms in the nights %v, want the first ones only", alarms)
	}
}

func TestDaylightSaving(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o := usual(Rate, time.Minute)
	o.Location = berlin
	d, s := newDetector(t, o), newSource(Rate, time.Minute, 1)
	s.loc = berlin
	// The clocks change on Sunday, 29 March 2026.
	next := feed(d, s, monday, 27*1440, 1, nil)
	feed(d, s, next, 3*1440, 1, func(_ int, j Judgement) {
		if j.State == Anomalous {
			t.Fatalf("anomalous at %s: %+v", j.Time.In(berlin), j)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]Options{
		"kind":                {Direction: Up, Step: time.Minute},
		"direction":           {Kind: Gauge, Step: time.Minute},
		"step":                {Kind: Gauge, Direction: Up},
		"ratio given a load":  {Kind: Ratio, Direction: Up, Step: time.Minute, Conditioned: true},
		"negative min_effect": {Kind: Gauge, Direction: Up, Step: time.Minute, MinEffect: MinEffect{Relative: -1}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: New gives no error", name)
		}
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add(uint8(0), false, int64(60), 1.0, 0.0, nan, nan)
	f.Add(uint8(1), true, int64(5), 0.0, 1e300, 10.0, 0.0)
	f.Add(uint8(2), false, int64(300), 0.5, 1.0, 0.0, nan)
	f.Add(uint8(3), true, int64(60), -1e30, math.Inf(1), 1e-300, 1e30)
	f.Fuzz(func(t *testing.T, kind uint8, conditioned bool, step int64, a, b, support, given float64) {
		o := usual(kinds[int(kind)%len(kinds)], time.Duration(1+(step&0xffff))*time.Second)
		o.Conditioned = conditioned && o.Kind != Ratio
		d, err := New(o)
		if err != nil {
			t.Skip()
		}
		for i := range 300 {
			v := a
			if i%3 == 2 || i > 200 {
				v = b
			}
			checkSound(t, d.Update(Sample{Time: monday.Add(time.Duration(i) * o.Step), Value: v, Support: support, Given: given}))
		}
	})
}

func TestSensitivityFor(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for _, tc := range []struct {
		name   string
		kind   Kind
		step   time.Duration
		period time.Duration
		want   float64
	}{
		{"a fortnight", Latency, time.Minute, 2 * week, 3.061},
		{"half a year", Latency, time.Minute, 26 * week, 4.342},
		{"more samples do not err more", Latency, 5 * time.Second, 26 * week, 4.342},
		{"fewer samples err less", Latency, 5 * time.Minute, 26 * week, 3.538},
		{"a ratio errs more when it is eager", Ratio, time.Minute, 2 * week, 3.367},
		{"and less when it is not", Ratio, time.Minute, 26 * week, 4.251},
		{"a minute", Rate, time.Minute, time.Minute, 3},
		{"for ever", Ratio, time.Minute, 1 << 62, 6.209},
		{"no period", Gauge, time.Minute, 0, DefaultSensitivity},
	} {
		got := SensitivityFor(Options{Kind: tc.kind, Step: tc.step}, tc.period)
		if math.Abs(got-tc.want) > 0.01 {
			t.Errorf("%s: %.3f, want %g", tc.name, got, tc.want)
		}
	}
}

func TestPeriodFor(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for _, step := range []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute} {
		for _, kind := range []Kind{Latency, Ratio, Gauge} {
			o := Options{Kind: kind, Step: step}
			period := 104 * week
			o.Sensitivity = SensitivityFor(o, period)
			if ratio := float64(PeriodFor(o)) / float64(period); math.Abs(ratio-1) > 1e-6 {
				t.Errorf("%s every %s: %s came back as %s", kind, step, period, PeriodFor(o))
			}
		}
	}
	if got := PeriodFor(Options{Kind: Ratio, Step: time.Minute, Sensitivity: 12}); got != math.MaxInt64 {
		t.Errorf("at sensitivity 12: %s, want the longest period", got)
	}
	if got := PeriodFor(Options{Kind: Ratio, Sensitivity: 4.5}); got != 0 {
		t.Errorf("without a step: %s, want 0", got)
	}
}
