package series

import (
	"math"
	"testing"
	"time"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestAlign(t *testing.T) {
	for _, tc := range []struct {
		t    string
		step time.Duration
		want string
	}{
		{"2026-03-04T12:34:56.789Z", time.Minute, "2026-03-04T12:34:00Z"},
		{"2026-03-04T12:34:00Z", time.Minute, "2026-03-04T12:34:00Z"},
		{"2026-03-04T12:34:56.789+02:00", 10 * time.Second, "2026-03-04T10:34:50Z"},
		{"1969-12-31T23:59:59.5Z", time.Second, "1969-12-31T23:59:59Z"},
		{"1969-12-31T23:59:00Z", time.Minute, "1969-12-31T23:59:00Z"},
	} {
		if got := Align(at(tc.t), tc.step); !got.Equal(at(tc.want)) || got.Location() != time.UTC {
			t.Errorf("Align(%s, %v) = %v, want %s in UTC", tc.t, tc.step, got, tc.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for _, tc := range []struct {
		name, from, to string
		start          string
		n              int
	}{
		{"one slot", "2026-03-04T12:00:00Z", "2026-03-04T12:00:00Z", "2026-03-04T12:00:00Z", 1},
		{"between slots", "2026-03-04T12:00:01Z", "2026-03-04T12:00:59Z", "2026-03-04T12:01:00Z", 0},
		{"unaligned ends", "2026-03-04T12:00:01Z", "2026-03-04T12:03:59Z", "2026-03-04T12:01:00Z", 3},
		{"end before start", "2026-03-04T12:05:00Z", "2026-03-04T12:00:00Z", "2026-03-04T12:05:00Z", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := Span(at(tc.from), at(tc.to), time.Minute)
			if !g.Start.Equal(at(tc.start)) || g.N != tc.n {
				t.Fatalf("grid of %d slots from %v, want %d from %s", g.N, g.Start, tc.n, tc.start)
			}
			for i := range g.N {
				if j, ok := g.Index(g.At(i)); !ok || j != i {
					t.Errorf("slot %d has index %d, %t", i, j, ok)
				}
			}
			if want := g.Start.Add(time.Duration(g.N-1) * time.Minute); !g.End().Equal(want) {
				t.Errorf("end %v, want %v", g.End(), want)
			}
			for _, outside := range []time.Time{g.Start.Add(-time.Minute), g.Start.Add(time.Second), g.End().Add(time.Minute)} {
				if i, ok := g.Index(outside); ok {
					t.Errorf("%v has index %d, want none", outside, i)
				}
			}
		})
	}
}

func TestGaps(t *testing.T) {
	for i, v := range Gaps(3) {
		if !math.IsNaN(v) {
			t.Errorf("slot %d is %g, want a gap", i, v)
		}
	}
	for v, want := range map[float64]bool{0: true, -1.5: true, math.Inf(1): false, math.Inf(-1): false} {
		if Finite(v) != want {
			t.Errorf("Finite(%g) is %t", v, !want)
		}
	}
	if Finite(math.NaN()) {
		t.Error("NaN is finite")
	}
}
