package signal

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/detector"
)

var defaults = Defaults{Scope: []string{"service"}, Step: time.Minute, Sensitivity: 4.5}

func TestStandardSignalsAreComplete(t *testing.T) {
	for name := range Standard {
		s := Signal{Name: name, Query: "up"}
		if err := s.Complete(defaults); err != nil {
			t.Errorf("the standard signal needs more than a query: %v", err)
		}
	}
}

func TestCompleteKeepsWhatIsSaid(t *testing.T) {
	s := Signal{
		Name: "cache_hit_ratio", Query: "up", Title: "hits", Kind: detector.Gauge, Component: Application,
		Direction: detector.Both, Scope: []string{"job"}, MinEffect: &detector.MinEffect{Absolute: 0.3}, Sensitivity: 6,
		Step: model.Duration(5 * time.Minute),
	}
	want := s
	want.Window = model.Duration(UsualWindow)
	if err := s.Complete(defaults); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("changed (-declared +complete):\n%s", diff)
	}
}

func TestBadSignals(t *testing.T) {
	for _, tc := range []struct {
		name string
		s    Signal
		want string
	}{
		{"bad name", Signal{Name: "Hit Ratio", Query: "up"}, "write lower-case letters"},
		{"no query", Signal{Name: "error_ratio"}, "query is missing"},
		{"bad query", Signal{Name: "error_ratio", Query: "sum(rate(x[5m])"}, "unclosed left parenthesis"},
		{"range vector", Signal{Name: "error_ratio", Query: "x[5m]"}, "gives a matrix: write an expression that gives an instant vector"},
		{"bad support", Signal{Name: "error_ratio", Query: "x", Support: "sum("}, "support"},
		{"own kind missing", Signal{Name: "mine", Query: "x", Component: Cache}, `kind "" is not known: write gauge, rate, latency, ratio or change`},
		{"bad component", Signal{Name: "mine", Query: "x", Kind: detector.Rate, Component: "redis"}, `component "redis" is not known: write one of cache, database`},
		{"bad direction", Signal{Name: "error_ratio", Query: "x", Direction: "sideways"}, `direction "sideways" is not known: write up, down or both`},
		{"odd step", Signal{Name: "error_ratio", Query: "x", Step: model.Duration(90 * time.Second)}, "step 1m30s is not a multiple of the evaluation interval 1m"},
		{"given itself", Signal{Name: "error_ratio", Query: "x", Given: "error_ratio"}, "given names the signal itself"},
		{"change with a load", Signal{Name: "deploys", Query: "x", Given: "request_rate"}, "remove given and support"},
		{"sensitivity and a budget", Signal{Name: "error_ratio", Query: "x", Sensitivity: 5, FalseAlarmEvery: model.Duration(8 * week)}, "sensitivity and false_alarm_every are both set"},
		{"a small budget", Signal{Name: "error_ratio", Query: "x", FalseAlarmEvery: model.Duration(time.Hour)}, "false_alarm_every 1h is not between 1w and 10y"},
		{"negative effect", Signal{Name: "error_ratio", Query: "x", MinEffect: &detector.MinEffect{Relative: -1}}, "min_effect is negative"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.s.Complete(defaults)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want …%s…", err, tc.want)
			}
		})
	}
}

func TestRange(t *testing.T) {
	for _, tc := range []struct {
		kind         detector.Kind
		unit         string
		lower, upper float64
		want         string
	}{
		{detector.Rate, "", 80, 121.4, "80–121/s"},
		{detector.Latency, "", 0.9, 1.2, "900 ms to 1.2 s"},
		{detector.Latency, "", 0.08, 0.12, "80–120 ms"},
		{detector.Gauge, "", 1, 2, "1–2"},
		{detector.Gauge, "", -1, 2, "-1 to 2"},
		{detector.Gauge, "%", 0.1, 0.25, "10–25 %"},
		{detector.Rate, "", math.NaN(), 3, "no value to 3/s"},
	} {
		if got := (Signal{Kind: tc.kind, Unit: tc.unit}).Range(tc.lower, tc.upper); got != tc.want {
			t.Errorf("Range(%g, %g) of a %s is %q, want %q", tc.lower, tc.upper, tc.kind, got, tc.want)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, tc := range []struct {
		kind detector.Kind
		unit string
		v    float64
		want string
	}{
		{detector.Ratio, "", 0.41, "41 %"},
		{detector.Ratio, "", 0.0052, "0.52 %"},
		{detector.Ratio, "", 0.99951, "99.95 %"},
		{detector.Ratio, "", 0, "0 %"},
		{detector.Latency, "", 0.0312, "31.2 ms"},
		{detector.Latency, "", 1.5, "1.5 s"},
		{detector.Latency, "", 0.00004, "40 µs"},
		{detector.Rate, "", 102.4, "102/s"},
		{detector.Rate, "", 4123.7, "4124/s"},
		{detector.Rate, "", 0, "0/s"},
		{detector.Rate, "per request", 1.84, "1.84 per request"},
		{detector.Gauge, "bytes", 67108864, "64 MiB"},
		{detector.Gauge, "bytes", 0, "0 B"},
		{detector.Gauge, "", -12.5, "-12.5"},
		{detector.Gauge, "", math.NaN(), "no value"},
		{detector.Gauge, "", math.Inf(1), "infinite"},
	} {
		if got := (Signal{Kind: tc.kind, Unit: tc.unit}).Format(tc.v); got != tc.want {
			t.Errorf("Format(%g) of a %s is %q, want %q", tc.v, tc.kind, got, tc.want)
		}
	}
}
