package ingest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

func TestProbeFirst(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   string // part of the error
	}{
		{"down", 502, "", "prometheus http://prometheus.test is down: query a: the source cannot answer: 502 Bad Gateway"},
		{"credentials", 401, "", "the source refuses the credentials"},
		{"no Prometheus", 200, "<html>", "none of 1 signals can be read"},
		{"a query that is wrong", 400, `{"status":"error","errorType":"bad_data","error":"no"}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFixture(t, "http://prometheus.test", simple(t, "a", "b"), nil)
				s.probeFirst = true
				var asked atomic.Int64
				s.via(history{series: 1, fault: func(w http.ResponseWriter, query string, _ int) bool {
					asked.Add(1)
					if query == "a" {
						say(w, tc.status, tc.body)
					}
					return query == "a"
				}})
				start := time.Now()
				err := s.Backfill(t.Context(), epoch, epoch.Add(59*step), step, (&filled{}).yield)
				if tc.want == "" {
					if err != nil {
						t.Errorf("got error %v, want none", err)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), tc.want) || asked.Load() != 1 || time.Since(start) != 0 {
					t.Errorf("got error %v after %d queries and %s, want …%s… after one, at once", err, asked.Load(), time.Since(start), tc.want)
				}
			})
		})
	}
}

func TestMaxQueryRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t, "http://prometheus.test", simple(t, "a", "b", "c", "d", "e"), nil)
		s.limiter = rate.NewLimiter(2, 1)
		s.via(history{series: 1})
		start := time.Now()
		if _, err := s.Read(t.Context(), grid(1)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("five queries took %s, want 2s at two per second", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.Instant(ctx, "a", epoch); reasonOf(err) != timedOut {
			t.Errorf("got error %v, want that its turn does not come", err)
		}
		gone, leave := context.WithCancelCause(t.Context())
		leave(errLeft)
		if _, err := s.MetricNames(gone, epoch, epoch); !errors.Is(err, errLeft) {
			t.Errorf("got error %v, want %v", err, errLeft)
		}
	})
}

var errLeft = errors.New("left")
