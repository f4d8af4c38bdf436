package alerting

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

var (
	exampleNow      = time.Date(2026, 3, 1, 22, 10, 0, 0, time.UTC)
	exampleExternal = model.LabelSet{"cluster": "a", "severity": "external", "service": "external"}
)

// example returns the incident that the project is for.
func example() incident.Incident {
	onset := time.Date(2026, 3, 1, 22, 2, 0, 123456789, time.FixedZone("CET", 3600)).Add(time.Hour)
	return incident.Incident{
		ID: "a1b2c3d4e5f60718", State: incident.Firing,
		StartedAt: onset, DetectedAt: onset.Add(time.Minute), FiredAt: onset.Add(2 * time.Minute), LastSeen: onset.Add(6 * time.Minute),
		Verdict: rules.Verdict{
			Rule: "cache_bypass", Alert: "CacheBypass", Suspect: signal.Cache, Severity: rules.Critical,
			Scope: model.LabelSet{"service": "shop"}, Confidence: 0.934, Onset: onset,
			Victims:     []signal.Component{signal.Database},
			Summary:     "Requests go past the cache.",
			Description: "Requests go past the cache.\nLook at: cache. Victims: database.",
			Runbook:     "/runbooks/cache-bypass",
			Evidence: []rules.Evidence{
				{
					Signal: "cache_hit_ratio", Title: "cache hit ratio", Component: signal.Cache, Direction: detector.Down, Since: onset,
					Value: 0.41, Expected: 0.93, Lower: 0.9, Upper: 0.95, Score: -12,
				},
				{
					Signal: "own_signal", Component: signal.Database, Direction: detector.Up, Since: onset,
					Value: 123.456, Expected: math.NaN(), Lower: math.NaN(), Upper: math.Inf(1), Score: 4,
				},
			},
			RuledOut: []rules.RuledOut{
				{Component: signal.Traffic, Because: "102/s is inside 85/s to 130/s"},
				{Component: signal.Deploy, Because: "no change since 14:10"},
			},
		},
	}
}

func exampleResolved() incident.Incident {
	in := example()
	in.State, in.ResolvedAt, in.SupersededBy = incident.Resolved, in.StartedAt.Add(7*time.Minute), "0011223344556677"
	in.Verdict.Runbook = "https://wiki.example.org/cache"
	return in
}

func TestAlert(t *testing.T) {
	b := builder{external: mustURL("https://tidemark.example.org/t"), labels: exampleExternal}
	for name, in := range map[string]incident.Incident{"firing": example(), "resolved": exampleResolved()} {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(b.offer(in, exampleNow).at(exampleNow, 4*time.Minute), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "alert_"+name+".json", append(got, '\n'))
		})
	}
}

func TestWithoutExternalURL(t *testing.T) {
	a := builder{}.offer(exampleResolved(), exampleNow).alert
	if a.GeneratorURL != "" || a.Annotations["runbook_url"] != "https://wiki.example.org/cache" || a.Annotations["superseded_by"] != "incident 0011223344556677" {
		t.Errorf("got %+v", a)
	}
	a = builder{}.offer(example(), exampleNow).alert
	if got := a.Annotations["runbook_url"]; got != "/runbooks/cache-bypass" {
		t.Errorf("got runbook_url %q, want the path", got)
	}
}

func TestValid(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, tc := range []struct {
		name     string
		in, want model.LabelSet
	}{
		{"fine", model.LabelSet{"service": "shop"}, model.LabelSet{"service": "shop"}},
		{"empty value", model.LabelSet{"service": ""}, model.LabelSet{}},
		{"empty name", model.LabelSet{"": "x"}, model.LabelSet{}},
		{"dots and colons", model.LabelSet{"k8s.pod:name": "x"}, model.LabelSet{"k8s_pod_name": "x"}},
		{"leading digit", model.LabelSet{"9lives": "x"}, model.LabelSet{"_lives": "x"}},
		{"umlaut", model.LabelSet{"größe": "x"}, model.LabelSet{"gr__e": "x"}},
		{"mended name is taken", model.LabelSet{"a.b": "x", "a_b": "y"}, model.LabelSet{"a_b": "y"}},
		{"broken UTF-8", model.LabelSet{"service": "sh\xffop"}, model.LabelSet{"service": "sh\uFFFDop"}},
		{"too long", model.LabelSet{"service": model.LabelValue(long)}, model.LabelSet{"service": model.LabelValue(strings.Repeat("é", 48) + "…")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := valid(tc.in, 100)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for name, value := range got {
				if !model.LegacyValidation.IsValidLabelName(string(name)) || !utf8.ValidString(string(value)) || len(value) > 100 {
					t.Errorf("%q=%q is not valid", name, value)
				}
			}
		})
	}
}
