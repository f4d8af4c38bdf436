package detector

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// database makes the mean time per query of a database that slows down with the
// square of its load, and the load, which follows the day.
type database struct {
	rand *rand.Rand
	ar   float64
}

func newDatabase() *database { return &database{rand: rand.New(rand.NewPCG(3, 4))} }

func (b *database) at(at time.Time, load, slow float64) Sample {
	b.ar = 0.6*b.ar + 0.8*0.05*b.rand.NormFloat64()
	day := at.Sub(monday).Hours() / 24
	load *= 200 * (1 - 0.5*math.Cos(2*math.Pi*day)) * math.Exp(0.03*b.rand.NormFloat64())
	queryTime := 0.005 * (1 + load*load/160000) * math.Exp(b.ar) * slow
	return Sample{Time: at, Value: queryTime, Support: load, Given: load}
}

func TestLatencyGivenItsLoad(t *testing.T) {
	o := Options{Kind: Latency, Direction: Up, Step: time.Minute, MinEffect: MinEffect{Relative: 0.1}, Conditioned: true}
	for _, tc := range []struct {
		name       string
		load, slow float64
		want       bool
	}{
		{"load doubles at night, within what the day has", 2, 1, false},
		{"load three times that of any day", 3, 1, false},
		{"load a tenth", 0.1, 1, false},
		{"slow at the usual load", 1, 1.5, true},
		{"slow at a load that is known from other hours", 1.5, 2, true},
	} {
		for _, hour := range []int{3, 13} {
			if tc.load == 1.5 && hour == 13 {
				continue // is beyond all loads
			}
			t.Run(tc.name, func(t *testing.T) {
				d, b := newDetector(t, o), newDatabase()
				n := 14*1440 + hour*60
				for i := range n {
					at := monday.Add(time.Duration(i) * time.Minute)
					if j := d.Update(b.at(at, 1, 1)); j.State == Anomalous {
						t.Fatalf("anomalous on a normal day: %+v", j)
					}
				}
				found := false
				for i := range 60 {
					at := monday.Add(time.Duration(n+i) * time.Minute)
					found = d.Update(b.at(at, tc.load, tc.slow)).State == Anomalous || found
				}
				if found != tc.want {
					t.Errorf("at %d:00 anomalous: %t, want %t", hour, found, tc.want)
				}
			})
		}
	}
}

func TestQueriesGivenRequests(t *testing.T) {
	o := Options{Kind: Rate, Direction: Up, Step: time.Minute, MinEffect: MinEffect{Relative: 0.15}, Conditioned: true}
	for _, tc := range []struct {
		name               string
		traffic, perReqest float64
		constant           float64 // queries that no request causes
		want               bool
	}{
		{"nothing", 1, 1, 0, false},
		{"more traffic", 2, 1, 0, false},
		{"drained, with a constant share", 0.03, 1, 20, false},
		{"more queries per request", 1, 1.5, 0, true},
		{"more queries per request in a surge", 1.5, 1.5, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, s := newDetector(t, o), newSource(Rate, time.Minute, 1)
			at := monday
			next := func(traffic, per float64) Judgement {
				sample := s.at(at, traffic)
				sample.Given = sample.Value
				sample.Value = sample.Given*1.8*per*math.Exp(0.02*s.rand.NormFloat64()) + tc.constant
				at = at.Add(time.Minute)
				return d.Update(sample)
			}
			for range 14*1440 + 600 {
				if j := next(1, 1); j.State == Anomalous {
					t.Fatalf("anomalous on a normal day: %+v", j)
				}
			}
			found := false
			for range 60 {
				found = next(tc.traffic, tc.perReqest).State == Anomalous || found
			}
			if found != tc.want {
				t.Errorf("anomalous: %t, want %t", found, tc.want)
			}
		})
	}
}

func TestWithoutItsLoadASampleSaysNothing(t *testing.T) {
	o := Options{Kind: Rate, Direction: Up, Step: time.Minute, Conditioned: true}
	d := newDetector(t, o)
	if j := d.Update(Sample{Time: monday, Value: 1, Support: nan, Given: nan}); j.State != Unknown || d.Invalid() != 0 {
		t.Errorf("state %s, %d invalid, want unknown, 0", j.State, d.Invalid())
	}
	if j := d.Update(Sample{Time: monday, Value: 1, Support: nan, Given: -1}); j.State != Unknown || d.Invalid() != 1 {
		t.Errorf("negative load: state %s, %d invalid, want unknown, 1", j.State, d.Invalid())
	}
}
