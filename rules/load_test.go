package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/signal"
)

func TestBadRules(t *testing.T) {
	const ok = "rules:\n- name: a\n  suspect: cache\n  summary: s\n  all: [{signal: cache_up, below: 0.5}]\n"
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "", "no rules: write a list under rules"},
		{"unknown field", strings.Replace(ok, "suspect", "suspekt", 1), "field suspekt not found"},
		{"bad name", strings.Replace(ok, "name: a", "name: A b", 1), `name "A b": write lower-case letters`},
		{"bad suspect", strings.Replace(ok, "suspect: cache", "suspect: redis", 1), `suspect "redis" is not known: write cache, database`},
		{"bad severity", ok + "  severity: page\n", `severity "page" is not known: write critical, warning or info`},
		{"no conditions", "rules:\n- {name: a, suspect: cache, summary: s}\n", "it has neither all nor any"},
		{"any_min too large", ok + "  any_min: 2\n", "any_min 2 is not between 1 and the 0 conditions of any"},
		{"no summary", strings.Replace(ok, "summary: s", "priority: 1", 1), "summary is missing"},
		{"condition without signal", strings.Replace(ok, "signal: cache_up, ", "", 1), "all[0]: signal is missing"},
		{"condition of two forms", strings.Replace(ok, "below: 0.5", "below: 0.5, is: up", 1), "all[0]: cache_up: write exactly one of is"},
		{"unknown expectation", strings.Replace(ok, "below: 0.5", "is: sideways", 1), `is "sideways" is not known: write up, down, absent, changed or recovering`},
		{"within without changed", strings.Replace(ok, "below: 0.5", "is: up, within: 5m", 1), "within goes with is: changed or recovering and with after only"},
		{"outgrows without up", strings.Replace(ok, "below: 0.5", "is: down, outgrows: cache_hit_ratio", 1), "outgrows and per go with is: up only"},
		{"lasting without a deviation", strings.Replace(ok, "below: 0.5", "below: 0.5, lasting: 5m", 1), "lasting, steady and after go with is: up or down only"},
		{"at_once without for", ok + "  at_once: [{signal: cache_up, below: 0.5}]\n", "at_once goes with for only"},
		{"bad template", strings.Replace(ok, "summary: s", "summary: '{{ with sig }'", 1), "summary: template:"},
		{"template with an unknown field", strings.Replace(ok, "summary: s", `summary: '{{ with sig "cache_up" }}{{ .Valu }}{{ end }}'`, 1), "can't evaluate field Valu"},
		{"two of one name", ok + "- name: a\n  suspect: cache\n  summary: s\n  all: [{signal: cache_up, below: 0.5}]\n", `the name "a" is taken`},
		{"null rule", "rules: [~]\n", "rule 1 is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "rules.yml")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(&Set{}, []string{file})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), file+": ") {
				t.Errorf("error %v, want %s: …%s…", err, file, tc.want)
			}
		})
	}
	if _, err := Load(&Set{}, []string{"/nonexistent/rules.yml"}); err == nil || !strings.Contains(err.Error(), "/nonexistent/rules.yml") {
		t.Errorf("error %v, want one that names the missing file", err)
	}
}

func TestLoadReplacesBuiltin(t *testing.T) {
	base := builtinSet(t)
	file := filepath.Join(t.TempDir(), "rules.yml")
	text := "rules:\n- name: cache_bypass\n  alert: MyBypass\n  suspect: cache\n  summary: mine\n  all: [{signal: my_signal, is: up}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(base, []string{file})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(s.Rules()), len(base.Rules()); got != want {
		t.Errorf("%d rules, want %d", got, want)
	}
	if got := s.Rule("cache_bypass").Alert; got != "MyBypass" {
		t.Errorf("alert %s, want MyBypass", got)
	}
	err = s.CheckSignals(nil)
	if err == nil || !strings.Contains(err.Error(), `rule "cache_bypass" names the unknown signal "my_signal"`) {
		t.Errorf("error %v, want one that names the unknown signal", err)
	}
	if err := s.CheckSignals([]signal.Signal{{Name: "my_signal"}}); err != nil {
		t.Error(err)
	}
	c := &s.Rule("cache_bypass").All[0]
	for field, names := range map[string]*signal.Names{"per": &c.Per, "outgrows": &c.Outgrows, "after": &c.After} {
		*names = signal.Names{"your_signal"}
		err = s.CheckSignals([]signal.Signal{{Name: "my_signal"}})
		if err == nil || !strings.Contains(err.Error(), `names the unknown signal "your_signal"`) {
			t.Errorf("error %v, want one that names the unknown signal under %s", err, field)
		}
		*names = nil
	}
}
