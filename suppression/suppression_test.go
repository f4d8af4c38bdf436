package suppression

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"tidemark/incident"
	"tidemark/rules"
	"tidemark/signal"
)

var berlin = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return loc
}()

// monday is 02:10 on a Monday in Berlin.
var monday = time.Date(2026, 3, 2, 1, 10, 0, 0, time.UTC)

// misses is an incident that has fired at a time.
func misses(fired time.Time) incident.Incident {
	return incident.Incident{
		ID: "a1b2c3d4e5f60718", State: incident.Firing, StartedAt: fired.Add(-2 * time.Minute), FiredAt: fired, LastSeen: fired.Add(20 * time.Minute),
		Verdict: rules.Verdict{
			Rule: "cache_misses", Suspect: signal.Cache, Severity: rules.Warning, Scope: model.LabelSet{"service": "shop", "zone": "a"},
			Evidence: []rules.Evidence{{Signal: "db_qps"}, {Signal: "cache_hit_ratio"}, {Signal: "db_qps"}},
		},
	}
}

// parse reads the section of a configuration.
func parse(t *testing.T, text string) List {
	t.Helper()
	l, err := load(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func load(text string) (List, error) {
	var c struct{ Suppressions List }
	if err := yaml.UnmarshalStrict([]byte(text), &c); err != nil {
		return nil, err
	}
	return c.Suppressions, c.Suppressions.Complete(berlin)
}

// entry is a suppression with further lines.
func entry(lines ...string) string {
	return "suppressions:\n- name: mine\n  reason: known\n  until: 2026-04-01\n  " + strings.Join(lines, "\n  ") + "\n"
}

func TestCovering(t *testing.T) {
	const window = "times: [{weekdays: [monday], times: [{start_time: '02:00', end_time: '04:00'}]}]"
	at := monday.Add(10 * time.Minute)
	for _, tc := range []struct {
		name   string
		entry  string
		change func(*incident.Incident)
		at     time.Time
		want   bool
	}{
		{"the rule", entry("rule: cache_misses"), nil, at, true},
		{"another rule", entry("rule: cache_down"), nil, at, false},
		{"the scope", entry("scope: {service: shop}"), nil, at, true},
		{"another scope", entry("scope: {service: blog}"), nil, at, false},
		{"one label of two differs", entry("scope: {service: shop, zone: b}"), nil, at, false},
		{"a label that it does not have", entry("scope: {service: shop, shard: '1'}"), nil, at, false},
		{"a selector", entry(`scope: '{service=~"shop|blog", zone!="b"}'`), nil, at, true},
		{"a selector of others", entry(`scope: '{service!~"shop|blog"}'`), nil, at, false},
		{"its signals", entry("signals: [cache_hit_ratio, db_qps, latency_p99]"), nil, at, true},
		{"evidence beyond the signals", entry("signals: [cache_hit_ratio]"), nil, at, false},
		{"its severity", entry("rule: cache_misses", "max_severity: warning"), nil, at, true},
		{"graver", entry("rule: cache_misses", "max_severity: warning"), func(in *incident.Incident) { in.Verdict.Severity = rules.Critical }, at, false},
		{"less grave", entry("rule: cache_misses", "max_severity: critical"), nil, at, true},
		{"expired by a date of the zone", entry("rule: cache_misses"), nil, time.Date(2026, 3, 31, 22, 0, 0, 0, time.UTC), false},
		{"just before", entry("rule: cache_misses"), nil, time.Date(2026, 3, 31, 21, 59, 0, 0, time.UTC), true},
		{"in its window", entry("rule: cache_misses", window), nil, at, true},
		{"pending in its window", entry("rule: cache_misses", window), func(in *incident.Incident) { in.State, in.FiredAt = incident.Pending, time.Time{} }, at, true},
		{"after its window", entry("rule: cache_misses", window), nil, monday.Add(110 * time.Minute), false},
		{"fired before the window", entry("rule: cache_misses", window), func(in *incident.Incident) { in.FiredAt = monday.Add(-11 * time.Minute) }, at, false},
		{"another weekday", entry("rule: cache_misses", window), func(in *incident.Incident) { in.FiredAt = in.FiredAt.AddDate(0, 0, 1) }, at.AddDate(0, 0, 1), false},
		{"a window with a zone of its own", entry("rule: cache_misses", "times: [{location: UTC, times: [{start_time: '01:00', end_time: '01:30'}]}]"), nil, at, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := misses(monday)
			if tc.change != nil {
				tc.change(&in)
			}
			want := ""
			if tc.want {
				want = "mine"
			}
			if got := parse(t, tc.entry).Covering(in, tc.at); got != want {
				t.Errorf("covered by %q, want %q", got, want)
			}
		})
	}
}

func TestExpired(t *testing.T) {
	l := parse(t, entry("rule: a")+"- {name: other, rule: b, reason: r, until: '2026-03-02T02:10:00+01:00'}\n")
	for _, tc := range []struct {
		at   time.Time
		want int
	}{{monday.Add(-time.Second), 0}, {monday, 1}, {monday.AddDate(1, 0, 0), 2}} {
		if got := l.Expired(tc.at); len(got) != tc.want {
			t.Errorf("at %s: %d expired, want %d", tc.at, len(got), tc.want)
		}
	}
	if l.Named("other") != &l[1] || l.Named("none") != nil {
		t.Errorf("got %v and %v, want the second, and none", l.Named("other"), l.Named("none"))
	}
}

func TestBadSuppressions(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"no name", "suppressions: [{rule: a, reason: r, until: 2026-04-01}]", "name is missing"},
		{"covers everything", "suppressions: [{name: mine, reason: r, until: 2026-04-01}]", `suppression "mine": nothing says what it covers: write a rule, a scope or signals`},
		{"an empty scope", entry("scope: {}"), "nothing says what it covers"},
		{"no reason", "suppressions: [{name: mine, rule: a, until: 2026-04-01}]", "reason is missing"},
		{"for ever", "suppressions: [{name: mine, rule: a, reason: r}]", "until is missing: write when to look again"},
		{"not a time", "suppressions: [{name: mine, rule: a, reason: r, until: tomorrow}]", `until "tomorrow" is not a time: write a date such as 2026-12-24`},
		{"unknown severity", entry("rule: a", "max_severity: page"), `max_severity "page" is not known: write info, warning or critical`},
		{"not a selector", entry(`scope: '{service=shop}'`), `scope "{service=shop}" is not a selector`},
		{"a metric", entry(`scope: 'up{service="shop"}'`), `names the metric "up"`},
		{"misspelt", entry("rules: a"), "field rules not found"},
		{"a bad window", entry("rule: a", "times: [{times: [{start_time: '04:00', end_time: '02:00'}]}]"), "start time cannot be equal or greater than end time"},
		{"a misspelt window", entry("rule: a", "times: [{days: [monday]}]"), "field days not found"},
		{"twice", entry("rule: a") + "- {name: mine, rule: b, reason: r, until: 2026-04-01}\n", `suppressions[1]: suppression "mine" is declared twice`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := load(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want …%s…", err, tc.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	set, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	signals := []signal.Signal{{Name: "db_qps"}}
	for _, tc := range []struct {
		name, entry string
		signals     []signal.Signal
		want        string
	}{
		{"known", entry("rule: cache_misses", "signals: [db_qps]"), signals, ""},
		{"unknown rule", entry("rule: cache"), signals, `suppressions[0]: suppression "mine" names the unknown rule "cache": write one of `},
		{"unknown signal", entry("signals: [qps]"), signals, `suppressions[0]: suppression "mine" names the unknown signal "qps": write one of db_qps`},
		{"signals that are not discovered yet", entry("signals: [qps]"), nil, ""},
	} {
		err := parse(t, tc.entry).Check(set, tc.signals)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: error %v, want %q", tc.name, err, tc.want)
		}
	}
}

// TestShown checks that what is configured is shown as it was written.
func TestShown(t *testing.T) {
	for _, scope := range []string{"{service: shop}", `'{service=~"shop|blog"}'`, `'{service!="shop"}'`} {
		l := parse(t, entry("scope: "+scope))
		text, err := yaml.Marshal(map[string]any{"suppressions": l})
		if err != nil {
			t.Fatal(err)
		}
		again := parse(t, string(text))
		if diff := cmp.Diff(l[0].Scope.String(), again[0].Scope.String()); diff != "" || l[0].Until != again[0].Until {
			t.Errorf("%s is shown as (-want +got):\n%s\n%s", scope, diff, text)
		}
	}
}
