package backtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/series"
)

var errGone = errors.New("gone")

// flaky is a source that answers in chunks of 100 slots, and not at all for
// those that begin with one of the given slots.
type flaky []int

func (f flaky) Backfill(_ context.Context, from, to time.Time, step time.Duration, yield func(series.Grid, []series.Frame) error) error {
	g := series.Span(from, to, step)
	for i := 0; i < g.N; i += 100 {
		if slices.Contains(f, int(g.At(i).Sub(start)/step)) {
			return errGone
		}
		if err := yield(series.Grid{Start: g.At(i), Step: step, N: min(100, g.N-i)}, nil); err != nil {
			return err
		}
	}
	return nil
}

func TestReaderSkipsWhatIsNotAnswered(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fails   flaky
		want    []string
		missing int
		err     error
	}{
		{"all is answered", nil, []string{"0+100", "100+100", "200+50"}, 0, nil},
		{"a chunk is not", flaky{100}, []string{"0+100", "100+100 skipped", "200+50"}, 100, nil},
		{"the last one is not", flaky{200}, []string{"0+100", "100+100", "200+50 skipped"}, 50, nil},
		{"nothing is", flaky{0}, nil, 0, errGone},
		{"two in a row are not", flaky{100, 200}, []string{"0+100", "100+100 skipped"}, 100, errGone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := reader{source: tc.fails}
			out := make(chan chunk, 10)
			err := r.read(t.Context(), series.Grid{Start: start, Step: step, N: 250}, out)
			close(out)
			if !errors.Is(err, tc.err) {
				t.Errorf("got error %v, want %v", err, tc.err)
			}
			var got []string
			for c := range out {
				text := fmt.Sprintf("%d+%d", int(c.grid.Start.Sub(start)/step), c.grid.N)
				if c.skipped {
					text += " skipped"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("chunks (-want +got):\n%s", diff)
			}
			if r.missing != tc.missing {
				t.Errorf("got %d slots missing, want %d", r.missing, tc.missing)
			}
		})
	}
}

func TestReaderEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errGone)
	r := reader{source: flaky{}}
	if err := r.read(ctx, series.Grid{Start: start, Step: step, N: 250}, make(chan chunk)); !errors.Is(err, errGone) {
		t.Errorf("got error %v, want %v", err, errGone)
	}
}

func TestCut(t *testing.T) {
	values := []float64{1, 2, 3}
	for _, tc := range []struct {
		name  string
		i, n  int
		want  string
		found bool
	}{
		{"one slot", 1, 1, "[2]", true},
		{"all", 0, 3, "[1 2 3]", true},
		{"before the beginning", -2, 3, "[NaN NaN 1]", true},
		{"after the end", 2, 2, "[3 NaN]", true},
		{"outside", 5, 2, "[NaN NaN]", false},
		{"far before", -9, 2, "[NaN NaN]", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			part, found := cut(values, tc.i, tc.n)
			if got := fmt.Sprint(part); got != tc.want || found != tc.found {
				t.Errorf("got %s, %t, want %s, %t", got, found, tc.want, tc.found)
			}
		})
	}
}
