package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alecthomas/units"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"

	"tidemark/series"
)

// history answers any range with series whose value at a slot is its number
// since epoch.
type history struct {
	series int
	fault  func(w http.ResponseWriter, query string, slots int) bool // true if it answered
}

func (h history) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start, _ := strconv.ParseInt(r.FormValue("start"), 10, 64)
	end, _ := strconv.ParseInt(r.FormValue("end"), 10, 64)
	every, _ := strconv.ParseInt(r.FormValue("step"), 10, 64)
	if h.fault != nil && h.fault(w, r.FormValue("query"), int((end-start)/every)+1) {
		return
	}
	var points []string
	for at := start; at <= end; at += every {
		points = append(points, fmt.Sprintf(`[%d,"%d"]`, at, (at-epoch.Unix())/every))
	}
	var rows []string
	for i := range h.series {
		rows = append(rows, fmt.Sprintf(`{"metric":{"i":"%d"},"values":[%s]}`, i, strings.Join(points, ",")))
	}
	fmt.Fprint(w, envelope(strings.Join(rows, ",")))
}

// filled is what a backfill yielded.
type filled struct {
	chunks []int            // slots per chunk
	values []float64        // of the first series of the first signal
	errs   map[string]error // the last error of each signal
}

func (f *filled) yield(g series.Grid, frames []series.Frame) error {
	f.chunks = append(f.chunks, g.N)
	if len(frames[0].Series) > 0 {
		f.values = append(f.values, frames[0].Series[0].Values...)
	}
	if f.errs == nil {
		f.errs = map[string]error{}
	}
	for _, fr := range frames {
		f.errs[fr.Signal] = fr.Err
	}
	return nil
}

func (f *filled) checkComplete(t *testing.T, n int) {
	t.Helper()
	want := make([]float64, n)
	for i := range want {
		want[i] = float64(i)
	}
	if diff := cmp.Diff(want, f.values, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestBackfillChunks(t *testing.T) {
	for _, tc := range []struct {
		name   string
		slots  int
		series int
		change func(*Config)
		want   []int
	}{
		{"less than one chunk", 7, 1, nil, []int{7}},
		{"up to the configured points", 14000, 1, nil, []int{480, 5000, 5000, 3520}},
		{"fewer points", 250, 1, func(c *Config) { c.PointsPerQuery = 100 }, []int{100, 100, 50}},
		{"large answers", 1000, 20, func(c *Config) { c.MaxResponseBytes = 256 * units.KiB }, []int{480, 327, 193}},
		{"nothing", 0, 1, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newFixture(t, "http://prometheus.test", simple(t, "a", "b"), tc.change)
			s.via(history{series: tc.series})
			var got filled
			to := epoch.Add(time.Duration(tc.slots)*step - time.Second) // not on the grid
			if err := s.Backfill(t.Context(), epoch.Add(-time.Second), to, step, got.yield); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.chunks); diff != "" {
				t.Errorf("chunks (-want +got):\n%s", diff)
			}
			got.checkComplete(t, tc.slots)
		})
	}
}

func TestBackfillHalves(t *testing.T) {
	const tooMany = `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`
	refuse := func(above int, who string) func(http.ResponseWriter, string, int) bool {
		return func(w http.ResponseWriter, query string, slots int) bool {
			if query != who || slots <= above {
				return false
			}
			say(w, 422, tooMany)
			return true
		}
	}
	for _, tc := range []struct {
		name    string
		fault   func(http.ResponseWriter, string, int) bool
		series  int
		bytes   units.Base2Bytes
		want    []int
		blinded bool // signal b
	}{
		{"too many samples", refuse(200, "b"), 1, units.MiB, []int{120, 120, 120, 120, 120, 120, 120, 120, 40}, false},
		{"too large an answer", nil, 100, 600 * units.KiB, []int{240, 153, 153, 153, 153, 148}, false},
		// The others keep their large chunks.
		{"too many samples even for little", refuse(0, "b"), 1, units.MiB, []int{60, 940}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFixture(t, "http://prometheus.test", simple(t, "a", "b"), func(c *Config) { c.MaxResponseBytes = tc.bytes })
				s.via(history{series: tc.series, fault: tc.fault})
				start := time.Now()
				var got filled
				if err := s.Backfill(t.Context(), epoch, epoch.Add(999*step), step, got.yield); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.want, got.chunks); diff != "" {
					t.Errorf("chunks (-want +got):\n%s", diff)
				}
				got.checkComplete(t, 1000)
				if blinded := reasonOf(got.errs["b"]) == tooManySamples; blinded != tc.blinded {
					t.Errorf("got error %v of the large signal, want one: %t", got.errs["b"], tc.blinded)
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("waited %s, want no pause, since the source is well", took)
				}
			})
		})
	}
}

func TestBackfillComesBack(t *testing.T) {
	for _, tc := range []struct {
		name     string
		failures int32
		atLeast  time.Duration
		atMost   time.Duration
		want     string // part of the error
	}{
		{"after three failures", 3, 3500 * time.Millisecond, 10500 * time.Millisecond, ""},
		{"never", 1000, 7500 * time.Millisecond, 22500 * time.Millisecond,
			"backfill from 2023-11-14T22:15:00Z: prometheus http://prometheus.test is down: query a: the source cannot answer: 500 Internal Server Error: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var failures atomic.Int32
				s := newFixture(t, "http://prometheus.test", simple(t, "a"), nil)
				s.via(history{series: 1, fault: func(w http.ResponseWriter, _ string, _ int) bool {
					if failures.Add(1) > tc.failures {
						return false
					}
					w.WriteHeader(http.StatusInternalServerError)
					return true
				}})
				start := time.Now()
				var got filled
				err := s.Backfill(t.Context(), epoch, epoch.Add(99*step), step, got.yield)
				switch {
				case tc.want == "" && err != nil:
					t.Fatal(err)
				case tc.want == "":
					got.checkComplete(t, 100)
				case err == nil || !strings.HasPrefix(err.Error(), tc.want):
					t.Errorf("got error %v, want %q", err, tc.want)
				case len(got.chunks) > 0:
					t.Errorf("got chunks %v, want none", got.chunks)
				}
				if took := time.Since(start); took < tc.atLeast || took > tc.atMost {
					t.Errorf("took %s, want between %s and %s", took, tc.atLeast, tc.atMost)
				}
			})
		})
	}
}

func TestBackfillAsksAgainOnlyWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen requests
		failed := false
		s := newFixture(t, "http://prometheus.test", simple(t, "a", "b", "c"), func(c *Config) { c.Concurrency = 1 })
		s.via(history{series: 1, fault: func(w http.ResponseWriter, query string, slots int) bool {
			seen.add(fmt.Sprint(query, slots))
			switch {
			case query == "b" && !failed:
				failed = true
				w.Header().Set("Retry-After", "100")
				w.WriteHeader(http.StatusServiceUnavailable)
			case query == "c":
				say(w, 400, `{"status":"error","errorType":"bad_data","error":"no"}`)
			default:
				return false
			}
			return true
		}})
		start := time.Now()
		var got filled
		if err := s.Backfill(t.Context(), epoch, epoch.Add(9*step), step, got.yield); err != nil {
			t.Fatal(err)
		}
		// c was not sent the first time, since b's answer asked to wait.
		if diff := cmp.Diff([]string{"a10", "b10", "b10", "c10"}, seen.take()); diff != "" {
			t.Errorf("queries (-want +got):\n%s", diff)
		}
		if got.errs["b"] != nil || reasonOf(got.errs["c"]) != badQuery {
			t.Errorf("got errors %v, want one of c only", got.errs)
		}
		if took := time.Since(start); took != 100*time.Second {
			t.Errorf("took %s, want the 100s that the source asked for", took)
		}
	})
}

func TestBackfillSlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t, "http://prometheus.test", simple(t, "a", "b"), func(c *Config) { c.Timeout = model.Duration(10 * time.Second) })
		s.via(history{series: 1, fault: func(w http.ResponseWriter, query string, slots int) bool {
			if query == "b" {
				time.Sleep(time.Duration(slots) * 50 * time.Millisecond) // 200 slots take the timeout
			}
			return false
		}})
		s.client.http.Transport = honest{s.client.http.Transport}
		var got filled
		if err := s.Backfill(t.Context(), epoch, epoch.Add(499*step), step, got.yield); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{120, 120, 120, 120, 20}, got.chunks); diff != "" {
			t.Errorf("chunks (-want +got):\n%s", diff)
		}
		got.checkComplete(t, 500)
		if got.errs["b"] != nil {
			t.Errorf("got error %v, want none in small chunks", got.errs["b"])
		}
	})
}

func TestBackfillEnds(t *testing.T) {
	t.Run("yield", func(t *testing.T) {
		s := newFixture(t, "http://prometheus.test", simple(t, "a"), nil)
		s.via(history{series: 1})
		enough := errors.New("enough")
		n := 0
		err := s.Backfill(t.Context(), epoch, epoch.Add(9999*step), step, func(series.Grid, []series.Frame) error {
			n++
			return enough
		})
		if !errors.Is(err, enough) || n != 1 {
			t.Errorf("got error %v after %d chunks, want %v after 1", err, n, enough)
		}
	})
	t.Run("context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			s := newFixture(t, "http://prometheus.test", simple(t, "a"), nil)
			s.via(history{fault: func(w http.ResponseWriter, _ string, _ int) bool {
				w.WriteHeader(http.StatusInternalServerError)
				return true
			}})
			start := time.Now()
			err := s.Backfill(ctx, epoch, epoch, step, (&filled{}).yield)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
				t.Errorf("got error %v after %s, want the context's at its deadline", err, time.Since(start))
			}
		})
	})
	t.Run("step", func(t *testing.T) {
		s := newFixture(t, "http://prometheus.test", simple(t, "a"), nil)
		if err := s.Backfill(t.Context(), epoch, epoch, 0, (&filled{}).yield); err == nil {
			t.Error("got no error for a step of 0")
		}
	})
}
