package score

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxLine is the longest line that is read.
const maxLine = 4096

// point is one line of the input, as it was written and what it means.
type point struct {
	timestamp, text string
	at              time.Time
	value           float64 // NaN is a gap
}

// lineError is why a line is left out. Its text says what to write instead.
type lineError struct {
	number int
	text   string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.number, e.text) }

func badLine(format string, args ...any) error {
	return &lineError{text: fmt.Sprintf(format, args...)}
}

// lines reads points.
type lines struct {
	r      *bufio.Reader
	number int // of the line that was read last, from 1
}

// next returns the next point, a lineError for a line that has none, and io.EOF
// at the end. Empty lines, and the one that names the columns, are passed over.
func (l *lines) next() (point, error) {
	for {
		text, err := l.line()
		if err != nil {
			return point{}, err
		}
		text = strings.TrimSpace(text)
		if l.number == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
			if strings.EqualFold(strings.ReplaceAll(text, `"`, ""), "timestamp,value") {
				continue
			}
		}
		if text != "" {
			return parse(text)
		}
	}
}

// line returns a line of at most maxLine bytes.
func (l *lines) line() (string, error) {
	text, err := l.r.ReadSlice('\n')
	if err == nil || errors.Is(err, io.EOF) && len(text) > 0 {
		l.number++
		return string(text), nil
	}
	if !errors.Is(err, bufio.ErrBufferFull) {
		return "", err
	}
	l.number++
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.r.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return "", badLine("it has more than %d bytes: write timestamp,value", maxLine)
}

func parse(line string) (point, error) {
	columns := strings.Split(line, ",")
	if len(columns) != 2 {
		return point{}, badLine("%q has not two columns but %d: write timestamp,value", shorten(line), len(columns))
	}
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
		if n := len(columns[i]); n >= 2 && columns[i][0] == '"' && columns[i][n-1] == '"' {
			columns[i] = columns[i][1 : n-1]
		}
	}
	p := point{timestamp: columns[0], text: columns[1], value: math.NaN()}
	var ok bool
	if p.at, ok = parseTime(p.timestamp); !ok {
		return p, badLine("timestamp %q is not one: write 2026-03-04 10:00:00, RFC 3339 or unix seconds", shorten(p.timestamp))
	}
	if p.text == "" {
		return p, nil
	}
	v, err := strconv.ParseFloat(p.text, 64)
	if err != nil || math.IsInf(v, 0) {
		return p, badLine("value %q is not a number: write one such as 17.5, or nothing for a gap", shorten(p.text))
	}
	p.value = v
	return p, nil
}

func shorten(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// parseTime reads a timestamp in one of the three forms.
func parseTime(text string) (time.Time, bool) {
	if t, err := time.Parse(time.DateTime, text); err == nil {
		return t, true
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, true
	}
	const latest = 9.2e9 // in the year 2261, before nanoseconds since the epoch overflow
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < latest {
		return time.UnixMilli(int64(math.Round(1000 * seconds))).UTC(), true
	}
	return time.Time{}, false
}
