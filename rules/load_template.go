package rules

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// tale is what a template is tried on when a file loads: the facts of the signals
// that are seen, and of those that deviate; nil is none.
type tale struct{ seen, off *Facts }

// tales are all that may happen to a template: signals deviate, for so short a
// time that it is not known since when, or are seen and do not deviate, or there is
// nothing of them.
var tales = func() []tale {
	known := &Facts{
		Title: "cache hit ratio", Value: "41 %", Expected: "93 %", Lower: "90 %", Upper: "95 %", Band: "90–95 %",
		Times: "0.44×", Percent: "-56 %", Since: "22:03:10 UTC",
	}
	short := *known
	short.Since = ""
	return []tale{{known, known}, {&short, &short}, {known, nil}, {nil, nil}}
}()

// parseTemplate parses a summary. Its functions take names of signals and return
// the Facts of the first that is seen in the scope (sig), or that is seen and
// deviates upwards (up) or downwards (down), or nil, so that
// {{ with sig "a" "b" }} skips what is not there. It is tried on tales, and an
// error if it fails on any of them. It also returns the signals that it names.
func parseTemplate(name, text string) (*template.Template, []string, error) {
	var now tale
	var told []string
	tell := func(names []string, f *Facts) *Facts {
		for _, n := range names {
			if !slices.Contains(told, n) {
				told = append(told, n)
			}
		}
		return f
	}
	off := func(names ...string) *Facts { return tell(names, now.off) }
	t, err := template.New(name).Funcs(template.FuncMap{
		"sig": func(names ...string) *Facts { return tell(names, now.seen) }, "up": off, "down": off,
	}).Parse(text)
	if err != nil {
		return nil, nil, templateError(err)
	}
	for _, now = range tales {
		if err := try(t, nil); err != nil {
			return nil, nil, err
		}
	}
	return t, told, nil
}

// parseSentence parses a because template, likewise.
func parseSentence(text string) (*sentence, error) {
	t, err := template.New("because").Parse(text)
	switch {
	case err != nil && noFunction.MatchString(err.Error()):
		return nil, fmt.Errorf("the template has no function %s, it is about the signal of its condition: write %s", noFunction.FindStringSubmatch(err.Error())[1], fields)
	case err != nil:
		return nil, templateError(err)
	}
	for _, now := range tales {
		if now.seen == nil {
			continue // it is about a series that is seen
		}
		if err := try(t, now.seen); err != nil {
			return nil, err
		}
	}
	return &sentence{t}, nil
}

// try executes a template, and looks at what it writes.
func try(t *template.Template, data any) error {
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return templateError(err)
	}
	switch text := b.String(); {
	case strings.Contains(text, "<no value>"), strings.Contains(text, "<nil>"):
		return errors.New(`it writes what is not there: write {{ with sig "cache_hit_ratio" }}{{ .Value }}{{ end }}, which is left out without the signal`)
	case strings.Contains(text, "{cache hit ratio 41 %"):
		return fmt.Errorf(`it writes all that is known of a signal: choose of it, as in {{ with sig "cache_hit_ratio" }}{{ .Value }}{{ end }}; there are %s`, fields)
	default:
		return nil
	}
}

const fields = ".Title, .Value, .Expected, .Lower, .Upper, .Band, .Times, .Percent and .Since"

var (
	templateWhere = regexp.MustCompile(`^template: [^:]*:\d+(:\d+)?: (executing "[^"]*" at )?`)
	noField       = regexp.MustCompile(`can't evaluate field (\w+) in type`)
	noFunction    = regexp.MustCompile(`function "(\w+)" not defined`)
)

// templateError says what is wrong with a template, and what to write instead if
// that can be told. The template is one line, so that where in it counts for
// nothing.
func templateError(err error) error {
	msg := templateWhere.ReplaceAllString(err.Error(), "")
	switch {
	case noFunction.MatchString(msg):
		return fmt.Errorf("the template has no function %s: write sig, up or down with names of signals", noFunction.FindStringSubmatch(msg)[1])
	case noField.MatchString(msg):
		return fmt.Errorf("the template has no field .%s: write %s, inside of a with", noField.FindStringSubmatch(msg)[1], fields)
	case strings.Contains(msg, "nil pointer evaluating"):
		return errors.New(`the template fails when a signal is not seen, or does not deviate: write {{ with sig "cache_hit_ratio" }}{{ .Value }}{{ end }}`)
	case strings.Contains(msg, "unexpected EOF"):
		return errors.New("the template has a with or an if without its {{ end }}")
	default:
		return fmt.Errorf("the template is wrong: %s", msg)
	}
}
