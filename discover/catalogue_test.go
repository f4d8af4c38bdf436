package discover

import (
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"tidemark/signal"
)

// TestCatalogue checks that each entry, with all its metrics there, gives all its
// signals, that they are complete, and that remedies speak of signals it has.
func TestCatalogue(t *testing.T) {
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	webEntry := &c.Entries[0]
	if webEntry.Part != web {
		t.Fatalf("the first entry is of the part %s, want web", webEntry.Part)
	}
	variable := regexp.MustCompile(`\$\{?(\w+)\}?`)
	names := map[string]bool{}
	for i := range c.Entries {
		e := &c.Entries[i]
		t.Run(e.Name, func(t *testing.T) {
			if !slices.Contains(parts, e.Part) || e.Title == "" {
				t.Errorf("part %q or title %q is wrong", e.Part, e.Title)
			}
			if names[e.Name] {
				t.Error("the name is there twice")
			}
			names[e.Name] = true
			vars := map[string]string{"w": "5m", "by": ""}
			for _, n := range e.Present.SubexpNames() {
				vars[n] = "shop_"
			}
			for n, p := range e.Pick {
				vars[n] = p.Labels[0]
			}
			texts := []string{}
			for _, alternatives := range e.Quantities {
				texts = append(texts, alternatives...)
			}
			for _, tmpl := range e.templates() {
				texts = append(texts, tmpl.Query, tmpl.Support)
			}
			s := &search{names: map[string]bool{"http_requests_total": true}}
			for _, text := range texts {
				text = os.Expand(text, func(n string) string {
					if v, ok := vars[n]; ok {
						return v
					}
					return "http_requests_total"
				})
				if text == "" {
					continue
				}
				found, ok := metricNames(text)
				if !ok {
					t.Errorf("%s cannot be parsed", text)
				}
				for _, n := range found {
					s.names[n] = true
				}
			}
			delete(vars, "w")
			delete(vars, "by")
			s.web = &source{entry: webEntry, vars: map[string]string{"prefix": ""}, window: 5 * time.Minute}
			src := &source{entry: e, vars: vars, window: 5 * time.Minute}
			given := map[string]bool{}
			for _, tmpl := range e.templates() {
				given[tmpl.Name] = true
				for _, by := range [][]string{nil, {"service"}, {"namespace", "service"}} {
					src.by = by
					cand := s.candidate(src, tmpl)
					if cand == nil {
						t.Errorf("%s has no query by %v, only the template %s", tmpl.Name, by, variable.ReplaceAllString(tmpl.Query, "<$1>"))
						continue
					}
					if err := cand.Signal.Complete(signal.Defaults{Step: time.Minute}); err != nil {
						t.Error(err)
					}
				}
			}
			if len(given) == 0 {
				t.Error("it gives no signals")
			}
			for _, m := range e.Missing {
				for _, n := range m.Signals {
					if !given[n] && signal.Standard[n].Kind == "" {
						t.Errorf("a remedy speaks of %s, which there is not", n)
					}
				}
			}
		})
	}
	for _, w := range c.Wanted {
		for _, n := range w.Signals {
			if _, ok := signal.Standard[n]; !ok {
				t.Errorf("%s is wanted, and no standard signal", n)
			}
		}
	}
}
