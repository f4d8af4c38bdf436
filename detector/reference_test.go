package detector

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
	"time"
)

// reference are numbers of testdata/reference/reference.py.
type reference struct {
	Histogram struct {
		Sample []float64
		Upper  map[string]float64
	}
	Binomial []struct{ N, P, K, Closed, Exact float64 }
	Minimum  []struct{ K, P, Z float64 }
	Mean     []struct {
		Rho, Width float64
		N          int
	}
	Surprise    []struct{ Z, Line, True float64 }
	SigmaPerMAD float64 `json:"sigma_per_mad"`
}

func readReference(t *testing.T) reference {
	t.Helper()
	data, err := os.ReadFile("testdata/reference/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %g, want %g ± %g", what, got, want, tolerance)
	}
}

func TestHistogramQuantiles(t *testing.T) {
	r := readReference(t)
	var h histogram
	for i, z := range r.Histogram.Sample {
		h.add(z, 1, tailGrowth(i+1, 1e9))
	}
	for p, want := range r.Histogram.Upper {
		share, err := strconv.ParseFloat(p, 64)
		if err != nil {
			t.Fatal(err)
		}
		// A bin is 9 % wide.
		near(t, "the upper "+p+" quantile", h.upper(share), want, 0.04*want)
	}
}

func TestHistogramForgets(t *testing.T) {
	var h histogram
	for i := range 20000 {
		h.add(10, 1, tailGrowth(i+1, 1000))
	}
	for i := range 10000 {
		h.add(1, 1, tailGrowth(20000+i+1, 1000))
	}
	if got := h.upper(tailRare); got > 1.2 {
		t.Errorf("the upper 0.5 %% is %g after ten memories of 1, want about 1", got)
	}
}

func TestBinomialDeviation(t *testing.T) {
	h := newRatio(Options{}, newPace(time.Minute))
	h.allK, h.seen = 1e12, 1e6 // no doubt about p
	for _, row := range readReference(t).Binomial {
		got := stabilised(row.K, row.N*row.P, row.N, h.phi)
		near(t, "the deviation", got, row.Closed, 1e-6*math.Abs(row.Closed))
		near(t, "the deviation", got, row.Exact, 0.25+0.05*math.Abs(row.Exact))
	}
}

func TestPriorOfTheRun(t *testing.T) {
	for _, row := range readReference(t).Minimum {
		want := math.Max(row.Z, 0)
		near(t, "the quantile", normalUpper(math.Pow(row.P, 1/row.K)), want, 1e-6)
	}
}

func TestPriorOfTheMeans(t *testing.T) {
	c := newContinuous(usual(Latency, time.Minute), newPace(time.Minute))
	e := newEvidence(newPace(time.Minute))
	for _, row := range readReference(t).Mean {
		c.following = quotient{row.Rho, 1}
		i := short
		if row.N == 60 {
			i = long
		}
		// The closed form is the limit of many samples; it is wider.
		got := c.prior(i, &e).common / (priorWidth * normalUpper(tailCommon))
		near(t, "the width", got, row.Width, 0.3*row.Width)
		n := float64(row.N)
		near(t, "the significance of a mean of 1", c.significance(tally{n}, row.N), 1/row.Width, 1e-9)
	}
}

func TestSurprise(t *testing.T) {
	normal := newTail(normalUpper(tailCommon), normalUpper(tailRare))
	r := readReference(t)
	for _, row := range r.Surprise {
		got := normal.surprise(row.Z)
		near(t, "the surprise", got, row.Line, 1e-9)
		if got > row.True+0.15 {
			t.Errorf("the surprise of %g is %g, but the truth is %g: it must not promise more", row.Z, got, row.True)
		}
		near(t, "the level of the surprise", normal.level(got), row.Z, 1e-9)
	}
	for _, z := range []float64{math.NaN(), -1, 0} {
		if got := normal.surprise(z); got != 0 {
			t.Errorf("the surprise of %g is %g, want 0", z, got)
		}
	}
	if got := normal.surprise(math.Inf(1)); got != maxSurprise {
		t.Errorf("the surprise of +Inf is %g, want %g", got, maxSurprise)
	}
	near(t, "the standard deviation per mean magnitude", sigmaPerMAD, r.SigmaPerMAD, 1e-5)
}
