package rules

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"tidemark/detector"
	"tidemark/signal"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// reading is what a test says of one signal.
type reading struct {
	value, expected float64
	up, down        float64 // surprise
	band            float64 // half-width of the band as a share of expected; 0 is 0.2
	state           detector.State
	err             error
	absent          bool
	support         float64       // per second
	since           time.Duration // how long it has been an anomaly; 0 is 3m
}

// usual is a stack at rest.
func usual() map[string]reading {
	return map[string]reading{
		"request_rate":              {value: 102, expected: 100},
		"error_ratio":               {value: 0.005, expected: 0.005},
		"latency_p99":               {value: 0.100, expected: 0.100},
		"cache_hit_ratio":           {value: 0.93, expected: 0.93},
		"cache_served_ratio":        {value: 0.93, expected: 0.93},
		"cache_lookups_per_request": {value: 1, expected: 1},
		"cache_errors":              {value: 0, expected: 0},
		"cache_up":                  {value: 1, expected: 1},
		"db_queries_per_request":    {value: 0.2, expected: 0.2},
		"db_latency":                {value: 0.005, expected: 0.005},
		"deploys":                   {},
	}
}

func view(t *testing.T, readings map[string]reading, changes ...Change) *View {
	t.Helper()
	v := &View{
		Scope: model.LabelSet{"service": "shop"}, Time: noon, Step: time.Minute,
		Signals: map[string]Sight{}, Changes: changes,
	}
	for name, r := range readings {
		s := signal.Signal{Name: name, Query: "x"}
		if err := s.Complete(signal.Defaults{Scope: []string{"service"}, Step: time.Minute}); err != nil {
			t.Fatal(err)
		}
		sight := Sight{Err: r.err}
		if s.Judged() && r.err == nil {
			band := cmp.Or(r.band, 0.2)
			j := detector.Judgement{
				Time: noon, State: r.state, Value: r.value, Support: r.support, Expected: r.expected,
				Lower: r.expected * (1 - band), Upper: r.expected * (1 + band), Up: r.up, Down: r.down,
			}
			if j.State == detector.Unknown && !r.absent && !math.IsNaN(r.value) {
				j.State = detector.Normal
			}
			if max(r.up, r.down) >= s.Sensitivity {
				j.State, j.Since = detector.Anomalous, noon.Add(-cmp.Or(r.since, 3*time.Minute))
			}
			sight.Series = []Observation{{Signal: &s, Labels: v.Scope, Judgement: j, Absent: r.absent}}
		}
		v.Signals[name] = sight
	}
	return v
}

func builtinSet(t *testing.T) *Set {
	t.Helper()
	s, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// with returns the usual readings with some replaced.
func with(changed map[string]reading) map[string]reading {
	all := usual()
	for name, r := range changed {
		all[name] = r
	}
	return all
}

var (
	drowned   = reading{value: 0.030, expected: 0.005, up: 6}
	slowPages = reading{value: 0.200, expected: 0.100, up: 6}
	manyQ     = reading{value: 1.6, expected: 0.2, up: 8}
	noLookups = reading{value: 0, expected: 1, down: 8}
	failing   = reading{value: 0.03, expected: 0.005, up: 6}
)

func deployed(ago time.Duration) Change {
	return Change{At: noon.Add(-ago), Kind: "deploys", Component: signal.Deploy, What: "version 1.4 → 1.5", Labels: model.LabelSet{"service": "shop"}}
}

func TestBuiltinVerdicts(t *testing.T) {
	for _, tc := range []struct {
		name     string
		readings map[string]reading
		changes  []Change
		rule     string // "" is no verdict
		suspect  signal.Component
		ruledOut []signal.Component
	}{
		{name: "at rest", readings: usual()},
		{
			name: "bypass with all its symptoms",
			readings: with(map[string]reading{
				"cache_lookups_per_request": noLookups, "cache_served_ratio": {value: 0, expected: 0.93, down: 8},
				"cache_hit_ratio": {value: math.NaN()}, "db_queries_per_request": manyQ,
				"db_latency": drowned, "latency_p99": slowPages, "error_ratio": failing,
			}),
			rule: "cache_bypass", suspect: signal.Cache,
			ruledOut: []signal.Component{signal.Traffic, signal.Database, signal.Deploy},
		},
		{
			name: "bypass right after a deploy is still the cache",
			readings: with(map[string]reading{
				"cache_lookups_per_request": noLookups, "db_queries_per_request": manyQ, "latency_p99": slowPages,
			}),
			changes: []Change{deployed(4 * time.Minute)},
			rule:    "cache_bypass", suspect: signal.Cache,
			ruledOut: []signal.Component{signal.Traffic, signal.Database, signal.Deploy},
		},
		{
			name: "a weak witness is enough beside a clear one",
			readings: with(map[string]reading{
				"cache_hit_ratio":        {value: 0.85, expected: 0.93, down: 3.6, band: 0.03},
				"db_queries_per_request": {value: 0.3, expected: 0.2, up: 4.6},
			}),
			rule: "cache_misses", suspect: signal.Cache,
			ruledOut: []signal.Component{signal.Traffic, signal.Database, signal.Deploy},
		},
		{
			name: "two weak ones are not",
			readings: with(map[string]reading{
				"cache_hit_ratio":        {value: 0.85, expected: 0.93, down: 4, band: 0.03},
				"db_queries_per_request": {value: 0.3, expected: 0.2, up: 4.4},
			}),
		},
		{
			name:     "nor is one",
			readings: with(map[string]reading{"cache_hit_ratio": {value: 0.85, expected: 0.93, down: 4.4}}),
		},
		{
			name: "cache down",
			readings: with(map[string]reading{
				"cache_up": {value: 0, expected: 1, down: 8}, "cache_hit_ratio": {value: 0, expected: 0.93, down: 8},
				"db_queries_per_request": manyQ, "db_latency": drowned, "latency_p99": slowPages,
			}),
			rule: "cache_down", suspect: signal.Cache,
			ruledOut: []signal.Component{signal.Traffic, signal.Database, signal.Deploy},
		},
		{
			name: "a cache that is not scraped is not dead",
			readings: with(map[string]reading{
				"cache_up": {value: math.NaN(), absent: true}, "db_queries_per_request": {value: 0.3, expected: 0.2, up: 4.2},
			}),
		},
		{
			name: "unless much more reaches the database",
			readings: with(map[string]reading{
				"cache_up": {value: math.NaN(), absent: true}, "db_queries_per_request": manyQ,
			}),
			rule: "cache_down", suspect: signal.Cache,
			ruledOut: []signal.Component{signal.Traffic, signal.Database, signal.Deploy},
		},
		{
			name: "slow database", readings: with(map[string]reading{"db_latency": drowned, "latency_p99": slowPages}),
			rule: "database_slow", suspect: signal.Database,
			ruledOut: []signal.Component{signal.Traffic, signal.Deploy, signal.Cache},
		},
		{
			name:     "a slow database after a good deploy is still the database",
			readings: with(map[string]reading{"db_latency": drowned, "latency_p99": slowPages}), changes: []Change{deployed(5 * time.Minute)},
			rule: "database_slow", suspect: signal.Database,
			ruledOut: []signal.Component{signal.Traffic, signal.Deploy, signal.Cache},
		},
		{
			name:     "surge",
			readings: with(map[string]reading{"request_rate": {value: 300, expected: 100, up: 8}, "latency_p99": slowPages}),
			rule:     "traffic_surge", suspect: signal.Traffic,
			ruledOut: []signal.Component{signal.Database, signal.Deploy, signal.Cache},
		},
		{
			name:     "bad deploy",
			readings: with(map[string]reading{"latency_p99": slowPages, "error_ratio": failing}), changes: []Change{deployed(4 * time.Minute)},
			rule: "bad_deploy", suspect: signal.Deploy,
			ruledOut: []signal.Component{signal.Traffic, signal.Database, signal.Cache},
		},
		{
			name: "a slow cache after a good deploy is still the cache",
			readings: with(map[string]reading{
				"cache_latency": {value: 0.09, expected: 0.001, up: 6}, "latency_p99": slowPages,
			}),
			changes: []Change{deployed(5 * time.Minute)},
			rule:    "cache_slow", suspect: signal.Cache,
			ruledOut: []signal.Component{signal.Traffic, signal.Database, signal.Deploy},
		},
		{
			name:     "an old deploy is not suspected",
			readings: with(map[string]reading{"latency_p99": slowPages, "error_ratio": failing}), changes: []Change{deployed(2 * time.Hour)},
			rule: "correlated_degradation", suspect: signal.Unknown,
			ruledOut: []signal.Component{signal.Traffic, signal.Database, signal.Deploy, signal.Cache},
		},
		{
			name: "more queries than the misses explain are not the cache's",
			readings: with(map[string]reading{
				"cache_hit_ratio":        {value: 0.91, expected: 0.93, down: 4, band: 0.03},
				"db_queries_per_request": {value: 0.6, expected: 0.2, up: 8},
			}),
		},
		{
			name: "nor is half as much again, if there are many more queries than misses",
			readings: with(map[string]reading{
				"cache_hit_ratio":        {value: 0.90, expected: 0.93, down: 4, band: 0.03, support: 100},
				"db_queries_per_request": {value: 0.3, expected: 0.2, up: 8, support: 200},
			}),
		},
		{
			name:     "queries of requests that were not counted",
			readings: with(map[string]reading{"request_rate": {value: 70, expected: 100}, "db_queries_per_request": {value: 0.28, expected: 0.2, up: 6, since: 7 * time.Minute}}),
			changes:  []Change{deployed(8 * time.Minute)},
		},
		{
			name:     "more queries since a deploy, but only just",
			readings: with(map[string]reading{"db_queries_per_request": {value: 0.28, expected: 0.2, up: 6, since: 5 * time.Minute}}),
			changes:  []Change{deployed(6 * time.Minute)},
		},
		{
			name:     "more queries since a deploy",
			readings: with(map[string]reading{"db_queries_per_request": {value: 0.28, expected: 0.2, up: 6, since: 6 * time.Minute}}),
			changes:  []Change{deployed(7 * time.Minute)},
			rule:     "bad_deploy", suspect: signal.Deploy,
			ruledOut: []signal.Component{signal.Traffic, signal.Database, signal.Cache},
		},
		{
			name: "a full pool hurts soon",
			readings: with(map[string]reading{
				"db_connections_used_ratio": {value: 1, expected: 0.2, up: 8}, "db_pool_wait": {value: 0.008, expected: 0.0001, up: 8},
			}),
			rule: "database_pool_exhausted", suspect: signal.Database,
			ruledOut: []signal.Component{signal.Traffic, signal.Deploy, signal.Cache},
		},
		{
			name: "a job at night and a colder cache hurt nobody",
			readings: with(map[string]reading{
				"cache_hit_ratio":        {value: 0.91, expected: 0.93, down: 5, band: 0.03},
				"db_queries_per_request": {value: 0.6, expected: 0.2, up: 8},
			}),
		},
		{name: "a surge that hurts nobody", readings: with(map[string]reading{"request_rate": {value: 300, expected: 100, up: 8}})},
		{name: "a deploy alone is no incident", readings: usual(), changes: []Change{deployed(time.Minute)}},
		{name: "one symptom alone is no incident", readings: with(map[string]reading{"error_ratio": failing})},
		{
			name: "blind on the database: the cache is not named on one witness",
			readings: with(map[string]reading{
				"cache_lookups_per_request": noLookups, "db_queries_per_request": {err: errors.New("timeout")},
			}),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := builtinSet(t).Eval(view(t, tc.readings, tc.changes...), "")
			if res.Best == nil {
				if tc.rule != "" {
					t.Fatalf("no verdict, want %s", tc.rule)
				}
				return
			}
			got := res.Best
			if got.Rule != tc.rule || got.Suspect != tc.suspect {
				t.Fatalf("verdict is %s (suspect %s), want %q (suspect %q)\n%s", got.Rule, got.Suspect, tc.rule, tc.suspect, got.Description)
			}
			var out []signal.Component
			for _, r := range got.RuledOut {
				out = append(out, r.Component)
			}
			if diff := gocmp.Diff(tc.ruledOut, out); diff != "" {
				t.Errorf("ruled out (-want +got):\n%s", diff)
			}
			if slices.Contains(got.Victims, got.Suspect) {
				t.Errorf("the suspect %s is among the victims %v", got.Suspect, got.Victims)
			}
			if got.Confidence <= 0 || got.Confidence > 1 {
				t.Errorf("confidence %g is not a share", got.Confidence)
			}
			if strings.Contains(got.Description, "NaN") {
				t.Errorf("the description shows a NaN:\n%s", got.Description)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	for _, tc := range []struct {
		name     string
		readings map[string]reading
		want     bool
	}{
		{"two witnesses as clear as can be", map[string]reading{"cache_lookups_per_request": noLookups, "db_queries_per_request": manyQ}, true},
		{"one of them is less so", map[string]reading{
			"cache_lookups_per_request": {value: 0, expected: 1, down: 7}, "db_queries_per_request": manyQ,
		}, false},
		{"a weak symptom takes nothing away", map[string]reading{
			"cache_lookups_per_request": noLookups, "db_queries_per_request": manyQ, "error_ratio": failing,
		}, true},
		{"one witness", map[string]reading{"db_latency": {value: 0.03, expected: 0.005, up: 9}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := builtinSet(t).Eval(view(t, with(tc.readings)), "").Best
			if got == nil || got.Plain != tc.want {
				t.Errorf("verdict %+v, want plain %v", got, tc.want)
			}
		})
	}
}

func TestDescription(t *testing.T) {
	readings := with(map[string]reading{
		"cache_lookups_per_request": {value: 0.1, expected: 1, down: 8}, "cache_served_ratio": {value: 0.09, expected: 0.93, down: 8},
		"db_queries_per_request": manyQ, "db_latency": drowned,
		"latency_p99": {value: 0.131, expected: 0.100, up: 5}, "error_ratio": {err: errors.New("timeout")},
	})
	c := Change{At: noon.Add(-5 * time.Minute), Kind: "cache_settings", Component: signal.Cache, What: "cache settings max_bytes 64 → 1"}
	got := builtinSet(t).Eval(view(t, readings, c), "").Best
	want := `Requests go past the cache: cache lookups are 0.1 per request (usually 1 per request), 9 % of reads are served from it (usually 93 %), database queries per request 8× normal.
Look at: cache. Victims: database (database queries per request +700 %, database time per query +500 %), application (latency p99 +31 %).
Not traffic: requests 102/s, inside the usual 80–120/s. Not the database: database queries per request 8× normal since 11:57:00 UTC, it is drowned. Not a deploy: no version change in the 15m before it began.
Changed just before: cache settings max_bytes 64 → 1 at 11:55:00 UTC.
Could not be read: error_ratio.`
	if diff := gocmp.Diff(want, got.Description); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
}

func TestOpenIncidentHysteresis(t *testing.T) {
	set := builtinSet(t)
	for _, tc := range []struct {
		name     string
		readings map[string]reading
		want     Outcome
	}{
		{"evidence fades but is still outside", with(map[string]reading{
			"cache_lookups_per_request": {value: 0.7, expected: 1, down: 2},
			"db_queries_per_request":    {value: 0.3, expected: 0.2, up: 2},
		}), Met},
		{"values are back though windows still hold the deviation", with(map[string]reading{
			"cache_lookups_per_request": {value: 0.99, expected: 1, down: 8},
			"db_queries_per_request":    {value: 0.2, expected: 0.2, up: 8},
		}), NotMet},
		{"a gap is not good news", with(map[string]reading{
			"cache_lookups_per_request": {value: math.NaN()},
			"db_queries_per_request":    {value: math.NaN()},
		}), Unseen},
		{"unreadable is not good news", with(map[string]reading{
			"cache_lookups_per_request": {err: errors.New("timeout")},
			"db_queries_per_request":    {value: 0.2, expected: 0.2},
		}), Unseen},
		{"what can be read of it goes on", with(map[string]reading{
			"cache_lookups_per_request": {err: errors.New("timeout")},
			"db_queries_per_request":    manyQ,
		}), Met},
		{"one of two witnesses is back to normal", with(map[string]reading{
			"cache_lookups_per_request": noLookups,
			"db_queries_per_request":    {value: 0.2, expected: 0.2},
		}), Met},
		{"all is unreadable", with(map[string]reading{
			"cache_lookups_per_request": {err: errors.New("timeout")},
			"db_queries_per_request":    {err: errors.New("timeout")},
		}), Unseen},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := set.Eval(view(t, tc.readings), "cache_bypass").Open; got != tc.want {
				t.Errorf("outcome %v, want %v", got, tc.want)
			}
		})
	}
	if got := set.Eval(view(t, usual()), "a_rule_that_was_removed").Open; got != NotMet {
		t.Errorf("outcome of a removed rule %v, want %v", got, NotMet)
	}
}

// TestLeftovers checks that an anomaly which outlived the scope's last incident
// neither hides a deploy nor dates the next incident back.
func TestLeftovers(t *testing.T) {
	v := view(t, with(map[string]reading{"latency_p99": slowPages, "error_ratio": failing}), deployed(5*time.Minute))
	old := v.Signals["latency_p99"].Series[0]
	old.Judgement.Since = noon.Add(-12 * time.Minute)
	v.Signals["latency_p99"].Series[0] = old
	v.After = noon.Add(-10 * time.Minute)
	got := builtinSet(t).Eval(v, "").Best
	if got == nil || got.Rule != "bad_deploy" {
		t.Fatalf("verdict %+v, want bad_deploy", got)
	}
	if want := noon.Add(-3 * time.Minute); !got.Onset.Equal(want) {
		t.Errorf("onset %v, want %v, of the evidence that is new", got.Onset, want)
	}
}

// TestTemplateFailsAtRunTime checks that a template which cannot be shown, or says
// nothing, pages with a plain sentence.
func TestTemplateFailsAtRunTime(t *testing.T) {
	for _, tc := range []struct {
		name    string
		suspect signal.Component
		summary string
		want    string
	}{
		{"it fails", signal.Cache, `{{ with sig "cache_up" }}{{ slice .Value 0 4 }}{{ end }}odd`, "Odd: look at the cache (its summary cannot be shown: the template is wrong: <slice .Value 0 4>: error calling slice: index out of range: 4)"},
		{"it is empty", signal.Unknown, `{{ with up "cache_up" }}{{ .Value }}{{ end }}`, "Odd: the cause is not known (its summary is empty)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &Rule{Name: "odd", Suspect: tc.suspect, All: []Condition{{Signals: signal.Names{"cache_up"}, Below: new(0.5)}}, Summary: tc.summary}
			if ps := r.check(); ps != nil {
				t.Fatal(ps)
			}
			set := &Set{rules: []*Rule{r}}
			got := set.Eval(view(t, with(map[string]reading{"cache_up": {value: 0, expected: 1, down: 8}})), "").Best
			if got == nil || got.Summary != tc.want {
				t.Errorf("got verdict %+v, want the summary %q", got, tc.want)
			}
		})
	}
}

// TestAtOnce checks that a cache that does not fill after a restart waits no longer.
func TestAtOnce(t *testing.T) {
	v := view(t, with(map[string]reading{
		"cache_hit_ratio": {value: 0.6, expected: 0.93, down: 8, since: 6 * time.Minute}, "db_queries_per_request": {value: 1.6, expected: 0.2, up: 8, since: 6 * time.Minute},
	}), Change{At: noon.Add(-7 * time.Minute), Kind: "process_restarts", Component: signal.Application})
	v.Signals["process_restarts"] = Sight{}
	o := &v.Signals["cache_hit_ratio"].Series[0]
	for _, tc := range []struct {
		steady, want time.Duration
	}{{time.Minute, 10 * time.Minute}, {3 * time.Minute, 0}} {
		o.Course = Course{Began: noon.Add(-6 * time.Minute), steady: noon.Add(-tc.steady), struck: noon.Add(-4 * time.Minute), flat: noon}
		got := builtinSet(t).Eval(v, "").Best
		if got == nil || got.Rule != "cache_cold" || got.For != tc.want {
			t.Errorf("steady for %v: verdict %+v, want cache_cold that waits for %v", tc.steady, got, tc.want)
		}
	}
}
