package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTestRules(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("rules.yml", "rules: [{name: queue_full, suspect: application, summary: full, all: [{signal: queue, above: 5}]}]\n")
	story := "-- config.yml --\nglobal: {scope: [service]}\nrule_files: [rules.yml]\nsignals: [{name: queue, kind: gauge, component: application}]\n" +
		"-- series --\nqueue{service=\"shop\"} '0x9 9x9 0x9'\n-- expect.yml --\n"
	good := write("good.txtar", story+"incidents: [{rule: queue_full, fires: 11m, within: 0s}]\n")
	bad := write("bad.txtar", story+"incidents: []\n")
	broken := write("broken.txtar", "-- series --\n")
	nested := write("more/stories/good.txtar", "-- series --\nrequest_rate 1\n-- expect.yml --\nincidents: []\n")
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	const problem = `expected nothing else, got QueueFull {service="shop"} that fired at 11m (12:11:00)`
	missing := broken + ": section expect.yml is missing: write it, with \"incidents: []\" if nothing may fire"
	for _, tc := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"a file", []string{good}, 0, "PASS  " + good + "\n", ""},
		{"a directory in a directory", []string{filepath.Join(dir, "more")}, 0, "PASS  " + nested + "\n", ""},
		{"a failure", []string{bad}, 1, "FAIL  " + bad + "\n      " + problem + "\n", "tidemark: the scenario failed\n"},
		{
			"files and failures", []string{good, bad, broken}, 1,
			"PASS  " + good + "\nFAIL  " + bad + "\n      " + problem + "\nFAIL  " + broken + "\n      " + missing + "\n",
			"tidemark: 2 of 3 scenarios failed\n",
		},
		{"no such file", []string{dir + "/none"}, 1, "", "tidemark: scenarios: stat " + dir + "/none: no such file or directory\n"},
		{"an empty directory", []string{empty}, 1, "", "tidemark: there is no scenario in " + empty + ": their names end in .txtar\n"},
		{"nothing", nil, 2, "", "tidemark: required argument 'path' not provided, try --help\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), append([]string{"test", "rules"}, tc.args...), &stdout, &stderr); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if diff := cmp.Diff(tc.stdout, stdout.String()); diff != "" {
				t.Errorf("standard output (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.stderr, stderr.String()); diff != "" {
				t.Errorf("standard error (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("json", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"test", "rules", "--output=json", bad, broken}, &stdout, &stderr); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		type file struct {
			File      string
			Passed    bool
			Error     *string
			Problems  []string
			Incidents []struct{ Rule, Suspect, State string }
		}
		var got struct{ Scenarios []file }
		if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
			t.Fatalf("%v:\n%s", err, stdout.String())
		}
		want := []file{
			{bad, false, nil, []string{problem}, []struct{ Rule, Suspect, State string }{{"queue_full", "application", "resolved"}}},
			{broken, false, &missing, []string{}, []struct{ Rule, Suspect, State string }{}},
		}
		if diff := cmp.Diff(want, got.Scenarios); diff != "" {
			t.Errorf("scenarios (-want +got):\n%s", diff)
		}
	})
}
