package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"tidemark/incident"
	"tidemark/rules"
)

func TestExampleLoads(t *testing.T) {
	c, err := Load("../tidemark.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{}
	for _, s := range c.Signals {
		given[s.Name] = s.Given
	}
	if given["db_latency"] != "db_qps" || given["db_qps"] != "request_rate" {
		t.Errorf("loads are %v, want db_latency given db_qps given request_rate", given)
	}
}

// TestExampleSuppression loads the example with the suppression that is commented
// out in it.
func TestExampleSuppression(t *testing.T) {
	text, err := os.ReadFile("../tidemark.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	head, section, found := strings.Cut(string(text), "# suppressions:\n")
	if !found {
		t.Fatal("the example has no suppressions that are commented out")
	}
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	text = []byte(head + "suppressions:\n" + strings.ReplaceAll(section, "#   ", "  "))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	in := incident.Incident{State: incident.Pending, Verdict: rules.Verdict{
		Rule: "cache_misses", Severity: rules.Warning, Scope: model.LabelSet{"service": "shop"}, Evidence: []rules.Evidence{{Signal: "latency_p99"}},
	}}
	monday := time.Date(2027, 3, 1, 3, 0, 0, 0, time.UTC)
	if got := c.Suppressions.Covering(in, monday); got != "weekly-import" {
		t.Errorf("on Monday at three it is suppressed by %q, want weekly-import", got)
	}
	if got := c.Suppressions.Covering(in, monday.Add(time.Hour)); got != "" {
		t.Errorf("an hour later it is suppressed by %q, want nothing", got)
	}
	if !strings.Contains(c.String(), "start_time: \"02:00\"") {
		t.Errorf("the configuration in force does not show the window:\n%s", c)
	}
}

// TestDocumentedTopology checks that the configuration with a service graph that is
// documented is valid.
func TestDocumentedTopology(t *testing.T) {
	page, err := os.ReadFile("../docs/topology.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "```yaml\nglobal:")
	text, _, closed := strings.Cut(text, "```")
	if !found || !closed {
		t.Fatal("docs/topology.md has no configuration that begins with global")
	}
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	if err := os.WriteFile(file, []byte("global:"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if last := c.Signals[len(c.Signals)-1]; last.Name != "service_graph" || strings.Contains(c.String(), "service_graph\n") {
		t.Errorf("the last signal is %s, want service_graph, which the configuration does not show:\n%s", last.Name, c)
	}
}

// TestStandardNameOfAnotherKind checks that a standard signal which is declared
// as something else does not inherit a load that does not go with it.
func TestStandardNameOfAnotherKind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	text := strings.Replace(minimal, "alerting:", "  - {name: db_qps, query: x, kind: ratio}\nalerting:", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Signals[1]; got.Given != "" {
		t.Errorf("a ratio is given %q, want nothing", got.Given)
	}
}

// minimal is a configuration without errors.
const minimal = `global:
  evaluation_interval: 1m
prometheus:
  url: http://127.0.0.1:9090
signals:
  - name: request_rate
    query: sum(rate(http_requests_total[5m]))
alerting:
  alertmanagers:
    - url: http://127.0.0.1:9093
`

func TestBadConfigs(t *testing.T) {
	replace := func(old, by string) string {
		if !strings.Contains(minimal, old) {
			t.Fatalf("the minimal configuration has no %q", old)
		}
		return strings.Replace(minimal, old, by, 1)
	}
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "", ": the file is empty: write at least prometheus.url"},
		{"comments only", "# nothing\n---\n", ": the file is empty"},
		{"null", "null\n", ": the file is empty"},
		{"not YAML", "global: [\n", ":1: did not find expected node content"},
		{"unknown section", minimal + "detectors: {}\n", ":11: field detectors is not known here: remove it, or correct its name or indentation"},
		{"unknown field", replace("  evaluation_interval", "  evaluation_intervall"), ":2: field evaluation_intervall is not known here"},
		{"unknown field of a signal", replace("    query:", "    promql:"), ":7: field promql is not known here"},
		{"wrong type", replace("  - name: request_rate", "  - name: [a]"), ":6: cannot unmarshal !!seq into string"},
		{"bad PromQL", replace("[5m]))", "[5m]"), `:6: signals[0]: signal "request_rate": query "sum(rate(http_requests_total[5m]": 1:33: parse error: unclosed left parenthesis`},
		{"duplicate signal", replace("alerting:", "  - name: request_rate\n    query: up\nalerting:"), `:8: signals[1]: signal "request_rate" is declared twice: names are unique`},
		{"unknown load", replace("    query: sum", "    given: visitors\n    query: sum"), `:6: signals[0]: signal "request_rate": given names the unknown signal "visitors": declare it, or remove given`},
		{"a ratio with a load", replace("alerting:", "  - {name: mine, query: x, kind: ratio, component: cache, given: request_rate}\nalerting:"), `signal "mine"`},
		{"negative duration", replace("evaluation_interval: 1m", "evaluation_interval: -1m"), `not a valid duration string: "-1m"`},
		{"short interval", replace("evaluation_interval: 1m", "evaluation_interval: 10ms"), "evaluation_interval 10ms is too short: write 1s or more"},
		{"sensitivity and a budget", replace("evaluation_interval: 1m", "sensitivity: 4.5\n  false_alarm_every: 8w"), ": global: sensitivity and false_alarm_every are both set, and each follows from the other: remove one of them"},
		{"a large budget", replace("evaluation_interval: 1m", "false_alarm_every: 20y"), ": global: false_alarm_every 20y is not between 1w and 10y"},
		{"a sensitivity of nothing", replace("evaluation_interval: 1m", "sensitivity: .nan"), ": global: sensitivity NaN is not between 2 (eager) and 12 (quiet)"},
		{"a signal's sensitivity and budget", replace("    query: sum", "    sensitivity: 5\n    false_alarm_every: 8w\n    query: sum"), `:6: signals[0]: signal "request_rate": sensitivity and false_alarm_every are both set`},
		{"missing holidays file", replace("evaluation_interval: 1m", "holidays_file: missing.yml"), "missing.yml: no such file or directory: correct the path, it is relative to the configuration file"},
		{"unknown time zone", replace("evaluation_interval: 1m", "time_zone: Mars/Phobos"), `time_zone "Mars/Phobos" is not known: write an IANA name such as Europe/Berlin`},
		{"missing environment variable", replace("evaluation_interval: 1m", "external_labels: {cluster: '${TIDEMARK_NOT_SET}'}"), "the environment variable TIDEMARK_NOT_SET is not set"},
		{"wrong URL", replace("url: http://127.0.0.1:9090", "url: 127.0.0.1"), `url "127.0.0.1" is not an http address: write one such as http://localhost:9090`},
		{"no URL", replace("  url: http://127.0.0.1:9090", "  timeout: 5s"), "url is missing"},
		{"wrong Alertmanager URL", replace("url: http://127.0.0.1:9093", "url: ftp://x"), "ftp"},
		{"a topology without edges", minimal + "topology: {}\n", ": topology: it has neither edges nor queries"},
		{"half an edge", minimal + "topology: {edges: [{caller: web, callee: cart}, {caller: cart}]}\n", `: topology: edges[1]: callee of "cart" is missing: write one service, or a list`},
		{"a bad edge query", minimal + "topology: {queries: [{query: 'sum('}]}\n", `: topology: queries[0]: query "sum("`},
		{"an odd refresh", minimal + "topology: {refresh_interval: 90s, edges: [{caller: web, callee: cart}]}\n", ": topology: refresh_interval 1m30s is not a multiple of the evaluation interval 1m"},
		{"a signal of edges", replace("alerting:", "  - {name: calls, query: x, kind: edges, component: unknown}\nalerting:"), `:8: signals[1]: signal "calls": kind "edges" is not one of signals: write the query under topology.queries`},
		{"missing rule file", minimal + "rule_files: [missing.yml]\n", `: rule_files: "missing.yml" does not exist: correct the path`},
		{"suppression without an end", minimal + "suppressions:\n  - {name: mine, rule: cache_down, reason: r}\n", `:12: suppression "mine": until is missing: write when to look again`},
		{"suppression of everything", minimal + "suppressions:\n  - name: mine\n    until: 2027-01-01\n    reason: r\n", `:12: suppression "mine": nothing says what it covers`},
		{"suppression of an unknown rule", minimal + "suppressions:\n  - {name: mine, rule: cache, until: 2027-01-01, reason: r}\n", `:12: suppressions[0]: suppression "mine" names the unknown rule "cache": write one of`},
		{"suppression of an unknown signal", minimal + "suppressions:\n  - {name: mine, signals: [qps], until: 2027-01-01, reason: r}\n", `:12: suppressions[0]: suppression "mine" names the unknown signal "qps": write one of request_rate`},
		{"misspelt suppression", minimal + "suppressions:\n  - {nam: mine}\n", ":12: field nam is not known here"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			here, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			file := filepath.Join(dir, "tidemark.yml")
			text := strings.ReplaceAll(tc.text, "testdata/", filepath.Join(here, "testdata")+"/")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = Load(file)
			if err == nil {
				t.Fatalf("no error, want %s", tc.want)
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), file) {
				t.Errorf("error\n\t%v\nwant\n\t%s…%s", err, file, tc.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is more than one line: %q", err)
			}
		})
	}
	if _, err := Load("/nonexistent/tidemark.yml"); err == nil || !strings.Contains(err.Error(), "/nonexistent/tidemark.yml: no such file") {
		t.Errorf("error %v, want one that names the missing file", err)
	}
}

// TestBadRuleFile checks that what is wrong with a rule file is said of it, and all
// of it at once.
func TestBadRuleFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tidemark.yml": minimal + "rule_files: [mine.yml]\n",
		"mine.yml":     "rules:\n- name: mine\n  suspect: redis\n  summary: mine\n  all: [{signal: nowhere, is: up}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(filepath.Join(dir, "tidemark.yml"))
	want := filepath.Join(dir, "mine.yml") + `:3: rule mine: suspect "redis" is not known: write cache, database, traffic, deploy, application, dependency or unknown
` + filepath.Join(dir, "mine.yml") + `:5: rule mine: all[0]: unknown signal "nowhere": declare it under signals, or correct the name`
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	const canary = "s3cr3t-canary"
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	text := strings.NewReplacer(
		"  url: http://127.0.0.1:9090", "  url: http://u:"+canary+"@127.0.0.1:9090\n  basic_auth: {username: a, password: "+canary+"}",
		"    - url: http://127.0.0.1:9093\n", "    - {url: 'http://127.0.0.1:9093', authorization: {credentials: "+canary+"}}\n  webhooks:\n    - {name: w, url: 'http://127.0.0.1/"+canary+"'}\n",
	).Replace(minimal)
	text = strings.Replace(text, "http://u:"+canary+"@", "http://", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if shown := c.String(); strings.Contains(shown, canary) || !strings.Contains(shown, "<secret>") {
		t.Errorf("the configuration shows a secret, or none at all:\n%s", shown)
	}
}

// TestFalseAlarmBudget checks that a budget reaches the signals, and that the
// configuration in force, which shows the sensitivities, is one.
func TestFalseAlarmBudget(t *testing.T) {
	load := func(text string) *Config {
		file := filepath.Join(t.TempDir(), "tidemark.yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	text := strings.NewReplacer(
		"  evaluation_interval: 1m", "  false_alarm_every: 8w",
		"alerting:", "  - {name: error_ratio, query: x, sensitivity: 6}\n  - {name: latency_p99, query: x, false_alarm_every: 26w}\nalerting:",
	).Replace(minimal)
	c := load(text)
	for _, c := range []*Config{c, load(c.String())} {
		for i, want := range []float64{3.53, 6, 4.34} {
			if got := c.Signals[i].Sensitivity; got != want {
				t.Errorf("sensitivity of %s is %g, want %g", c.Signals[i].Name, got, want)
			}
		}
	}
	if shown := c.String(); !strings.Contains(shown, "false_alarm_every: 8w\n") || strings.Contains(shown, "26w") {
		t.Errorf("in force is\n%s\nwant the global budget, and the signals' sensitivities", shown)
	}
}

func TestEnvironmentInExternalLabels(t *testing.T) {
	t.Setenv("TIDEMARK_TEST_CLUSTER", "north")
	file := filepath.Join(t.TempDir(), "tidemark.yml")
	text := strings.Replace(minimal, "evaluation_interval: 1m", "external_labels: {cluster: '${TIDEMARK_TEST_CLUSTER}-1', price: 5$$}", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Global.ExternalLabels.String(); got != `{cluster="north-1", price="5$"}` {
		t.Errorf("external labels are %s", got)
	}
}
