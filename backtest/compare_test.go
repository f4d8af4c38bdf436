package backtest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"

	"tidemark/config"
	"tidemark/incident"
	"tidemark/rules"
	"tidemark/series"
	"tidemark/signal"
)

func TestCompare(t *testing.T) {
	shop, news := model.LabelSet{"service": "shop"}, model.LabelSet{"service": "news"}
	stats := Stats{Start: start, End: end, Step: step, Slots: 481}
	severe := func(in incident.Incident, s rules.Severity) incident.Incident {
		in.Verdict.Severity, in.Verdict.Summary = s, "Trouble."
		return in
	}
	a := &Report{Stats: stats, Incidents: []incident.Incident{
		severe(page("a1", "CacheBypass", "cache_bypass", signal.Cache, shop, 30, 60), rules.Critical),
		severe(page("a2", "DatabaseSlow", "database_slow", signal.Database, shop, 40, 60), rules.Critical),
		severe(page("a3", "TrafficSurge", "traffic_surge", signal.Traffic, shop, 100, 120), rules.Warning),
		severe(page("a4", "CacheDown", "cache_down", signal.Cache, news, 200, 220), rules.Critical),
		severe(page("a5", "CacheCold", "cache_cold", signal.Cache, news, 300, 0), rules.Critical),
	}}
	b := &Report{Stats: stats, Incidents: []incident.Incident{
		severe(page("b1", "DatabaseSlow", "database_slow", signal.Database, shop, 35, 60), rules.Critical), // the same rule, although a1 begins earlier
		severe(page("b2", "CacheMisses", "cache_misses", signal.Cache, shop, 33, 60), rules.Warning),
		severe(page("b3", "TrafficSurge", "traffic_surge", signal.Traffic, news, 100, 120), rules.Warning), // another scope
		severe(page("b4", "CacheDown", "cache_down", signal.Cache, model.LabelSet{"service": "news", "region": "eu"}, 200, 0), rules.Critical),
		severe(page("b5", "CacheCold", "cache_cold", signal.Cache, news, 300, 0), rules.Critical),
	}}
	b.Incidents[3].SuppressedBy = "mine"
	faults := []Fault{{Start: after(28), End: after(60), Scope: shop, Component: signal.Cache}}
	a.Truth, b.Truth = a.Assess(faults, 0), b.Assess(faults, 0)
	a.Comparison = compare("other.yml", a, b)
	var text bytes.Buffer
	a.writeComparison(&text)
	want := `
compared       here   other.yml
incidents      5      5
anomalies      0      0
recall         100 %  100 %
precision      40 %   50 %
delay, median  2m     5m
cause right    100 %  100 %
one incident   0 %    0 %
1 only here, 1 only there, 4 in both, 1 of them the same
  only here   Wed 2025-03-05 13:38:00  TrafficSurge  {service="shop"}  Trouble.
  only there  Wed 2025-03-05 13:38:00  TrafficSurge  {service="news"}  Trouble.
  both        Wed 2025-03-05 12:28:00  CacheBypass   {service="shop"}  there CacheMisses, there warning, here critical, onset 3m later there, page 3m later there
  both        Wed 2025-03-05 12:38:00  DatabaseSlow  {service="shop"}  onset 5m earlier there, page 5m earlier there
  both        Wed 2025-03-05 15:18:00  CacheDown     {service="news"}  there suppressed by mine, there in {region="eu", service="news"}, there it goes on at the end of the range
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	page := render(t, a)
	for _, want := range []string{"<h2>Compared with other.yml</h2>", "1 incidents only here, 1 only there, 4 in both, 1 of them the same."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
	var form bytes.Buffer
	if err := a.WriteJSON(&form); err != nil {
		t.Fatal(err)
	}
	var got struct{ Compare map[string]any }
	if err := json.Unmarshal(form.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if n := len(got.Compare["incidents"].([]any)); n != 5 {
		t.Errorf("got %d incidents of the other, want 5", n)
	}
	delete(got.Compare, "incidents")
	delete(got.Compare, "truth")
	pair := func(a, b string, rule bool, onset, page float64) any {
		return map[string]any{"a": a, "b": b, "same_rule": rule, "same_suspect": true, "onset_shift_seconds": onset, "page_shift_seconds": page}
	}
	wantForm := map[string]any{
		"file": "other.yml", "anomalies": []any{}, "only_a": []any{"a3"}, "only_b": []any{"b3"},
		"both": []any{pair("a1", "b2", false, 180, 180), pair("a2", "b1", true, -300, -300), pair("a4", "b4", true, 0, 0), pair("a5", "b5", true, 0, 0)},
	}
	if diff := cmp.Diff(wantForm, got.Compare); diff != "" {
		t.Errorf("compare (-want +got):\n%s", diff)
	}
}

func TestGatherAsksOnce(t *testing.T) {
	first := []signal.Signal{{Name: "request_rate", Query: "a"}, {Name: "db_qps", Query: "b", Scope: []string{"x", "y"}}}
	second := []signal.Signal{
		{Name: "qps", Query: "b", Scope: []string{"y", "x"}, Sensitivity: 6}, // the same question by another name
		{Name: "request_rate", Query: "a", Support: "s"},                     // another question by the same name
		{Name: "latency", Query: "c"},
	}
	all, feeds := gather(first, second, "other.yml")
	var names []string
	frames := make([]series.Frame, len(all))
	for i, s := range all {
		names = append(names, s.Name)
		frames[i] = series.Frame{Signal: s.Name}
	}
	if diff := cmp.Diff([]string{"request_rate", "db_qps", "request_rate of other.yml", "latency"}, names); diff != "" {
		t.Errorf("signals to read (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([2]feed{{{"request_rate", 0}, {"db_qps", 1}}, {{"qps", 1}, {"request_rate", 2}, {"latency", 3}}}, feeds, cmp.AllowUnexported(feedEntry{})); diff != "" {
		t.Errorf("feeds (-want +got):\n%s", diff)
	}
	if got := feeds[1].of(frames)[1].Signal; got != "request_rate" || frames[2].Signal != "request_rate of other.yml" {
		t.Errorf("the lane is given %q, want its own name, and what was read unchanged: %q", got, frames[2].Signal)
	}
}

func TestComparable(t *testing.T) {
	o := Options{Config: load(t, configuration(t, "http://127.0.0.1:1", "", signals)), OtherName: "other.yml", Start: start, End: end}
	for _, tc := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"server", func(c *config.Config) { c.Prometheus.URL.Host = "127.0.0.1:2" }, "other.yml: prometheus.url is not that of the first configuration"},
		{"history", func(c *config.Config) { c.Prometheus.History *= 2 }, "other.yml: prometheus.history 8d is not 4d as in the first configuration"},
		{"interval", func(c *config.Config) { c.Global.EvaluationInterval *= 2 }, "other.yml: evaluation_interval 2m is not 1m as in the first configuration"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o.Other = load(t, configuration(t, "http://127.0.0.1:1", "", signals))
			tc.change(o.Other)
			if _, err := Run(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got error %v, want %s…", err, tc.want)
			}
		})
	}
}

// testComparison checks that the second configuration finds what it finds alone.
func testComparison(t *testing.T, url string) {
	a := load(t, configuration(t, url, "", signals))
	without := strings.Replace(signals, "{name: db_latency,", "{name: query_time, kind: latency, component: database,", 1)
	b := load(t, configuration(t, url, "", without))
	a.Prometheus.History = model.Duration(30 * time.Hour) // enough to judge
	b.Prometheus.History = a.Prometheus.History
	end := end.Add(-90 * time.Minute)
	report, err := Run(t.Context(), Options{Config: a, Other: b, OtherName: "other.yml", Start: start, End: end})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := Run(t.Context(), Options{Config: b, Start: start, End: end})
	if err != nil {
		t.Fatal(err)
	}
	c := report.Comparison
	opts := []cmp.Option{cmpopts.EquateNaNs(), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(alone.Incidents, c.Other.Incidents, opts...); diff != "" {
		t.Errorf("incidents (-alone +compared):\n%s", diff)
	}
	if diff := cmp.Diff(alone.Anomalies, c.Other.Anomalies, opts...); diff != "" {
		t.Errorf("anomalies (-alone +compared):\n%s", diff)
	}
	if len(c.Both) == 0 || c.Both[0].A.Verdict.Alert != "CacheBypass" || c.Both[0].Differences() != "" {
		t.Errorf("got pairs %v, want the bypass first, found by both alike", c.Both)
	}
	differs := len(c.OnlyA) > 0
	for _, p := range c.Both {
		differs = differs || p.A.Verdict.Alert == "DatabaseSlow" && p.B.Verdict.Alert != "DatabaseSlow"
	}
	if !differs {
		t.Errorf("a slow database is found without the signal that the rule needs: %v", c.Both)
	}
	if n := len(report.Stats.Signals); n != len(a.Signals) {
		t.Errorf("%d signals were read, want the %d of the first: the queries are the same", n, len(a.Signals))
	}
}
