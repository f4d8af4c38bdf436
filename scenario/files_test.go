package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/rules"
)

// TestScenarios runs the scenarios of the built-in rules: those that are written by
// hand, and those that a model of queues plays.
func TestScenarios(t *testing.T) {
	const dir = "../testdata/scenarios"
	files, err := filepath.Glob(filepath.Join(dir, "*"+Ext))
	if err != nil {
		t.Fatal(err)
	}
	played, err := filepath.Glob(filepath.Join(dir, "model", "*"+Ext))
	if err != nil {
		t.Fatal(err)
	}
	if raced { // make test plays all of them without it
		played = played[:2]
	}
	files = append(files, played...)
	expectedRules := map[string]bool{}
	for _, file := range files {
		s, err := Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, in := range s.expect.Incidents {
			expectedRules[in.Rule], expectedRules[in.Rule+" "+in.Refinement] = true, true
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), Ext), func(t *testing.T) {
			t.Parallel()
			r, err := s.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Problems {
				t.Error(p)
			}
		})
	}
	builtin, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range builtin.Rules() {
		if !expectedRules[r.Name] {
			t.Errorf("no scenario in %s expects an incident of the built-in rule %s", dir, r.Name)
		}
		for _, f := range r.Refine {
			if !expectedRules[r.Name+" "+f.Name] {
				t.Errorf("no scenario in %s expects the refinement %s of the built-in rule %s", dir, f.Name, r.Name)
			}
		}
	}
	total := int64(0)
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
		if info.Size() > 100_000 {
			t.Errorf("%s is larger than 100 kB", file)
		}
	}
	if total > 2_000_000 {
		t.Errorf("the scenarios are %d bytes, more than 2 MB", total)
	}
}

// TestDocumentedScenario runs the one in the documentation.
func TestDocumentedScenario(t *testing.T) {
	page, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "```text\nFrom 12:30 on")
	text, _, closed := strings.Cut(text, "```")
	if !found || !closed {
		t.Fatal("docs/rules.md has no scenario that begins with \"From 12:30 on\"")
	}
	r, err := load(t, text).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Error(p)
	}
}
