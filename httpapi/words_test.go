package httpapi

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/series"
	"tidemark/signal"
)

func TestSpan(t *testing.T) {
	for _, tc := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 s"},
		{400 * time.Millisecond, "0 s"},
		{42 * time.Second, "42 s"},
		{time.Minute, "1 min"},
		{6*time.Minute + 50*time.Second, "6 min 50 s"},
		{2*time.Hour + 5*time.Minute + 59*time.Second, "2 h 5 min"},
		{76*time.Hour + 30*time.Minute, "3 d 4 h"},
		{24 * time.Hour, "1 d"},
	} {
		if got := span(tc.d); got != tc.want {
			t.Errorf("span(%s): got %q, want %q", tc.d, got, tc.want)
		}
	}
}

func TestCount(t *testing.T) {
	for _, tc := range []struct {
		n           int
		thing, want string
	}{
		{1, "signal", "1 signal"}, {0, "signal", "0 signals"}, {2, "series", "2 series"}, {1, "active anomaly", "1 active anomaly"}, {3, "active anomaly", "3 active anomalies"},
	} {
		if got := count(tc.n, tc.thing); got != tc.want {
			t.Errorf("count(%d, %q): got %q, want %q", tc.n, tc.thing, got, tc.want)
		}
	}
}

func TestPairs(t *testing.T) {
	got := pairs(model.LabelSet{"b": "2", "a": "1", "service": "shop", "zone": "x"}, model.LabelSet{"service": "shop", "zone": "y"})
	want := []pair{{"a", "1"}, {"b", "2"}, {"zone", "x"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
}

func TestReading(t *testing.T) {
	inf := math.Inf(1)
	ratio := signal.Signal{Kind: detector.Ratio}
	rate := signal.Signal{Kind: detector.Rate}
	latency := signal.Signal{Kind: detector.Latency}
	for _, tc := range []struct {
		name                                  string
		sig                                   signal.Signal
		value, expected, lower, upper, score  float64
		direction                             detector.Direction
		wantValue, wantExpected, wantBand     string
		wantDeviation, wantScore, wantArrow   string
		wantPlot, wantOutside, wantIsExpected bool
	}{
		{"ratio", ratio, 0.41, 0.93, 0.9, 0.95, -11.5, detector.Down, "41 %", "93 %", "90 to 95 %", "−52 points", "−11.5", "↓", true, true, true},
		{"small ratio", ratio, 0.025, 0.02, 0.01, 0.03, 0.5, "", "2.5 %", "2 %", "1 to 3 %", "+0.5 points", "0.5", "", true, false, true},
		{"rate", rate, 306, 104, 85, 130, 14, detector.Up, "306/s", "104/s", "85 to 130/s", "2.9×", "14.0", "↑", true, true, true},
		{"many times", rate, 2080, 104, 85, 130, 99, detector.Up, "2080/s", "104/s", "85 to 130/s", "20×", "99.0", "↑", true, true, true},
		{"latency of two units", latency, 1.2, 0.9, 0.8, 1.1, 3, detector.Up, "1.2 s", "900 ms", "800 ms to 1.1 s", "+33 %", "3.0", "↑", true, true, true},
		{"gap", rate, nan, 104, 85, 130, nan, detector.Down, "no value", "104/s", "85 to 130/s", "–", "–", "", false, false, false},
		{"learning", rate, 3, nan, nan, nan, nan, "", "3/s", "–", "", "–", "–", "", false, false, false},
		{"nothing expected", rate, 3, 0, 0, 1, 5, detector.Up, "3/s", "0/s", "0 to 1/s", "–", "5.0", "↑", true, true, true},
		{"open above", rate, 3, 4, 2, inf, 0, "", "3/s", "4/s", "from 2/s", "−25 %", "0.0", "", true, false, true},
		{"open below", rate, 3, 4, -inf, 5, 0, "", "3/s", "4/s", "up to 5/s", "−25 %", "0.0", "", true, false, true},
		{"constant", rate, 3, 3, 3, 3, 0, "", "3/s", "3/s", "3 to 3/s", "+0 %", "0.0", "", false, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := read(tc.sig, tc.value, tc.expected, tc.lower, tc.upper, tc.score, tc.direction)
			got := []string{r.Value, r.Expected, r.Band, r.Deviation, r.Score, r.Arrow}
			want := []string{tc.wantValue, tc.wantExpected, tc.wantBand, tc.wantDeviation, tc.wantScore, tc.wantArrow}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
			if (r.Plot != nil) != tc.wantPlot {
				t.Fatalf("plot: got %+v, want one: %t", r.Plot, tc.wantPlot)
			}
			if r.Plot != nil && (r.Plot.Outside != tc.wantOutside || r.Plot.HasExpected != tc.wantIsExpected) {
				t.Errorf("plot: got %+v, want outside %t and expected %t", r.Plot, tc.wantOutside, tc.wantIsExpected)
			}
		})
	}
}

// FuzzPlot checks that a plot never leaves its picture, whatever the numbers.
func FuzzPlot(f *testing.F) {
	f.Add(0.41, 0.93, 0.9, 0.95)
	f.Add(math.MaxFloat64, -math.MaxFloat64, math.Inf(-1), math.Inf(1))
	f.Add(5e-324, 0.0, 0.0, 0.0)
	f.Add(1.0, math.NaN(), 3.0, 2.0)
	f.Fuzz(func(t *testing.T, value, expected, lower, upper float64) {
		p := newPlot(value, expected, lower, upper)
		if p == nil {
			return
		}
		xs := []float64{p.BandX, p.BandX + p.BandW, p.ValueX}
		if p.HasExpected {
			xs = append(xs, p.ExpectedX)
		}
		for _, x := range xs {
			if !series.Finite(x) || x < 0 || x > plotWidth {
				t.Errorf("newPlot(%g, %g, %g, %g): got %+v, want all within 0 to %d", value, expected, lower, upper, p, plotWidth)
			}
		}
	})
}
