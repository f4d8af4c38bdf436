package engine

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/signal"
)

func watchedWith(scopes ...model.LabelSet) *watched {
	w := &watched{signal: &signal.Signal{Name: "x", Kind: detector.Gauge}}
	for _, s := range scopes {
		w.tracks = append(w.tracks, &track{scope: s})
	}
	return w
}

func TestArrange(t *testing.T) {
	type ls = model.LabelSet
	for _, tc := range []struct {
		name    string
		signals []*watched
		want    map[string][]string // root scope: scopes that take part
	}{
		{"no series", nil, map[string][]string{}},
		{
			"one scope for all",
			[]*watched{watchedWith(ls{"service": "a"}, ls{"service": "b"}), watchedWith(ls{"service": "a"})},
			map[string][]string{`{service="a"}`: {`{service="a"}`}, `{service="b"}`: {`{service="b"}`}},
		},
		{
			"a shared cache takes part everywhere",
			[]*watched{watchedWith(ls{"service": "a"}, ls{"service": "b"}), watchedWith(ls{})},
			map[string][]string{`{service="a"}`: {`{service="a"}`, `{}`}, `{service="b"}`: {`{service="b"}`, `{}`}},
		},
		{
			"a database of one cluster takes part in its services only",
			[]*watched{
				watchedWith(ls{"cluster": "x", "service": "a"}, ls{"cluster": "y", "service": "a"}),
				watchedWith(ls{"cluster": "x"}),
			},
			map[string][]string{
				`{cluster="x", service="a"}`: {`{cluster="x", service="a"}`, `{cluster="x"}`},
				`{cluster="y", service="a"}`: {`{cluster="y", service="a"}`},
			},
		},
		{
			"a lesser scope that nothing contains is judged by itself",
			[]*watched{watchedWith(ls{"cluster": "x", "service": "a"}), watchedWith(ls{"cluster": "z"})},
			map[string][]string{`{cluster="x", service="a"}`: {`{cluster="x", service="a"}`}, `{cluster="z"}`: {`{cluster="z"}`}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := map[string][]string{}
			for _, root := range arrange(tc.signals).roots {
				var joined []string
				for _, g := range root.joined {
					joined = append(joined, g.labels.String())
				}
				got[root.labels.String()] = joined
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("roots (-want +got):\n%s", diff)
			}
		})
	}
}

func BenchmarkArrange(b *testing.B) {
	var scopes []model.LabelSet
	for i := range 1000 {
		scopes = append(scopes, model.LabelSet{"service": model.LabelValue(fmt.Sprint(i))})
	}
	var signals []*watched
	for range 20 {
		signals = append(signals, watchedWith(scopes...))
	}
	for b.Loop() {
		arrange(append(signals, watchedWith(model.LabelSet{})))
	}
}
