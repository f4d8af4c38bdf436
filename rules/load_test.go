package rules

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"tidemark/signal"
)

// TestBadRules loads the files of testdata/bad.txtar, directory by directory if
// there are several in one, and compares the problems with what the files say.
func TestBadRules(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	builtin := builtinSet(t)
	for i, f := range archive.Files {
		group := f.Name
		if strings.Count(group, "/") > 1 {
			group = path.Dir(group)
		}
		if i > 0 && strings.HasPrefix(archive.Files[i-1].Name, group) {
			continue // with the first one
		}
		t.Run(strings.TrimSuffix(group, ".yml"), func(t *testing.T) {
			dir := t.TempDir()
			var files, want []string
			for _, f := range archive.Files {
				if !strings.HasPrefix(f.Name, group) {
					continue
				}
				name := filepath.Join(dir, path.Base(f.Name))
				files = append(files, name)
				if err := os.WriteFile(name, f.Data, 0o600); err != nil {
					t.Fatal(err)
				}
				n := 0
				for line := range strings.Lines(string(f.Data)) {
					n++
					for _, msg := range strings.Split(strings.TrimSpace(line), " # ERROR ")[1:] {
						want = append(want, fmt.Sprintf("%s:%d: %s", path.Base(f.Name), n, msg))
					}
				}
			}
			_, err := Check(builtin, files, nil)
			if err == nil {
				t.Fatal("it is accepted")
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), dir+"/", ""), "\n")
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
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
	if err == nil || !strings.Contains(err.Error(), `:6: rule cache_bypass: all[0]: unknown signal "my_signal"`) {
		t.Errorf("error %v, want one that names the unknown signal", err)
	}
	if err := s.CheckSignals([]signal.Signal{{Name: "my_signal"}}); err != nil {
		t.Error(err)
	}
	c := &s.Rule("cache_bypass").All[0]
	for field, names := range map[string]*signal.Names{"per": &c.Per, "outgrows": &c.Outgrows, "after": &c.After, "less": &c.Less, "explains": &c.Explains, "material": &c.Material, "worse_since": &c.WorseSince, "steady_since": &c.SteadySince} {
		*names = signal.Names{"your_signal"}
		err = s.CheckSignals([]signal.Signal{{Name: "my_signal"}})
		if err == nil || !strings.Contains(err.Error(), `unknown signal "your_signal"`) {
			t.Errorf("error %v, want one that names the unknown signal under %s", err, field)
		}
		*names = nil
	}
}

// FuzzCheck checks that no text makes the loader panic, and that what it says has a
// place.
func FuzzCheck(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	f.Add([]byte("base: &base {rules: [~, {name: a}]}\n<<: *base\n"))
	f.Add([]byte("rules: &r [{name: a, suspect: cache, all: *r}]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := &Set{}
		found := append(s.add("rules.yml", text), s.signalProblems(nil)...)
		for _, p := range found {
			if !strings.HasPrefix(p.Error(), "rules.yml") {
				t.Errorf("the problem has no place: %v", p)
			}
		}
	})
}
