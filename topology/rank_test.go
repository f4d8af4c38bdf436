package topology

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// slow is a service whose latency rises by so many seconds at that rate.
func slow(name string, rise, rate float64) Service {
	return Service{Name: name, Rate: rate, Symptoms: []Symptom{{Class: "latency", Rise: rise, Surprise: 8}}}
}

// calm is a service whose latency rises by no more than usual.
func calm(name string, rise float64) Service {
	return Service{Name: name, Rate: 1, Symptoms: []Symptom{{Class: "latency", Rise: rise}}}
}

// also adds a symptom.
func also(s Service, p Symptom) Service {
	s.Symptoms = append(s.Symptoms, p)
	return s
}

func TestRank(t *testing.T) {
	chain := []Edge{{"web", "cart"}, {"cart", "db"}}
	for _, tc := range []struct {
		name     string
		edges    []Edge
		services []Service
		want     []string
	}{
		{"nothing", chain, nil, []string{}},
		{"nothing surprises", chain, []Service{calm("web", 1)}, []string{}},
		{"the end of a chain", chain, []Service{slow("web", 1.0, 10), slow("cart", 1.0, 10), slow("db", 0.9, 10)}, []string{"db", "cart", "web"}},
		{"the middle of a chain", chain, []Service{slow("web", 0.5, 10), slow("cart", 0.5, 10), calm("db", 0.01)}, []string{"cart", "web"}},
		{"a callee that is not surprising explains all the same", chain, []Service{slow("web", 0.5, 10), slow("cart", 0.4, 10), calm("db", 0.3)}, []string{"cart", "web"}},
		{"a caller that adds the most by itself", chain, []Service{slow("web", 3, 10), slow("cart", 0.2, 10)}, []string{"web", "cart"}},
		{"many calls of a fast service weigh as much as few of a slow one", []Edge{{"web", "currency"}, {"web", "email"}},
			[]Service{slow("currency", 0.2, 100), slow("email", 1, 2)}, []string{"currency", "email"}},
		{"without the rates of all, rates are left out", []Edge{{"web", "currency"}, {"web", "email"}},
			[]Service{slow("currency", 0.2, 100), slow("email", 1, math.NaN())}, []string{"email", "currency"}},
		{"a cycle", []Edge{{"a", "b"}, {"b", "a"}}, []Service{slow("a", 1, 1), slow("b", 2, 1)}, []string{"b", "a"}},
		{"a cycle that explains everything", []Edge{{"a", "b"}, {"b", "a"}}, []Service{slow("a", 1, 1), slow("b", 1, 2)}, []string{"b", "a"}},
		{"services that the graph does not know", nil, []Service{slow("a", 1, 1), slow("b", 2, 1)}, []string{"b", "a"}},
		{"equals in the order of their names", nil, []Service{slow("b", 1, 1), slow("a", 1, 1)}, []string{"a", "b"}},
		{"errors are told apart from seconds", chain, []Service{
			also(slow("web", 0.01, 10), Symptom{Class: "ratio", Rise: 0.2, Surprise: 9}),
			also(slow("cart", 0, 10), Symptom{Class: "ratio", Rise: 0.2, Surprise: 9}),
		}, []string{"cart", "web"}},
		{"a class in which little happens has little to say", chain, []Service{
			also(slow("web", 0.5, 10), Symptom{Class: "ratio", Rise: 0.001, Surprise: 3}),
			slow("cart", 0.5, 10),
		}, []string{"cart", "web"}},
		{"what is local needs no callee", chain, []Service{
			slow("web", 2, 10),
			also(slow("cart", 1.5, 10), Symptom{Class: "gauge", Rise: 80, Surprise: 10, Local: true}),
		}, []string{"cart", "web"}},
		{"calls of a slow callee fail", chain, []Service{
			also(slow("web", 0.5, 10), Symptom{Class: "ratio", Rise: 0.2, Surprise: 10, Follows: "latency"}),
			slow("cart", 0.5, 10),
		}, []string{"cart", "web"}},
		{"a callee that is hardly slow explains few of the errors", chain, []Service{
			also(slow("web", 0.1, 10), Symptom{Class: "ratio", Rise: 0.2, Surprise: 12, Follows: "latency"}),
			{Name: "cart", Rate: 10, Symptoms: []Symptom{{Class: "latency", Rise: 0.1, Surprise: 2}}},
		}, []string{"web", "cart"}},
		{"a rise that is not known", chain, []Service{slow("web", math.NaN(), 10), slow("cart", 0.5, 10)}, []string{"cart", "web"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := New(tc.edges).Rank(tc.services)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("ranking (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNoGraph checks that what is not there is a graph without services.
func TestNoGraph(t *testing.T) {
	var g *Graph
	if g.Knows("a") || g.Calls("a", "b") || g.Among(func(string) bool { return true }).Knows("a") {
		t.Error("a graph that is not there knows services")
	}
	if got := g.Rank([]Service{slow("a", 1, 1)}); !cmp.Equal(got, []string{"a"}) {
		t.Errorf("ranking without a graph is %v, want [a]", got)
	}
}
