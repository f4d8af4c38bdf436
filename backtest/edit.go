package backtest

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v2"
)

// edit replaces a line of a file, or if it is an insertion adds one after it.
type edit struct {
	line   int // counted from 0
	text   string
	insert bool
}

// Patch returns a unified diff that sets the sensitivity of signals in the text of
// a configuration file, by name, and leaves everything else as it is, comments
// too. A false_alarm_every of the signal gives way to it. The error says what to
// write where the text is not understood.
func Patch(file, text string, sensitivities map[string]float64) (string, error) {
	if !strings.HasSuffix(text, "\n") {
		return "", fmt.Errorf("%s: the last line has no end: add one", file)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	lines[len(lines)-1] += "\n"
	var edits []edit
	section := false
	for i, line := range lines {
		if m := topLevel.FindStringSubmatch(line); m != nil {
			section = m[1] == "signals"
		}
		if !section {
			continue
		}
		m := namedEntry.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if value, ok := sensitivities[m[nameGroup]]; ok {
			edits = append(edits, editEntry(lines, i, strconv.FormatFloat(value, 'g', -1, 64)))
		}
	}
	if err := checkEdits(text, strings.Join(apply(lines, edits), ""), sensitivities); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return unified(file, lines, edits), nil
}

var (
	// namedEntry matches the line that names an entry of a list: its indentation
	// with the dash, a brace in flow style, and the name.
	namedEntry  = regexp.MustCompile(`^(\s*)(- +|-? *\{ *| +)name: *["']?([a-z0-9_]+)["']?\s*(,.*\}\s*)?(#.*)?\n?$`)
	nameGroup   = 3
	topLevel    = regexp.MustCompile(`^([a-z_]+):`)
	setting     = regexp.MustCompile(`\b(sensitivity|false_alarm_every): *[^,}#\s]+`)
	settingLine = regexp.MustCompile(`^(\s*(?:- +)?)(sensitivity|false_alarm_every):\s*[^#\s]+`)
)

// editEntry returns the edit for the entry whose name is on line i.
func editEntry(lines []string, i int, value string) edit {
	want := "sensitivity: " + value
	if strings.Contains(lines[i], "{") {
		return editFlow(lines[i], i, want)
	}
	first, last := entryAround(lines, i)
	for n := first; n <= last; n++ {
		if m := settingLine.FindStringSubmatchIndex(lines[n]); m != nil {
			return edit{line: n, text: lines[n][:m[3]] + want + lines[n][m[1]:]}
		}
	}
	indent := strings.Repeat(" ", strings.Index(lines[i], "name:"))
	return edit{line: i, text: indent + want + "\n", insert: true}
}

func editFlow(line string, i int, want string) edit {
	if m := setting.FindStringIndex(line); m != nil {
		return edit{line: i, text: line[:m[0]] + want + line[m[1]:]}
	}
	end := strings.LastIndex(line, "}")
	if end < 0 {
		return edit{line: i, text: line} // an entry of several lines: checkEdits reports it
	}
	return edit{line: i, text: strings.TrimRight(line[:end], " ,") + ", " + want + line[end:]}
}

// entryAround returns the first and the last line of the entry in block style to
// which line i belongs.
func entryAround(lines []string, i int) (first, last int) {
	depth := strings.Index(lines[i], "name:")
	inside := func(line string) bool {
		trimmed := strings.TrimSpace(line)
		return trimmed == "" || len(line)-len(strings.TrimLeft(line, " ")) >= depth
	}
	first, last = i, i
	for !strings.HasPrefix(strings.TrimSpace(lines[first]), "- ") && first > 0 {
		first--
	}
	for last+1 < len(lines) && inside(lines[last+1]) {
		last++
	}
	return first, last
}

func apply(lines []string, edits []edit) []string {
	out := make([]string, 0, len(lines)+len(edits))
	next := 0
	for _, e := range edits {
		out = append(out, lines[next:e.line]...)
		next = e.line + 1
		if e.insert {
			out = append(out, lines[e.line])
		}
		out = append(out, e.text)
	}
	return append(out, lines[next:]...)
}

// checkEdits reports whether the edited text does not say what is wanted, or says
// anything else otherwise than before.
func checkEdits(before, after string, sensitivities map[string]float64) error {
	var was, is map[string]any
	if err := yaml.Unmarshal([]byte(before), &was); err != nil {
		return err
	}
	broken := yaml.Unmarshal([]byte(after), &is)
	list, _ := was["signals"].([]any)
	found := 0
	for _, entry := range list {
		signal, _ := entry.(map[any]any)
		name, _ := signal["name"].(string)
		if value, ok := sensitivities[name]; ok {
			delete(signal, "false_alarm_every")
			signal["sensitivity"] = value
			found++
		}
	}
	edited, _ := is["signals"].([]any)
	for _, entry := range slices.Concat(list, edited) {
		signal, _ := entry.(map[any]any)
		if whole, ok := signal["sensitivity"].(int); ok {
			signal["sensitivity"] = float64(whole)
		}
	}
	if found == len(sensitivities) && broken == nil && reflect.DeepEqual(was, is) {
		return nil
	}
	return fmt.Errorf("the signals are written in a way that cannot be edited, or not here: set %s yourself", listed(sensitivities))
}

// diffContext is how many lines around a change a diff shows.
const diffContext = 3

// unified writes the edits, which are in the order of the lines, as a unified diff.
func unified(file string, lines []string, edits []edit) string {
	if len(edits) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", file, file)
	shift := 0
	for i := 0; i < len(edits); {
		n := i + 1
		for n < len(edits) && edits[n].line-edits[n-1].line <= 2*diffContext {
			n++
		}
		from := max(0, edits[i].line-diffContext)
		until := min(len(lines), edits[n-1].line+1+diffContext)
		inserted := 0
		var body strings.Builder
		next := from
		for _, e := range edits[i:n] {
			for ; next < e.line; next++ {
				diffLine(&body, ' ', lines[next])
			}
			if e.insert {
				diffLine(&body, ' ', lines[e.line])
				inserted++
			} else {
				diffLine(&body, '-', lines[e.line])
			}
			diffLine(&body, '+', e.text)
			next = e.line + 1
		}
		for ; next < until; next++ {
			diffLine(&body, ' ', lines[next])
		}
		fmt.Fprintf(&b, "@@ -%d,%d +%d,%d @@\n%s", from+1, until-from, from+1+shift, until-from+inserted, body.String())
		shift += inserted
		i = n
	}
	return b.String()
}

func diffLine(b *strings.Builder, mark byte, line string) {
	b.WriteByte(mark)
	b.WriteString(line)
}
