package detector

import (
	"runtime"
	"testing"
	"time"
)

// benchmarked are the options of one series of each sort.
func benchmarked() map[string]Options {
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
	return options
}

// BenchmarkUpdate measures a detector that has learned for two days, and how
// many bytes one takes that has learned for weeks.
func BenchmarkUpdate(b *testing.B) {
	for name, o := range benchmarked() {
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
			b.ReportMetric(float64(bytesPerSeries(b, o, 21)), "B/series")
		})
	}
}

// TestBytesPerSeries holds the size of a series, which is at most 4 KiB.
func TestBytesPerSeries(t *testing.T) {
	most := map[string]uint64{
		"latency": 3840, "rate": 3840, "ratio": 2304, "gauge": 3840, "rate_given": 4096, "latency_given": 4096,
	}
	for name, o := range benchmarked() {
		// Others that allocate meanwhile are counted, too: the least of three counts.
		got := bytesPerSeries(t, o, 4)
		for i := 0; i < 2 && got > most[name]; i++ {
			got = min(got, bytesPerSeries(t, o, 4))
		}
		if got > most[name] {
			t.Errorf("%s: %d bytes, want at most %d", name, got, most[name])
		}
	}
}

// bytesPerSeries returns what a detector takes on the heap, all that it keeps
// included, after so many days, of which every other one has an incident.
func bytesPerSeries(tb testing.TB, o Options, days int) uint64 {
	const n = 8
	var before, after runtime.MemStats
	keep := make([]*Detector, n)
	runtime.GC()
	runtime.GC() // what the first one only unpooled
	runtime.ReadMemStats(&before)
	for i := range keep {
		d, s := newDetector(tb, o), newSource(o.Kind, o.Step, uint64(i))
		for k := range days * int(24*time.Hour/o.Step) {
			at, fault := monday.Add(time.Duration(k)*o.Step), normal(o.Kind)
			if at.Day()%2 == 0 && at.Hour() == at.Day()%24 {
				fault = 0.5
			}
			sample := s.at(at, fault)
			sample.Given = s.load(at)
			d.Update(sample)
		}
		keep[i] = d
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(keep)
	return (after.HeapAlloc - before.HeapAlloc) / n
}
