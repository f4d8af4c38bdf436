package docs

import (
	"io/fs"
	"strings"
	"testing"

	"tidemark/rules"
)

// TestRunbooks checks that each built-in rule and each refinement links a page
// that is there, and that no page is left over.
func TestRunbooks(t *testing.T) {
	builtin, err := rules.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	check := func(name, link string) {
		file := strings.TrimPrefix(link, "/runbooks/") + ".md"
		linked[file] = true
		text, err := fs.ReadFile(Runbooks(), file)
		if err != nil {
			t.Errorf("%s: runbook %s: %v", name, link, err)
			return
		}
		for _, section := range []string{"# ", "## Meaning\n", "## First checks\n", "## What misleads\n", "## Repair\n", "## Prevention\n"} {
			if !strings.Contains(string(text), section) {
				t.Errorf("%s has no section %q", file, section)
			}
		}
	}
	for _, r := range builtin.Rules() {
		check(r.Name, r.Runbook)
		for _, f := range r.Refine {
			check(r.Name+", "+f.Name, f.Runbook)
		}
	}
	pages, err := fs.Glob(Runbooks(), "*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if !linked[page] {
			t.Errorf("%s is the runbook of no built-in rule", page)
		}
	}
}
