package detector

import (
	"runtime"
	"testing"
	"time"
)

// BenchmarkUpdate measures a detector that has learned for two days, and how
// many bytes one takes.
func BenchmarkUpdate(b *testing.B) {
	options := map[string]Options{
		"latency": usual(Latency, time.Minute),
		"rate":    usual(Rate, time.Minute),
		"ratio":   usual(Ratio, time.Minute),
		"gauge":   usual(Gauge, time.Minute),
	}
	for _, kind := range []Kind{Rate, Latency} {
		o := usual(kind, time.Minute)
		o.Conditioned = true
		options[string(kind)+"_given"] = o
	}
	for name, o := range options {
		b.Run(name, func(b *testing.B) {
			d, s := newDetector(b, o), newSource(o.Kind, o.Step, 1)
			samples := make([]Sample, 2*1440)
			for i := range samples {
				samples[i] = s.at(monday.Add(time.Duration(i)*o.Step), normal(o.Kind))
				samples[i].Given = s.load(samples[i].Time)
			}
			at := monday
			i := 0
			next := func() {
				samples[i].Time = at
				d.Update(samples[i])
				at = at.Add(o.Step)
				i = (i + 1) % len(samples)
			}
			for range samples {
				next()
			}
			b.ReportAllocs()
			for b.Loop() {
				next()
			}
			b.ReportMetric(float64(bytesPerSeries(b, o)), "B/series")
		})
	}
}

// bytesPerSeries returns what a detector takes on the heap, all that it keeps
// included, after three weeks that had an incident every other day.
func bytesPerSeries(tb testing.TB, o Options) uint64 {
	const n, days = 8, 21
	var before, after runtime.MemStats
	keep := make([]*Detector, n)
	s := newSource(o.Kind, o.Step, 1)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range keep {
		keep[i] = newDetector(tb, o)
		for k := range int(days * 24 * time.Hour / o.Step) {
			at := monday.Add(time.Duration(k) * o.Step)
			fault := normal(o.Kind)
			if at.YearDay()%2 == 0 && at.Hour() == at.YearDay()%24 {
				fault *= 0.5
			}
			sample := s.at(at, fault)
			sample.Given = s.load(at)
			keep[i].Update(sample)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(keep)
	return (after.HeapAlloc - before.HeapAlloc) / n
}
