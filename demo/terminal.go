package main

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// terminal is where the story is told. Colours and progress are for terminals
// only.
type terminal struct {
	file    *os.File
	fancy   bool
	started time.Time
}

func newTerminal(f *os.File) *terminal {
	info, err := f.Stat()
	fancy := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return &terminal{file: f, fancy: fancy, started: time.Now()}
}

// Colours.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
	faint  = "2"
)

func (t *terminal) paint(colour, text string) string {
	if !t.fancy {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// line prints a line.
func (t *terminal) line(format string, args ...any) {
	fmt.Fprintf(t.file, format+"\n", args...)
}

// chapter prints what happens now, in front of it a word of what it is.
func (t *terminal) chapter(colour, word, format string, args ...any) {
	fmt.Fprintf(t.file, "\n%s %s %s\n", t.paint(faint, t.clock()), t.paint(colour, fmt.Sprintf("%-9s", word)), fmt.Sprintf(format, args...))
}

// detail prints a line that belongs to a chapter.
func (t *terminal) detail(word, text string) {
	indent := strings.Repeat(" ", len("00:00:00 "))
	fmt.Fprintf(t.file, "%s%s %s\n", indent, t.paint(faint, fmt.Sprintf("%-9s", word)), text)
}

func (t *terminal) clock() string { return time.Now().UTC().Format("15:04:05") }

// progress overwrites the last progress; nothing is printed if it is empty.
func (t *terminal) progress(format string, args ...any) {
	if t.fancy {
		fmt.Fprintf(t.file, "\r\x1b[K"+format, args...)
	}
}

// problem prints what went wrong.
func (t *terminal) problem(err error) {
	fmt.Fprintf(t.file, "\n%s %v\n", t.paint(red, "demo:"), err)
}

// table prints how the stories ended.
func (t *terminal) table(stories []story) {
	rows := [][]string{{"FAULT", "VERDICT", "COMPONENT", "EXPECTED", "ALERT AFTER", "ALERTS", "RESOLVED AFTER", ""}}
	for _, s := range stories {
		row := []string{s.fault, "none", "–", s.component, "–", fmt.Sprint(s.alerts), "–", "as it should be"}
		if s.component == "" {
			row[3] = "none"
		}
		if s.verdict != "" {
			row[1], row[2] = s.verdict, s.suspect
		}
		if s.alertAfter > 0 {
			row[4] = seconds(s.alertAfter)
		}
		if s.resolvedAfter > 0 {
			row[6] = seconds(s.resolvedAfter)
		}
		if s.problem != nil {
			row[7] = s.problem.Error()
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	t.line("")
	for i, row := range rows {
		var b strings.Builder
		for j, cell := range row {
			b.WriteString(cell)
			if j < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)+2))
			}
		}
		colour := green
		switch {
		case i == 0:
			colour = bold
		case stories[i-1].problem != nil:
			colour = red
		}
		t.line("%s", t.paint(colour, b.String()))
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) }
