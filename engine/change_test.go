package engine

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
)

// TestChanges checks what is taken for a change: each series is told by its
// values in slots one minute apart, from midnight on.
func TestChanges(t *testing.T) {
	nan := math.NaN()
	one := func(labels model.LabelSet, values ...float64) series.Series {
		labels["service"] = "shop"
		return series.Series{Labels: labels, Values: values}
	}
	midnight := float64(start.Unix())
	for _, tc := range []struct {
		name   string
		signal signal.Signal
		series []series.Series
		want   []string // newest first
	}{
		{"nothing", signal.Signal{Name: "deploys"}, nil, nil},
		{"the first value is none", signal.Signal{Name: "cache_settings"}, []series.Series{one(model.LabelSet{}, 64, 64, 64)}, nil},
		{
			"a limit is lowered", signal.Signal{Name: "cache_settings", Unit: "bytes"},
			[]series.Series{one(model.LabelSet{"instance": "a:1"}, 67108864, 67108864, 1048576)},
			[]string{"00:02:00 cache settings a:1 64 MiB → 1 MiB"},
		},
		{"a gap is none", signal.Signal{Name: "cache_settings"}, []series.Series{one(model.LabelSet{}, 64, nan, nan, nan, nan, 64)}, nil},
		{
			"a change over a gap", signal.Signal{Name: "cache_settings"}, []series.Series{one(model.LabelSet{}, 64, nan, 32)},
			[]string{"00:02:00 cache settings 64 → 32"},
		},
		{
			"a process starts", signal.Signal{Name: "process_restarts"}, []series.Series{one(model.LabelSet{}, midnight-7200, midnight-7200, midnight+90)},
			[]string{"00:01:30 process start"},
		},
		{
			"a version takes over", signal.Signal{Name: "deploys"},
			[]series.Series{one(model.LabelSet{"version": "1"}, 1, 1, nan, nan), one(model.LabelSet{"version": "2"}, nan, nan, 1, 1)},
			[]string{"00:02:00 version 1 → 2"},
		},
		{
			"versions overlap", signal.Signal{Name: "deploys"},
			[]series.Series{one(model.LabelSet{"version": "1"}, 1, 1, 1, nan), one(model.LabelSet{"version": "2"}, nan, nan, 1, 1)},
			[]string{"00:02:00 version 1 → 2"},
		},
		{
			"and is rolled back", signal.Signal{Name: "deploys"},
			[]series.Series{
				one(model.LabelSet{"version": "1"}, 1, nan, nan, nan, nan, nan, 1),
				one(model.LabelSet{"version": "2"}, nan, 1, 1, 1, 1, 1, nan),
			},
			[]string{"00:06:00 version 2 → 1", "00:01:00 version 1 → 2"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.signal.Query = "x"
			if err := tc.signal.Complete(signal.Defaults{Scope: []string{"service"}, Step: time.Minute}); err != nil {
				t.Fatal(err)
			}
			e, err := New(Options{
				Config: DefaultConfig, Signals: []signal.Signal{tc.signal}, Rules: &rules.Set{},
				Logger: promslog.NewNopLogger(), Registerer: prometheus.NewRegistry(),
			})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, s := range tc.series {
				n = len(s.Values)
			}
			e.Learn(series.Grid{Start: start, Step: time.Minute, N: n}, []series.Frame{{Signal: tc.signal.Name, Series: tc.series}}, 1)
			var got []string
			for _, c := range e.Snapshot().Changes {
				got = append(got, c.At.Format("15:04:05 ")+c.What)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRecord checks that announced changes stand among the others by their time,
// and that too old ones are dropped.
func TestRecord(t *testing.T) {
	e, err := New(Options{Config: DefaultConfig, Rules: &rules.Set{}, Logger: promslog.NewNopLogger(), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	e.Learn(series.Grid{Start: start, Step: time.Minute, N: 1}, nil, 1)
	change := func(what string, at time.Time) rules.Change { return rules.Change{At: at, Kind: "deploys", What: what} }
	e.Record([]rules.Change{change("second", start.Add(-time.Hour)), change("first", start.Add(-2*time.Hour))})
	e.Record([]rules.Change{change("third", start), change("too old", start.Add(-ChangesMaxAge-time.Second))})
	var got []string
	for _, c := range e.Snapshot().Changes {
		got = append(got, c.What)
	}
	if diff := cmp.Diff([]string{"third", "second", "first"}, got); diff != "" {
		t.Errorf("changes, newest first (-want +got):\n%s", diff)
	}
	e.Record(slices.Repeat([]rules.Change{change("one of many", start.Add(time.Minute))}, changesKept))
	if n := len(e.Snapshot().Changes); n != changesKept {
		t.Errorf("got %d changes, want no more than %d", n, changesKept)
	}
}
