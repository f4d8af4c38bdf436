package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/signal"
)

func TestPool(t *testing.T) {
	cluster := model.LabelSet{"cluster": "a"}
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	redis := Evidence{Signal: "cache_up", Labels: cluster, Needed: true}
	verdict := func(service string, s Severity, confidence float64, minutes int, victim signal.Component) Sharer {
		own := Evidence{Signal: "db_qps", Labels: model.LabelSet{"cluster": "a", "service": model.LabelValue(service)}}
		at := noon.Add(time.Duration(minutes) * time.Minute)
		v := &Verdict{
			Rule: "cache_down", Suspect: signal.Cache, Severity: s, Scope: own.Labels, Confidence: confidence, Onset: at, NewestOnset: at,
			Victims: []signal.Component{victim}, Blind: []string{service}, Summary: "Down in " + service + ".", Description: "Down.", Evidence: []Evidence{redis, own},
		}
		return Sharer{Name: service, Own: &v.Evidence[1], Verdict: v}
	}
	quiet := verdict("mail", Critical, 0.5, 9, signal.Cache)
	quiet.Own, quiet.Verdict.Evidence, quiet.Verdict.Victims = nil, []Evidence{redis}, nil
	quiet.Verdict.Plain = true
	from := []Sharer{verdict("shop", Critical, 0.8, 2, signal.Database), verdict("blog", Critical, 0.9, 5, signal.Application), verdict("news", Warning, 0.95, 1, signal.Database), quiet}
	got := Pool(cluster, from)
	want := &Verdict{
		Rule: "cache_down", Suspect: signal.Cache, Severity: Critical, Scope: cluster, Confidence: 0.9, Plain: true,
		Onset: noon.Add(time.Minute), NewestOnset: noon.Add(9 * time.Minute),
		Victims: []signal.Component{signal.Application, signal.Database}, Callers: []string{"shop", "blog", "news"},
		Blind:       []string{"blog", "mail", "news", "shop"},
		Summary:     "Down in blog. Suffering: shop, blog, news.",
		Description: "Down.\nSuffer because they share it: shop, blog, news.\nThe numbers are those of blog.",
		Evidence:    []Evidence{redis, *from[1].Own, *from[0].Own, *from[2].Own},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]signal.Component{signal.Application}, from[1].Verdict.Victims); diff != "" || len(from[1].Verdict.Evidence) != 2 {
		t.Errorf("the verdict on the service has changed: %+v", from[1].Verdict)
	}
	if got := Pool(cluster, nil); got != nil {
		t.Errorf("of nothing: %+v, want nil", got)
	}
	if one := Pool(cluster, from[:1]); strings.Contains(one.Description, "The numbers") {
		t.Errorf("of one service: %q, want nothing about whose the numbers are", one.Description)
	}
}

func TestGravity(t *testing.T) {
	for _, tc := range []struct {
		a, b Severity
		want bool
	}{{Critical, Warning, true}, {Warning, Info, true}, {Info, "unheard of", true}, {Info, Critical, false}} {
		if got := tc.a.Gravity() > tc.b.Gravity(); got != tc.want {
			t.Errorf("%s is graver than %s: %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}
