package detector

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/stat"
)

// genericDays feeds days of a noisy daily rhythm at 5 minutes, changed by f,
// and returns the judgements.
func genericDays(days int, f func(i int, v float64) float64) []GenericJudgement {
	const perDay = 24 * 12
	g := NewGeneric(5*time.Minute, nil)
	rng := rand.New(rand.NewPCG(7, 1))
	begin := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	var out []GenericJudgement
	for i := range days * perDay {
		v := 100 + 40*math.Sin(2*math.Pi*float64(i)/perDay) + 3*rng.NormFloat64()
		out = append(out, g.Update(begin.Add(time.Duration(i)*5*time.Minute), f(i, v)))
	}
	return out
}

// anomalies returns the indexes of the judgements that are one, from a sample
// on.
func anomalies(js []GenericJudgement, from int) []int {
	var out []int
	for i, j := range js {
		if i >= from && j.State == Anomalous {
			out = append(out, i)
		}
	}
	return out
}

func TestGenericFinds(t *testing.T) {
	const at = 10*288 + 100 // in the eleventh day
	for _, tc := range []struct {
		name   string
		change func(i int, v float64) float64
		within int // samples, −1 for never
	}{
		{"nothing", func(_ int, v float64) float64 { return v }, -1},
		{"spike", func(i int, v float64) float64 {
			if i == at {
				return v + 100
			}
			return v
		}, 0},
		{"level", func(i int, v float64) float64 {
			if i >= at {
				return v + 50
			}
			return v
		}, 12},
		{"unusual hour", func(i int, v float64) float64 { // the night's level by day, well inside the range
			if i >= at && i < at+36 {
				return v - 60
			}
			return v
		}, 12},
		{"flat line", func(i int, v float64) float64 {
			if i >= at {
				return 120
			}
			return v
		}, 48},
	} {
		t.Run(tc.name, func(t *testing.T) {
			js := genericDays(12, tc.change)
			got := anomalies(js, 5*288)
			switch {
			case tc.within < 0 && len(got) > 0:
				t.Errorf("got anomalies at %v, want none", got)
			case tc.within >= 0 && (len(got) == 0 || got[0] < at || got[0] > at+tc.within):
				t.Errorf("got anomalies at %v, want the first one from %d to %d", got, at, at+tc.within)
			}
			for i := 1; i < len(got); i++ {
				if got[i]-got[i-1] <= int(quietFor/(5*time.Minute)) && js[got[i]].Surprise <= louder*js[got[i-1]].Surprise {
					t.Errorf("got anomalies at %d and %d, which is one told twice", got[i-1], got[i])
				}
			}
		})
	}
}

// TestGenericAtCoarseSteps feeds three weeks of hours.
func TestGenericAtCoarseSteps(t *testing.T) {
	const day, perDay = 4, 24 // of the fault, still young
	var js []GenericJudgement
	run := func(change func(i int, v float64) float64) []int {
		g := NewGeneric(time.Hour, nil)
		rng := rand.New(rand.NewPCG(11, 1))
		begin := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		js = nil
		for i := range 21 * perDay {
			v := 100 + 40*math.Sin(2*math.Pi*float64(i)/perDay) + 3*rng.NormFloat64()
			js = append(js, g.Update(begin.Add(time.Duration(i)*time.Hour), change(i, v)))
		}
		return anomalies(js, 0)
	}
	if got := run(func(_ int, v float64) float64 { return v }); len(got) > 1 {
		t.Errorf("nothing: got anomalies at %v, want one at most", got)
	}
	for i, j := range js[5*perDay:] {
		if !(j.Lower < j.Value && j.Value < j.Upper) || math.Abs(j.Expected-j.Value) > 15 || j.Upper-j.Lower > 110 {
			t.Errorf("nothing: got band %g, %g, %g of value %d, %g", j.Lower, j.Expected, j.Upper, i, j.Value)
		}
	}
	faults := []int{day*perDay + 10, 8*perDay + 22, 12 * perDay, 18*perDay + 15}
	got := run(func(i int, v float64) float64 {
		for _, f := range faults {
			if i >= f && i < f+4 {
				return v + 150
			}
		}
		return v
	})
	for _, f := range faults {
		if !slices.ContainsFunc(got, func(i int) bool { return i >= f && i < f+4 }) {
			t.Errorf("got anomalies at %v, want one from %d to %d", got, f, f+3)
		}
	}
}

// TestFineStepsAreDiscounted tells one of two judges that it is given five times
// as many samples, of which each teaches as much.
func TestFineStepsAreDiscounted(t *testing.T) {
	usual, finer := newFine(5*time.Minute, genericBin), newFine(time.Minute, genericBin)
	usual.hours.size, finer.hours.size = math.MaxInt, math.MaxInt
	finer.forget = usual.forget
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 2000 {
		j := GenericJudgement{Value: rng.ExpFloat64()}
		a, b := usual.judge(&j, 0), finer.judge(&j, 0)
		if want := math.Max(0, a-2*math.Log10(5)); math.Abs(b-want) > 1e-9 {
			t.Fatalf("sample %d: got surprise %g, want %g", i, b, want)
		}
	}
}

// TestCoarseDistance gives samples whose level, usual values and jumps are known.
func TestCoarseDistance(t *testing.T) {
	for _, tc := range []struct {
		name     string
		value    float64
		distance float64 // in usual jumps
	}{
		{"like the level", 101, 0},
		{"like the day", 110, 0},
		{"in between", 105, 0},
		{"above both", 126, 8},
		{"below both", 91, -5},
		{"far above both", 312, 101},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCoarse(time.Hour, coarseLevel, coarseJumps)
			c.seen = 3 * coarseNeeded // to be trusted by three quarters
			for range coarseLevel {
				c.level.push(101)
			}
			c.ofDay[0] = pastDays{[ofDayFor]float32{110, 110, 110}, 3}
			for i := range 100 {
				c.jumps.push(float64(i / 94 * 2)) // of which 6 % are 2
				c.newest.push(0)
			}
			j := GenericJudgement{Value: tc.value}
			got := c.judge(&j, 0)
			want := math.Min(genericFull, coarseSurprise*0.75*math.Abs(tc.distance))
			if math.Abs(got-want) > 1e-9 {
				t.Errorf("got surprise %g, want %g", got, want)
			}
			reach := 2 * GenericThreshold / coarseSurprise / 0.75
			if diff := cmp.Diff([]float64{110, 101 - reach, 110 + reach}, []float64{j.Expected, j.Lower, j.Upper}, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Errorf("band (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCoarseAnomalyIsToldOnce feeds an anomaly that pauses.
func TestCoarseAnomalyIsToldOnce(t *testing.T) {
	for pause, want := range map[int][]int{0: {200}, 1: {200}, 2: {200, 205}, 5: {200, 208}} {
		g := NewGeneric(time.Hour, nil)
		rng := rand.New(rand.NewPCG(6, 3))
		var got []int
		for i := range 300 {
			v := 20 + rng.NormFloat64()
			if i >= 200 && i < 203 || i >= 203+pause && i < 206+pause {
				v = 50
			}
			if g.Update(time.Unix(int64(3600*i), 0), v).State == Anomalous {
				got = append(got, i)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pause of %d samples (-want +got):\n%s", pause, diff)
		}
	}
}

// TestCoarseSeesThroughDisturbances feeds a series that is disturbed a fifth
// of its time, and finds the next disturbance all the same.
func TestCoarseSeesThroughDisturbances(t *testing.T) {
	g := NewGeneric(time.Hour, nil)
	rng := rand.New(rand.NewPCG(6, 1))
	disturbed := func(i int) bool { return i > 100 && i%53 < 10 } // for ten hours, at changing times of the day
	found, falsely := map[int]bool{}, 0
	for i := range 40 * 24 {
		v := 20 + rng.NormFloat64()
		if disturbed(i) {
			v += 12
		}
		if g.Update(time.Unix(int64(3600*i), 0), v).State == Anomalous {
			if disturbed(i) {
				found[i/53] = true
			} else {
				falsely++
			}
		}
	}
	if len(found) < 15 || falsely > 1 {
		t.Errorf("found %d of 17 disturbances, and %d that are none, want 15 and 1 at most", len(found), falsely)
	}
}

// TestCoarseGetsUsedTo feeds changes that stay.
func TestCoarseGetsUsedTo(t *testing.T) {
	const change, days = 20 * 24, 80
	rng := rand.New(rand.NewPCG(6, 2))
	for name, next := range map[string]func(i int) float64{
		"level":             func(int) float64 { return 50 + rng.NormFloat64() },
		"level of constant": func(int) float64 { return 50 },
		"noise":             func(int) float64 { return 20 + 9*rng.NormFloat64() },
		"bursts":            func(int) float64 { return 20 + float64(rng.IntN(8)/7*100) },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewGeneric(time.Hour, nil)
			first, late := 0, 0
			for i := range days * 24 {
				v := 20.0
				if i >= change {
					v = next(i)
				} else if name != "level of constant" {
					v += 0.5 * rng.NormFloat64()
				}
				if g.Update(time.Unix(int64(3600*i), 0), v).State == Anomalous {
					switch {
					case i < change:
						t.Errorf("got an anomaly at %d, before the change", i)
					case i < change+24:
						first++
					case i >= (days-20)*24:
						late++
					}
				}
			}
			if first == 0 || late > 3 {
				t.Errorf("got %d anomalies on the day of the change and %d in the last 20 days, want some and 3 at most", first, late)
			}
		})
	}
}

// TestHourlyFindsWhatLasts doubles a rate with a daily rhythm, and quiet weekends
// that its expectation of a day does not know, for an hour of every other day.
func TestHourlyFindsWhatLasts(t *testing.T) {
	const perDay, days = 24 * 12, 28
	run := func(factor float64) (found, falsely int) {
		g := NewGeneric(5*time.Minute, nil)
		rng := rand.New(rand.NewPCG(9, 3))
		local := 0.0
		for i := range days * perDay {
			day, at := i/perDay, i%perDay
			local = 0.85*local + 0.03*rng.NormFloat64()
			v := 50 * (1 + 0.6*math.Sin(2*math.Pi*float64(at)/perDay)) * math.Exp(local+0.02*rng.NormFloat64())
			if day%7 >= 5 {
				v *= 0.6
			}
			faulty := day >= 10 && day%2 == 0 && at >= perDay/2 && at < perDay/2+12
			if faulty {
				v *= factor
			}
			if g.Update(time.Unix(int64(300*i), 0), v).State == Anomalous {
				if faulty {
					found++
				} else {
					falsely++
				}
			}
		}
		return found, falsely
	}
	if found, falsely := run(2); found < 4 || falsely > 5 {
		t.Errorf("got %d of 9 faults, and %d anomalies that are none, want 4 and 5 at most", found, falsely)
	}
	if _, falsely := run(1); falsely > 5 {
		t.Errorf("without faults: got %d anomalies, want 5 at most", falsely)
	}
}

// TestHourlyJudgesMeans feeds hours of which one is higher on average, and one has
// a single sample that is.
func TestHourlyJudgesMeans(t *testing.T) {
	h := newHourly(20 * time.Minute)
	rng := rand.New(rand.NewPCG(9, 4))
	for i := range 3 * 24 * 10 {
		v := 100 + rng.NormFloat64()
		if i/3 == 200 {
			v += 20
		}
		if i == 3*220+1 {
			v += 6
		}
		got := h.judge(v, i/3%24)
		switch {
		case i%3 < 2 && got != 0:
			t.Errorf("sample %d, within an hour: got surprise %g, want 0", i, got)
		case i == 3*200+2 && got < GenericThreshold, i != 3*200+2 && got >= GenericThreshold:
			t.Errorf("sample %d: got surprise %g, want one beyond %g at %d only", i, got, GenericThreshold, 3*200+2)
		}
	}
}

func TestGenericBandHoldsWhatIsUsual(t *testing.T) {
	js := genericDays(12, func(_ int, v float64) float64 { return v })
	inside, n := 0, 0
	for _, j := range js[5*288:] {
		n++
		if j.Lower <= j.Value && j.Value <= j.Upper {
			inside++
		}
		if !(j.Lower < j.Expected && j.Expected < j.Upper) || math.Abs(j.Expected-j.Value) > 25 {
			t.Fatalf("got band %g, %g, %g of value %g", j.Lower, j.Expected, j.Upper, j.Value)
		}
	}
	if n-inside > n/1000 {
		t.Errorf("%d of %d usual values lie outside the band", n-inside, n)
	}
}

// TestGenericExpectsWhatDaysHad feeds noise. What is expected in a part of the day
// rests on days, at any step, not on the last minutes of yesterday's.
func TestGenericExpectsWhatDaysHad(t *testing.T) {
	for _, step := range []time.Duration{15 * time.Second, time.Minute} {
		g := NewGeneric(step, nil)
		rng := rand.New(rand.NewPCG(7, 4))
		perDay := int(24 * time.Hour / step)
		square, n := 0.0, 0
		for i := range 7 * perDay {
			j := g.Update(time.Unix(0, 0).Add(time.Duration(i)*step), 100+rng.NormFloat64())
			if i >= 5*perDay {
				square += (j.Expected - 100) * (j.Expected - 100)
				n++
			}
		}
		if got := math.Sqrt(square / float64(n)); got > 0.2 {
			t.Errorf("step %s: what is expected is off by %.2f standard deviations of the noise, want at most 0.2", step, got)
		}
	}
}

func TestGenericLearnsFirst(t *testing.T) {
	for step, learning := range map[time.Duration]int{
		15 * time.Second: 4 * 60 * 8, 5 * time.Minute: noveltyAfter, 15 * time.Minute: noveltyAfter, time.Hour: coarseNeeded, 6 * time.Hour: coarseNeeded,
	} {
		g := NewGeneric(step, nil)
		rng := rand.New(rand.NewPCG(7, 2))
		for i := range learning + 1 {
			v := 100 + 3*rng.NormFloat64()
			if i == learning/2 {
				v = 1e6
			}
			j := g.Update(time.Unix(0, 0).Add(time.Duration(i)*step), v)
			if learns := i < learning; learns != (j.State == Learning) || learns && j.Score() != 0 {
				t.Fatalf("step %s, sample %d: got %s with score %g, want learning with 0: %t", step, i, j.State, j.Score(), learns)
			}
		}
	}
}

func TestGenericTakesGapsForNothing(t *testing.T) {
	g := NewGeneric(time.Minute, nil)
	h := NewGeneric(time.Minute, nil)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 2000 {
		at := time.Unix(int64(60*i), 0)
		for _, gap := range []float64{math.NaN(), math.Inf(1), -math.MaxFloat64} {
			if j := g.Update(at, gap); j.State != Unknown || j.Score() != 0 {
				t.Fatalf("gap %g: got %s with score %g, want unknown with 0", gap, j.State, j.Score())
			}
		}
		v := rng.ExpFloat64()
		if a, b := g.Update(at, v), h.Update(at, v); a.Surprise != b.Surprise || a.State != b.State {
			t.Fatalf("sample %d: got %v with gaps, %v without", i, a, b)
		}
	}
}

// TestGenericIsNeverNaN feeds series that make scales vanish or overflow.
func TestGenericIsNeverNaN(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, next := range map[string]func(i int) float64{
		"constant":        func(int) float64 { return 5 },
		"zero, then one":  func(i int) float64 { return float64(i / 1500) },
		"two values":      func(i int) float64 { return float64(i % 2) },
		"mostly zero":     func(i int) float64 { return float64(max(0, rng.IntN(200)-198)) },
		"huge":            func(int) float64 { return 1e30 * (2*rng.Float64() - 1) },
		"tiny":            func(int) float64 { return 1e-300 * rng.Float64() },
		"all magnitudes":  func(int) float64 { return math.Exp(60 * rng.NormFloat64()) },
		"growing counter": func(i int) float64 { return 1e12 + float64(i) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, step := range []time.Duration{time.Second, 7 * time.Minute, 45 * time.Minute, time.Hour, 7 * time.Hour, 48 * time.Hour} {
				g := NewGeneric(step, time.FixedZone("", 5*3600+1800))
				for i := range 3000 {
					j := g.Update(time.Unix(0, 0).Add(time.Duration(i)*step), next(i))
					if s := j.Score(); !(s >= 0 && s <= 1) || math.IsNaN(j.Surprise) || j.Lower > j.Upper {
						t.Fatalf("step %s, sample %d: got %+v with score %g", step, i, j, s)
					}
				}
			}
		})
	}
}

// doubles returns the values of a window, sorted.
func doubles(w *window) []float64 {
	out := make([]float64, w.len())
	for i := range out {
		out[i] = w.at(i)
	}
	return out
}

func TestWindowIsSortedCopyOfTheNewest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	w := newWindow(50)
	var all []float64
	for i := range 500 {
		v := math.Round(10*rng.NormFloat64()) / 4 // with ties
		old, left := w.push(v)
		all = append(all, v)
		if left != (i >= 50) || left && old != all[i-50] {
			t.Fatalf("value %d: %g left (%t), want that of 50 before", i, old, left)
		}
		want := slices.Sorted(slices.Values(all[max(0, i-49):]))
		if got := doubles(w); !slices.Equal(got, want) {
			t.Fatalf("value %d: got %v, want %v", i, got, want)
		}
		distances := make([]float64, len(want))
		for k, x := range want {
			distances[k] = math.Abs(x - 0.3)
		}
		slices.Sort(distances)
		if got, want := w.deviation(0.3), distances[len(distances)/2]; math.Abs(got-want) > 1e-12 {
			t.Fatalf("value %d: got deviation %g, want %g", i, got, want)
		}
		if got, want := w.quantile(0.5), (want[(len(want)-1)/2]+want[len(want)/2])/2; math.Abs(got-want) > 1e-12 {
			t.Fatalf("value %d: got median %g, want %g", i, got, want)
		}
	}
}

func TestJumpWindowIsSortedCopyOfTheNewest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	w := newJumpWindow(50)
	var all []float64
	for i := range 500 {
		v := math.Abs(rng.NormFloat64()) * math.Exp2(float64(i%200-100))
		switch i % 7 {
		case 0:
			v = 0
		case 1:
			v = 4e30
		}
		w.push(v)
		all = append(all, v)
		want := slices.Sorted(slices.Values(all[max(0, i-49):]))
		if got := w.len(); got != len(want) {
			t.Fatalf("value %d: got %d values, want %d", i, got, len(want))
		}
		for k, v := range want {
			if got := w.at(k); math.Abs(got-v) > 0.0014*v {
				t.Fatalf("value %d: got %g at %d, want %g", i, got, k, v)
			}
		}
		if got, want := w.quantile(1), want[len(want)-1]; math.Abs(got-want) > 0.0014*want {
			t.Fatalf("value %d: got largest %g, want %g", i, got, want)
		}
		at := (len(want) - 1) / 2
		if got, low, high := w.quantile(0.5), w.at(at), w.at(len(want)/2); math.Abs(got-(low+high)/2) > 1e-9*high {
			t.Fatalf("value %d: got median %g, want it between %g and %g", i, got, low, high)
		}
	}
}

func TestDistanceIsKolmogorovSmirnov(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, round := range []float64{1e6, 2} { // without and with ties
		a, b := newWindow(24), newWindow(300)
		for i := range 600 {
			b.push(math.Round(round*rng.NormFloat64()) / round)
			a.push(math.Round(round*(rng.NormFloat64()*1.5+0.3)) / round)
			got, want := distance(a, b), stat.KolmogorovSmirnov(doubles(a), nil, doubles(b), nil)
			if math.Abs(got-want) > 1e-12 {
				t.Fatalf("after %d values: got %g, want %g", i+1, got, want)
			}
		}
	}
}

func TestSurpriseIsMinusLogOfProbability(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, tc := range []struct {
		name string
		draw func() float64
		tail func(z float64) float64 // probability of z or more
	}{
		{"exponential", rng.ExpFloat64, func(z float64) float64 { return math.Exp(-z) }},
		{"normal", func() float64 { return math.Abs(rng.NormFloat64()) }, func(z float64) float64 { return math.Erfc(z / math.Sqrt2) }},
		{"heavy", func() float64 { return math.Pow(1-rng.Float64(), -0.25) }, func(z float64) float64 { return math.Pow(z, -4) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSurpriseTail(math.Inf(1))
			for range 40000 {
				s.add(tc.draw())
			}
			last := 0.0
			for z := 0.1; z < 4; z += 0.1 {
				got, p := s.surprise(z), tc.tail(z)
				if p > 1 {
					continue
				}
				if want := -math.Log10(p); want < 3.5 && math.Abs(got-want) > 0.1+0.15*want {
					t.Errorf("surprise of %.1f: got %.2f, want about %.2f", z, got, want)
				}
				if got < last-0.05 {
					t.Errorf("surprise falls from %.2f to %.2f at %.1f", last, got, z)
				}
				last = got
			}
			for _, p := range []float64{2, 3.3, GenericThreshold} {
				if got := s.surprise(s.level(p)); math.Abs(got-p) > 1e-6 {
					t.Errorf("surprise at level %g: got %g", p, got)
				}
			}
			if got := s.surprise(math.Inf(1)); got != genericCap {
				t.Errorf("surprise of infinity: got %g, want %g", got, genericCap)
			}
		})
	}
	empty := newSurpriseTail(1)
	if got := empty.surprise(5); got != 0 {
		t.Errorf("surprise without a past: got %g, want 0", got)
	}
	if got := empty.level(5); !math.IsNaN(got) {
		t.Errorf("level without a past: got %g, want NaN", got)
	}
}

func BenchmarkGeneric(b *testing.B) {
	for _, step := range []time.Duration{time.Minute, time.Hour} {
		b.Run(step.String(), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 9))
			values := make([]float64, 4096)
			for i := range values {
				values[i] = 100 + rng.NormFloat64()
			}
			g := NewGeneric(step, nil)
			at := time.Unix(0, 0)
			next := func(i int) {
				at = at.Add(step)
				g.Update(at, values[i%len(values)])
			}
			for i := range values {
				next(i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				next(i)
			}
			b.ReportMetric(float64(genericBytes(step)), "B/series")
		})
	}
}

// genericBytes returns what a Generic takes on the heap.
func genericBytes(step time.Duration) uint64 {
	const n = 1000
	var before, after runtime.MemStats
	keep := make([]*Generic, n)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range keep {
		keep[i] = NewGeneric(step, nil)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(keep)
	return (after.HeapAlloc - before.HeapAlloc) / n
}
