package ingest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/internal/promtest"
	"tidemark/series"
	"tidemark/signal"
)

// shop is three hours of a service with two zones, a sample each 15 s: requests
// as counters (10 and 20 per second), a cache that is scraped with a gap, and one
// that never changes.
func shop() string {
	var b strings.Builder
	b.WriteString("# TYPE requests counter\n")
	const n = 3 * 60 * 4
	for zone, rate := range map[string]int{"a": 10, "b": 20} {
		for i := range n {
			fmt.Fprintf(&b, "requests_total{service=\"shop\",zone=%q} %d %d\n", zone, i*15*rate, epoch.Unix()+int64(i)*15)
		}
	}
	b.WriteString("# TYPE hit_ratio gauge\n")
	for i := range n {
		if i < 100 || i >= 200 { // longer than the lookback of 5 min
			fmt.Fprintf(&b, "hit_ratio{service=\"shop\"} 0.%d %d\n", 90+i%10, epoch.Unix()+int64(i)*15)
		}
	}
	b.WriteString("# TYPE fill_ratio gauge\n")
	for i := range n {
		fmt.Fprintf(&b, "fill_ratio{service=\"shop\"} 0.5 %d\n", epoch.Unix()+int64(i)*15)
	}
	return b.String()
}

func shopSignals(t *testing.T) []signal.Signal {
	return []signal.Signal{
		complete(t, signal.Signal{Name: "request_rate", Kind: detector.Rate, Component: signal.Traffic, Query: "rate(requests_total[1m])"}),
		complete(t, signal.Signal{
			Name: "cache_hit_ratio", Kind: detector.Ratio, Component: signal.Cache,
			Query: "hit_ratio", Support: "sum by (service) (rate(requests_total[1m]))",
		}),
		complete(t, signal.Signal{Name: "limit", Kind: detector.Gauge, Component: signal.Cache, Query: "64 * 1024"}),
		complete(t, signal.Signal{Name: "zero_by_zero", Kind: detector.Gauge, Component: signal.Cache, Query: "0 * requests_total / 0"}),
		complete(t, signal.Signal{Name: "nothing", Kind: detector.Gauge, Component: signal.Cache, Query: "no_such_metric"}),
		complete(t, signal.Signal{
			Name: "twins", Kind: detector.Gauge, Component: signal.Cache, Scope: []string{"service"},
			Query: `{__name__=~"hit_ratio|fill_ratio"}`,
		}),
		complete(t, signal.Signal{Name: "broken", Kind: detector.Gauge, Component: signal.Cache, Query: `hit_ratio * on () requests_total`}),
		complete(t, signal.Signal{
			Name: "slow", Kind: detector.Gauge, Component: signal.Cache, Query: "hit_ratio", Step: model.Duration(5 * time.Minute),
		}),
	}
}

func TestPrometheus(t *testing.T) {
	dir := t.TempDir()
	promtest.LoadOpenMetrics(t, dir, shop())
	p := promtest.StartPrometheus(t, promtest.PrometheusOptions{Dir: dir, Args: []string{"--query.max-samples=900"}})
	s := newFixture(t, p.URL, shopSignals(t), nil)

	t.Run("newest slots", func(t *testing.T) {
		frames, err := s.Read(t.Context(), series.Grid{Start: epoch.Add(20 * time.Minute), Step: step, N: 2})
		if err != nil {
			t.Fatal(err)
		}
		nan := math.NaN()
		want := []series.Frame{
			{Signal: "request_rate", Series: []series.Series{
				{Labels: labels("service", "shop", "zone", "a"), Values: []float64{10, 10}},
				{Labels: labels("service", "shop", "zone", "b"), Values: []float64{20, 20}},
			}},
			{Signal: "cache_hit_ratio", Series: []series.Series{
				{Labels: labels("service", "shop"), Values: []float64{0.90, 0.91}, Support: []float64{30, 30}},
			}},
			{Signal: "limit", Series: []series.Series{{Labels: labels(), Values: []float64{65536, 65536}}}},
			{Signal: "zero_by_zero", Series: []series.Series{
				{Labels: labels("service", "shop", "zone", "a"), Values: []float64{nan, nan}},
				{Labels: labels("service", "shop", "zone", "b"), Values: []float64{nan, nan}},
			}},
			{Signal: "nothing"},
			{Signal: "twins"},
			{Signal: "broken"},
			{Signal: "slow", Series: []series.Series{{Labels: labels("service", "shop"), Values: []float64{0.90, nan}}}},
		}
		// 1700000100 + 20 min is a multiple of 5 min.
		opts := []cmp.Option{cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.EquateApprox(0, 1e-9), cmpopts.IgnoreFields(series.Frame{}, "Err")}
		if diff := cmp.Diff(want, frames, opts...); diff != "" {
			t.Errorf("frames (-want +got):\n%s", diff)
		}
		for i, want := range map[int]reason{5: duplicateSeries, 6: badQuery} {
			if got := reasonOf(frames[i].Err); got != want {
				t.Errorf("%s: got error %v, want reason %s", frames[i].Signal, frames[i].Err, want)
			}
		}
		for _, i := range []int{0, 1, 2, 3, 4, 7} {
			if err := frames[i].Err; err != nil {
				t.Errorf("%s: got error %v", frames[i].Signal, err)
			}
		}
	})

	t.Run("history", func(t *testing.T) {
		// The limit of samples is reached, so that chunks have to be halved.
		var hits, rates []float64
		var chunks []int
		err := s.Backfill(t.Context(), epoch, epoch.Add(3*time.Hour-step), step, func(g series.Grid, frames []series.Frame) error {
			chunks = append(chunks, g.N)
			for _, f := range frames[:2] {
				if f.Err != nil {
					t.Fatal(f.Err)
				}
			}
			rates = append(rates, frames[0].Series[0].Values...)
			hits = append(hits, frames[1].Series[0].Values...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(rates) != 720 || len(hits) != 720 {
			t.Fatalf("got %d and %d slots, want 720", len(rates), len(hits))
		}
		if len(chunks) < 2 || chunks[0] >= firstChunk {
			t.Errorf("got chunks %v, want smaller ones than %d", chunks, firstChunk)
		}
		if gaps := countGaps(hits); gaps != 80 { // 100 slots without a sample, less 5 min of lookback
			t.Errorf("got %d gaps in the hit ratio, want 80", gaps)
		}
		if !math.IsNaN(rates[0]) || countGaps(rates) > 2 {
			t.Errorf("got %d gaps in the rate, the first is %v, want a gap only where a rate has one sample", countGaps(rates), rates[0])
		}
	})

	t.Run("restart", func(t *testing.T) {
		g := series.Grid{Start: epoch.Add(time.Hour), Step: step, N: 4}
		before, err := s.Read(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		p.Stop()
		if _, err := s.Read(t.Context(), g); err == nil || !strings.Contains(err.Error(), "prometheus "+p.URL+" is down: ") {
			t.Errorf("got error %v while Prometheus is down", err)
		}
		p.Start()
		after, err := s.Read(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after, cmpopts.EquateNaNs(), cmpopts.EquateErrors(), cmpopts.IgnoreFields(series.Frame{}, "Err")); diff != "" {
			t.Errorf("frames after the restart (-before +after):\n%s", diff)
		}
	})
}

func countGaps(values []float64) int {
	n := 0
	for _, v := range values {
		if math.IsNaN(v) {
			n++
		}
	}
	return n
}
