package httpapi

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// words are the functions of the templates.
func words(prefix string) template.FuncMap {
	return template.FuncMap{
		"path":  func(p string) string { return prefix + p },
		"link":  func(to string) string { return link(prefix, to) },
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"stamp": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"short": short,
		"ago":   ago,
		"pairs": pairs,
		"count": count,
		"entry": func(section, p, text string) entry { return entry{p, text, p == section} },
	}
}

// entry is a link of the navigation.
type entry struct {
	Path, Text string
	Here       bool
}

// link turns a path of this service into one with the route prefix, and leaves
// other URLs alone.
func link(prefix, to string) string {
	if strings.HasPrefix(to, "/") {
		return prefix + to
	}
	return to
}

// stamp writes a time in full.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// short writes a time as near as a reader needs: the time of day within the
// last day, and the date before.
func short(t time.Time) string {
	if age := time.Since(t); age > -time.Hour && age < 20*time.Hour {
		return t.UTC().Format("15:04:05 UTC")
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func ago(t time.Time) string {
	d := time.Since(t)
	if d < time.Second {
		return "now"
	}
	return span(d) + " ago"
}

// span writes a duration in at most two units: 42 s, 6 min 50 s, 2 h 5 min,
// 3 d 4 h.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.size && i < len(units)-1 {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.size, u.name)
		if i+1 < len(units) {
			if rest := d % u.size / units[i+1].size; rest > 0 {
				text += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return text
	}
	return ""
}

// pair is a label, for templates.
type pair struct{ Name, Value string }

// pairs returns the labels sorted by name, without those that have the same
// value in each of the known sets.
func pairs(ls model.LabelSet, known ...model.LabelSet) []pair {
	var out []pair
	for name, value := range ls {
		if !slices.ContainsFunc(known, func(k model.LabelSet) bool { v, ok := k[name]; return ok && v == value }) {
			out = append(out, pair{string(name), string(value)})
		}
	}
	slices.SortFunc(out, func(a, b pair) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// count writes a number of things, whose plural is regular.
func count(n int, thing string) string {
	switch stem, y := strings.CutSuffix(thing, "y"); {
	case n == 1 || strings.HasSuffix(thing, "series"):
		return strconv.Itoa(n) + " " + thing
	case y:
		return strconv.Itoa(n) + " " + stem + "ies"
	default:
		return strconv.Itoa(n) + " " + thing + "s"
	}
}

// shellQuoted quotes a text so that a shell takes it as one word.
func shellQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
