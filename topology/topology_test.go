package topology

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAmong(t *testing.T) {
	for _, tc := range []struct {
		name    string
		edges   []Edge
		watched []string
		want    map[string][]string // callees
	}{
		{"all", []Edge{{"web", "cart"}, {"cart", "db"}}, []string{"web", "cart", "db"}, map[string][]string{"web": {"cart"}, "cart": {"db"}}},
		{"through what nobody watches", []Edge{{"web", "lb"}, {"lb", "cart"}, {"lb", "ads"}}, []string{"web", "cart", "ads"}, map[string][]string{"web": {"ads", "cart"}}},
		{"through a cycle that nobody watches", []Edge{{"web", "x"}, {"x", "y"}, {"y", "x"}, {"y", "cart"}}, []string{"web", "cart"}, map[string][]string{"web": {"cart"}}},
		{"not to itself", []Edge{{"web", "lb"}, {"lb", "web"}}, []string{"web"}, map[string][]string{}},
		{"nobody", []Edge{{"web", "cart"}}, nil, map[string][]string{}},
		{"edges that stand twice, and to itself", []Edge{{"a", "b"}, {"a", "b"}, {"a", "a"}}, []string{"a", "b"}, map[string][]string{"a": {"b"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := New(tc.edges).Among(func(s string) bool { return slices.Contains(tc.watched, s) })
			got := map[string][]string{}
			for _, s := range tc.watched {
				if callees := g.Callees(s); len(callees) > 0 {
					got[s] = callees
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("callees (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReaches(t *testing.T) {
	g := New([]Edge{{"web", "cart"}, {"cart", "db"}, {"ads", "db"}, {"db", "disk"}, {"disk", "db"}})
	for _, tc := range []struct {
		name, service string
		among, want   []string
	}{
		{"directly and through others", "db", []string{"web", "cart", "db", "ads"}, []string{"web", "cart", "ads"}},
		{"not through one that is well", "db", []string{"web", "ads"}, []string{"ads"}},
		{"not what it calls itself", "cart", []string{"db", "web"}, []string{"web"}},
		{"in a cycle", "db", []string{"db", "disk"}, []string{"disk"}},
		{"unknown", "nobody", []string{"web"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, g.Reaches(tc.service, tc.among)); diff != "" {
				t.Errorf("callers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEdges(t *testing.T) {
	want := []Edge{{"a", "b"}, {"a", "c"}, {"b", "a"}}
	if diff := cmp.Diff(want, New([]Edge{{"b", "a"}, {"a", "c"}, {"a", "b"}}).Edges()); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
}
