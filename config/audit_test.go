package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAudit(t *testing.T) {
	const own = `
component: database
checks:
  - {id: own_check, title: x, query: "own_metric == 0", evidence: x, why: x, remedy: x}
`
	for _, tc := range []struct {
		name, section, file, want string
		own                       bool // whether own_check is there
	}{
		{name: "default"},
		{name: "own file", section: "audit: {files: [own.yml]}\n", file: own, own: true},
		{name: "pattern", section: "audit: {files: ['*.yml']}\n", want: "tidemark.yml:1: field global is not known here"},
		{name: "pattern of none", section: "audit: {files: ['audit/*.yml']}\n"},
		{name: "missing file", section: "audit: {files: [nope.yml]}\n", want: `tidemark.yml: audit: files: "nope.yml" does not exist: correct the path`},
		{name: "bad pattern", section: "audit: {files: ['[']}\n", want: `tidemark.yml: audit: files: pattern "["`},
		{name: "bad query", section: "audit: {files: [own.yml]}\n", file: strings.Replace(own, "== 0", "==", 1), want: "own.yml: checks[0]: own_check: query: 1:14: parse error"},
		{name: "unknown check", section: "audit: {disabled: [nope]}\n", want: `audit: disabled: there is no check "nope"`},
		{name: "short interval", section: "audit: {interval: 1s}\n", want: "audit: interval 1s is too short"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "tidemark.yml")
			for name, text := range map[string]string{file: minimal + tc.section, filepath.Join(dir, "own.yml"): tc.file} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c, err := Load(file)
			if (err != nil) != (tc.want != "") || err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Count(err.Error(), ".yml:") > 1) {
				t.Fatalf("got error %v, want %q", err, tc.want)
			}
			if err != nil {
				return
			}
			found := false
			for _, check := range c.Checks {
				found = found || check.ID == "own_check"
			}
			if found != tc.own || len(c.Checks) < 40 {
				t.Errorf("got %d checks, own_check among them: %t, want those of all packs, and %t", len(c.Checks), found, tc.own)
			}
		})
	}
}
