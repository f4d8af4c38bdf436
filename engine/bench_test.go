package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/series"
)

// fleet is many stacks that differ by the value of their service label only.
type fleet struct {
	*stack
	services int
}

func (f fleet) Read(ctx context.Context, g series.Grid) ([]series.Frame, error) {
	frames, err := f.stack.Read(ctx, g)
	for n := range frames {
		var all []series.Series
		for i := range f.services {
			for _, s := range frames[n].Series {
				s.Labels = s.Labels.Clone()
				s.Labels["service"] = model.LabelValue(fmt.Sprintf("shop%04d", i))
				all = append(all, s)
			}
		}
		frames[n].Series = all
	}
	return frames, err
}

// BenchmarkEval is one cycle over a thousand services with nine signals each,
// reading left out.
func BenchmarkEval(b *testing.B) {
	src := newStack(b)
	const services = 1000
	e := newEngine(b, src)
	read := func(from, to time.Time) (series.Grid, []series.Frame) {
		g := series.Span(from, to, e.step)
		frames, err := fleet{src, services}.Read(b.Context(), g)
		if err != nil {
			b.Fatal(err)
		}
		return g, frames
	}
	g, frames := read(start.Add(-3*time.Hour), start)
	e.Learn(g, frames, 1)
	ts := start
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		ts = ts.Add(e.step)
		_, frames := read(ts, ts)
		e.opts.Source = given(frames)
		b.StartTimer()
		if err := e.Eval(b.Context(), ts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(services*9), "ns/series")
}

// given is a source that has been read already.
type given []series.Frame

func (f given) Read(context.Context, series.Grid) ([]series.Frame, error) { return f, nil }
