package discover

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// match returns the entries whose metrics have names that exist, one source for
// each prefix.
func (s *search) match(entries []entry) []*source {
	claimed := claims(entries)
	names := slices.Sorted(maps.Keys(s.names))
	var out []*source
	for i := range entries {
		e := &entries[i]
		seen := map[string]bool{}
		for _, name := range names {
			m := e.Present.FindStringSubmatch(name)
			if m == nil || e.Except != nil && e.Except.MatchString(name) || e.Present.NumSubexp() > 0 && claimed[name] {
				continue
			}
			vars := map[string]string{}
			for j, group := range e.Present.SubexpNames() {
				if group != "" {
					vars[group] = m[j]
				}
			}
			if key := fmt.Sprint(vars); !seen[key] {
				seen[key] = true
				out = append(out, &source{entry: e, metric: s.mainMetric(e, vars, name), vars: vars, window: defaultWindow})
			}
		}
	}
	return out
}

// claims returns the names of metrics that an exporter has for itself: they are
// not taken for an application's.
func claims(entries []entry) map[string]bool {
	claimed := map[string]bool{}
	variable := regexp.MustCompile(`\$\{?\w+\}?`)
	for _, e := range entries {
		if e.Present.NumSubexp() > 0 {
			continue
		}
		for _, texts := range e.Quantities {
			for _, text := range texts {
				text = strings.ReplaceAll(text, "$w", "5m")
				names, _ := metricNames(variable.ReplaceAllString(text, "x"))
				for _, n := range names {
					claimed[n] = true
				}
			}
		}
	}
	return claimed
}

// mainMetric returns the metric that the entry's load is made of, and else the
// one by which it was recognised.
func (s *search) mainMetric(e *entry, vars map[string]string, recognised string) string {
	for _, quantity := range []string{"requests", "lookups", "queries"} {
		for _, text := range e.Quantities[quantity] {
			text = os.Expand(text, func(name string) string {
				switch v, captured := vars[name]; {
				case captured:
					return v
				case name == "w":
					return "5m"
				default:
					return "x" // a label that is yet to be picked
				}
			})
			if names, ok := metricNames(text); ok && s.exists(text) {
				return names[0]
			}
		}
	}
	return recognised
}
