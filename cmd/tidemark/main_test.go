package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := "../../tidemark.example.yml"
	budget := write("budget.yml", "global: {false_alarm_every: 8w}\nprometheus: {url: 'http://127.0.0.1:9090'}\n"+
		"signals: [{name: request_rate, query: x}, {name: error_ratio, query: x, sensitivity: 6}]\n")
	write("days.yml", "holidays: [{date: 12-25}, {date: 2027-03-26}]\n")
	holidays := write("holidays.yml", "global: {holidays_file: days.yml}\nprometheus: {url: 'http://127.0.0.1:9090'}\nsignals: [{name: deploys, query: x}]\n")
	suppressions := write("suppressions.yml", "prometheus: {url: 'http://127.0.0.1:9090'}\nsignals: [{name: deploys, query: x}]\nsuppressions:\n"+
		"- {name: old, rule: cache_down, reason: r, until: 2020-01-01}\n- {name: new, rule: cache_down, reason: r, until: 2099-01-01}\n")
	misspelt := write("misspelt.yml", "global: {intervall: 1m}\n")
	badRules := write("rules.yml", "rules:\n- {name: a, suspect: redis, summary: s, all: [{signal: cache_up, below: 1}]}\n"+
		"- name: b\n  suspect: cache\n  summary: '{{ with sig \"cache_up\" }}'\n  all: [{signal: cache_hit_rato, is: down}]\n")
	ownSignal := write("own.yml", "rules: [{name: a, suspect: cache, summary: s, all: [{signal: queue_length, is: up}]}]\n")
	queue := write("queue.yml", "prometheus: {url: 'http://127.0.0.1:9090'}\nsignals: [{name: queue_length, kind: gauge, component: application, query: x}]\n")
	goodRule := write("good.yml", "rules: [{name: a, suspect: cache, summary: s, all: [{signal: cache_up, below: 1}]}]\n")
	for _, tc := range []struct {
		name   string
		args   []string
		code   int
		stdout string
		stderr string // a part of it
	}{
		{"example configuration", []string{"check", "config", good}, 0, good + ": valid, 16 signals, 12 rules\n" +
			"sensitivity 4.5, about one false alarm per series in 61 weeks: request_rate, cache_lookups_per_request, " +
			"cache_errors, cache_evictions, db_qps, db_queries_per_request\n" +
			"sensitivity 4.5, about one false alarm per series in 54 weeks: error_ratio, cache_hit_ratio\n" +
			"sensitivity 4.5, about one false alarm per series in 36 weeks: latency_p99, db_latency\n" +
			"sensitivity 4.5, about one false alarm per series in 48 weeks: cache_up, db_connections_used_ratio\n", ""},
		{"configuration with a budget", []string{"check", "config", budget}, 0, budget + ": valid, 2 signals, 12 rules\n" +
			"sensitivity 3.53, about one false alarm per series in 8 weeks: request_rate\nsensitivity 6, about one false alarm per series in more than 20 years: error_ratio\n", ""},
		{"configuration with holidays", []string{"check", "config", holidays}, 0, holidays + ": valid, 1 signals, 12 rules\ndays.yml: valid, 2 holidays\n", ""},
		{"configuration with a suppression that has expired", []string{"check", "config", suppressions}, 0, suppressions + ": valid, 1 signals, 12 rules\n" +
			suppressions + ": suppression old has expired on 2020-01-01, its incidents page: remove it, or write a later until\n", ""},
		{"configuration with a misspelt field", []string{"check", "config", misspelt}, 1, "", misspelt + ":1: field intervall is not known here"},
		{"missing configuration", []string{"check", "config", dir + "/none.yml"}, 1, "", "none.yml: no such file or directory"},
		{"rules", []string{"check", "rules", goodRule}, 0, "1 rules are valid\n", ""},
		{"bad rules", []string{"check", "rules", goodRule, badRules}, 1, "", "tidemark: " + badRules +
			":2: rule a: suspect \"redis\" is not known: write cache, database, traffic, deploy, application, dependency or unknown\n" +
			"tidemark: " + badRules + ":2: rule a: the name is taken by the rule in " + goodRule + ":1: names are unique, choose another one\n" +
			"tidemark: " + badRules + ":5: rule b: summary: the template has a with or an if without its {{ end }}\n" +
			"tidemark: " + badRules + ":6: rule b: all[0]: unknown signal \"cache_hit_rato\": write cache_hit_ratio, or declare it under signals\n"},
		{"rules with a signal of nobody", []string{"check", "rules", ownSignal}, 1, "", ownSignal + `:1: rule a: all[0]: unknown signal "queue_length"`},
		{"rules with a signal of the configuration", []string{"check", "rules", "--config.file=" + queue, ownSignal}, 0, "1 rules are valid\n", ""},
		{"no such command", []string{"watch"}, 2, "", "unexpected watch, try --help"},
		{"no such flag", []string{"serve", "--config.fil=x"}, 2, "", "unknown long flag '--config.fil', try --help"},
		{"missing argument", []string{"check", "config"}, 2, "", "required argument 'file' not provided"},
		{"serve with a bad configuration", []string{"serve", "--config.file=" + misspelt, "--storage.path=" + dir + "/data", "--web.listen-address=127.0.0.1:0"}, 1, "", "field intervall is not known here"},
		{"serve with a bad address", []string{"serve", "--config.file=" + good, "--web.listen-address=127.0.0.1:x"}, 1, "", "choose another --web.listen-address"},
		{"serve with a bad external URL", []string{"serve", "--config.file=" + good, "--web.listen-address=127.0.0.1:0", "--web.external-url=tidemark"}, 1, "", `--web.external-url "tidemark" is not an http URL`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), tc.args, &stdout, &stderr); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if stdout.String() != tc.stdout {
				t.Errorf("standard output %q, want %q", stdout.String(), tc.stdout)
			}
			if !strings.Contains(stderr.String(), tc.stderr) {
				t.Errorf("standard error %q, want …%s…", stderr.String(), tc.stderr)
			}
		})
	}
	for _, args := range [][]string{{"version"}, {"--help"}, {"serve", "--help"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String()+stderr.String(), "tidemark") {
			t.Errorf("%v: exit code %d, want 0 and some text:\n%s%s", args, code, stdout.String(), stderr.String())
		}
	}
}
