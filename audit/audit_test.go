package audit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"

	"tidemark/audit"
	"tidemark/series"
)

// answers is a source that knows the answers by their queries.
type answers map[string]func() ([]series.Series, error)

func (a answers) ReadAt(_ context.Context, expr string, _ time.Time) ([]series.Series, error) {
	if f, ok := a[expr]; ok {
		return f()
	}
	return nil, nil
}

func found(value float64, instances ...string) func() ([]series.Series, error) {
	return func() ([]series.Series, error) {
		var out []series.Series
		for _, name := range instances {
			out = append(out, series.Series{Labels: model.LabelSet{"instance": model.LabelValue(name)}, Values: []float64{value}})
		}
		return out, nil
	}
}

func broken() ([]series.Series, error) { return nil, errors.New("no answer within 30s") }

const one = `
component: cache
checks:
  - id: too_full
    title: It is too full
    severity: warning
    query: used / limit > 0.9
    evidence: "{{ .Labels.instance }} {{ .Labels.zone }}is at {{ percent .Value }}"
    why: Because.
    remedy: Empty it.
`

// own returns the checks of a pack file.
func own(t *testing.T, text string) ([]audit.Check, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "own.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return audit.Load(audit.Config{}, []string{file})
}

// TestRun follows a check over several audits.
func TestRun(t *testing.T) {
	const query, exists = "used / limit > 0.9", `group({__name__="used"}) and group({__name__="limit"})`
	checks, err := own(t, one)
	if err != nil {
		t.Fatal(err)
	}
	source := answers{}
	reg := prometheus.NewRegistry()
	a := audit.New(audit.Options{Checks: checks, Source: source, Registerer: reg})
	if a.Report() != nil {
		t.Error("there is a report before the first audit")
	}
	finding := func(instance, evidence string, since int) audit.Finding {
		return audit.Finding{Labels: model.LabelSet{"instance": model.LabelValue(instance)}, Value: 0.95, Evidence: evidence, Since: now.Add(time.Duration(since) * time.Hour)}
	}
	oneAndTwo := []audit.Finding{finding("a", "a is at 95 %", 3), finding("b", "b is at 95 %", 4)}
	for hour, tc := range []struct {
		name   string
		source answers
		state  audit.State
		err    string
		want   []audit.Finding
	}{
		{"no such metrics", answers{}, audit.NotApplicable, "", nil},
		{"all is well", answers{exists: found(1, "")}, audit.OK, "", nil},
		{"whether they exist is not known", answers{exists: broken}, audit.Failed, "query of too_full: no answer within 30s", nil},
		{"something is wrong", answers{query: found(0.95, "a")}, audit.Found, "", oneAndTwo[:1]},
		{"more is wrong", answers{query: found(0.95, "a", "b")}, audit.Found, "", oneAndTwo},
		{"not asked", answers{query: broken}, audit.Failed, "query of too_full: no answer within 30s", oneAndTwo},
		{"still wrong", answers{query: found(0.95, "a", "b")}, audit.Found, "", oneAndTwo},
		{"well again", answers{exists: found(1, "")}, audit.OK, "", nil},
		{"wrong again", answers{query: found(0.95, "a")}, audit.Found, "", []audit.Finding{finding("a", "a is at 95 %", 8)}},
	} {
		clear(source)
		for q, f := range tc.source {
			source[q] = f
		}
		report, err := a.Run(t.Context(), now.Add(time.Duration(hour)*time.Hour), nil)
		if err != nil || report != a.Report() {
			t.Fatalf("%s: %v", tc.name, err)
		}
		r := report.Results[0]
		text := ""
		if r.Err != nil {
			text = r.Err.Error()
		}
		if r.State != tc.state || text != tc.err {
			t.Errorf("%s: got %s (%s), want %s (%s)", tc.name, r.State, text, tc.state, tc.err)
		}
		if diff := cmp.Diff(tc.want, r.Findings, cmpopts.IgnoreFields(audit.Finding{}, "ID"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", tc.name, diff)
		}
		want := "# HELP tidemark_audit_findings Findings of each check in the newest audit, dismissed ones included.\n# TYPE tidemark_audit_findings gauge\n" +
			`tidemark_audit_findings{check="too_full",severity="warning"} ` + string(rune('0'+len(tc.want))) + "\n"
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "tidemark_audit_findings"); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
	}

	// The next auditor, as of a reload, knows since when.
	next := audit.New(audit.Options{Checks: checks, Source: source, Before: a.Report(), Registerer: prometheus.NewRegistry()})
	r, err := next.Run(t.Context(), now.Add(20*time.Hour), nil)
	if err != nil || !r.Results[0].Findings[0].Since.Equal(now.Add(8*time.Hour)) {
		t.Errorf("after a reload: got %+v, err %v, want it since the eighth hour", r, err)
	}

	// A cut audit is none.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := a.Run(ctx, now.Add(21*time.Hour), nil); r != nil || !errors.Is(err, context.Canceled) || a.Report().Time.After(now.Add(9*time.Hour)) {
		t.Errorf("got %v, err %v, want that the old report stays", r, err)
	}
}

func TestManyFindings(t *testing.T) {
	checks, err := own(t, one)
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Split(strings.Repeat("x", 60), "")
	for i := range names {
		names[i] = strings.Repeat("x", i+1)
	}
	a := audit.New(audit.Options{Checks: checks, Source: answers{checks[0].Query: found(1, names...)}, Registerer: prometheus.NewRegistry()})
	r, err := a.Run(t.Context(), now, nil)
	if err != nil || len(r.Results[0].Findings) != 50 || r.Results[0].More != 10 {
		t.Errorf("got %d findings and %d more, err %v, want 50 and 10", len(r.Results[0].Findings), r.Results[0].More, err)
	}
}

func TestBadPacks(t *testing.T) {
	replace := func(old, by string) string {
		if !strings.Contains(one, old) {
			t.Fatalf("the pack has no %q", old)
		}
		return strings.Replace(one, old, by, 1)
	}
	for _, tc := range []struct{ name, text, want string }{
		{"not YAML", "{", "own.yml: yaml: line 1"},
		{"unknown field", replace("why:", "because:"), "own.yml: line 9: field because not found"},
		{"no component", replace("component: cache", ""), `component "" is not known`},
		{"no checks", "component: cache\n", "it has no checks"},
		{"bad ID", replace("too_full", "Too full"), `checks[0]: id "Too full": write lower-case letters`},
		{"pages", replace("severity: warning", "severity: critical"), `too_full: severity "critical": write info or warning, an audit never pages`},
		{"no title", replace("It is too full", `""`), "too_full: title is missing"},
		{"no remedy", replace("Empty it.", `""`), "too_full: remedy is missing"},
		{"bad query", replace("> 0.9", ">"), "too_full: query: 1:15: parse error"},
		{"a range", replace("used / limit > 0.9", "used[5m]"), "too_full: query: it gives a matrix: write an expression that gives an instant vector"},
		{"a constant", replace("used / limit > 0.9", "vector(1)"), "too_full: query: it asks for no metric"},
		{"no metric name", replace("used / limit > 0.9", `'{job="x"}'`), "too_full: query: it has a selector without a metric name"},
		{"bad template", replace("percent", "procent"), `too_full: evidence: template: too_full:1: function "procent" not defined`},
		{"template that fails", replace("{{ percent .Value }}", "{{ .Nope }}"), "too_full: evidence: template: too_full:1"},
		{"twice", one + strings.SplitAfter(one, "checks:\n")[1], "checks[1]: too_full is declared twice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := own(t, tc.text)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want one line with %q", err, tc.want)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(one, "too_full", "redis_noeviction")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, yaml, err string
		files           []string
		some, none      string // IDs of checks that there are and are not
	}{
		{name: "default", yaml: "{}", some: "mysql_slow_log_off redis_noeviction"},
		{name: "some packs", yaml: "{packs: [redis, nginx]}", some: "redis_noeviction nginx_cache_bypassed", none: "mysql_slow_log_off"},
		{name: "no packs", yaml: "{packs: []}", none: "redis_noeviction"},
		{name: "disabled", yaml: "{disabled: [redis_noeviction]}", some: "redis_churn", none: "redis_noeviction"},
		{name: "own", yaml: "{packs: []}", files: []string{file}, some: "redis_noeviction"},
		{name: "replaced", yaml: "{packs: [redis]}", files: []string{file}, some: "redis_noeviction redis_churn"},
		{name: "unknown pack", yaml: "{packs: [oracle]}", err: `audit: there is no pack "oracle": write some of memcached, mysql, nginx, postgres, redis`},
		{name: "unknown check", yaml: "{disabled: [nope]}", err: `audit: disabled: there is no check "nope"`},
		{name: "no such file", yaml: "{}", files: []string{"/nope.yml"}, err: "audit: files: open /nope.yml"},
		{name: "too often", yaml: "{interval: 10s}", err: "audit: interval 10s is too short"},
		{name: "unknown field", yaml: "{pack: redis}", err: "field pack not found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var c audit.Config
			err := yaml.UnmarshalStrict([]byte(tc.yaml), &c)
			var checks []audit.Check
			if err == nil {
				checks, err = audit.Load(c, tc.files)
			}
			if (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("got error %v, want %q", err, tc.err)
			}
			ids := map[string]int{}
			for _, c := range checks {
				ids[c.ID]++
			}
			for _, id := range strings.Fields(tc.some) {
				if ids[id] != 1 {
					t.Errorf("there are %d checks %s, want one", ids[id], id)
				}
			}
			for _, id := range strings.Fields(tc.none) {
				if ids[id] != 0 {
					t.Errorf("there is a check %s", id)
				}
			}
		})
	}
}

func TestDismissed(t *testing.T) {
	c := &audit.Check{ID: "redis_noeviction"}
	f := audit.Finding{Labels: model.LabelSet{"job": "redis", "instance": "a"}}
	until := func(check string, hours int, labels model.LabelSet) audit.Dismissal {
		return audit.Dismissal{Check: check, Labels: labels, Until: now.Add(time.Duration(hours) * time.Hour)}
	}
	for _, tc := range []struct {
		name       string
		dismissals []audit.Dismissal
		want       int // the hours of the one that covers it; 0 is none
	}{
		{"none", nil, 0},
		{"the whole check", []audit.Dismissal{until(c.ID, 2, nil)}, 2},
		{"some labels", []audit.Dismissal{until(c.ID, 2, model.LabelSet{"instance": "a"})}, 2},
		{"the longest", []audit.Dismissal{until(c.ID, 2, nil), until(c.ID, 5, nil), until(c.ID, 3, nil)}, 5},
		{"another instance", []audit.Dismissal{until(c.ID, 2, model.LabelSet{"instance": "b"})}, 0},
		{"another check", []audit.Dismissal{until("redis_churn", 2, nil)}, 0},
		{"expired", []audit.Dismissal{until(c.ID, 0, nil)}, 0},
	} {
		got := 0
		if d := audit.Dismissed(c, f, tc.dismissals, now); d != nil {
			got = int(d.Until.Sub(now).Hours())
		}
		if got != tc.want {
			t.Errorf("%s: got that of %d hours, want %d", tc.name, got, tc.want)
		}
	}
}
