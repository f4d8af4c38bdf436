// Package score judges a series that comes as CSV, line by line, so that anybody
// can try the detectors on data of their own.
//
// The input has the columns timestamp and value, with or without a line that
// names them. A timestamp is 2006-01-02 15:04:05 (UTC), RFC 3339 or unix
// seconds; a value is a number, and NaN or nothing is a gap. The output repeats
// both as they were written and adds anomaly_score, expected, lower and upper.
//
// The score is 0–1, grows with the surprise, and is 0 while a detector is
// learning and for gaps. For the generic detector see GenericJudgement.Score:
// 0.141 and more is an anomaly. For the others it is the surprise divided by 12,
// the largest there is: 0.375 and more is an anomaly. Numbers that are not known
// are left empty.
//
// A line that cannot be understood is reported and left out. The package does
// not guess: it neither sorts lines nor finds out the step.
package score

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// Options say what sort of series it is.
type Options struct {
	Kind Kind
	Step time.Duration // distance between the lines, > 0

	// Bad is called with the reason for each line that is left out. Nil is
	// nobody.
	Bad func(error)
}

const header = "timestamp,value,anomaly_score,expected,lower,upper\n"

// Run judges the lines of r and writes them to w, each as soon as it is known.
// The error says why r or w failed, or how many lines were left out.
func Run(r io.Reader, w io.Writer, o Options) error {
	judge, err := newJudge(o)
	if err != nil {
		return err
	}
	in := lines{r: bufio.NewReaderSize(r, maxLine)}
	out := bufio.NewWriter(w)
	if _, err := out.WriteString(header); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	good, bad := 0, 0
	for {
		p, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		var s scored
		if err == nil {
			s, err = judge(p.at, p.value)
		}
		if line, ok := errors.AsType[*lineError](err); ok {
			bad++
			if line.number = in.number; o.Bad != nil {
				o.Bad(line)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("read line %d: %w", in.number+1, err)
		}
		good++
		if err := p.write(out, s); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if in.r.Buffered() == 0 { // the next line may take its time
			if err := out.Flush(); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	switch {
	case bad > 0:
		return fmt.Errorf("%d of %d lines are left out", bad, good+bad)
	case good == 0:
		return errors.New("the input has no line: write timestamp,value lines such as 2026-03-04 10:00:00,17.5")
	default:
		return nil
	}
}

// scored is what a detector says about a line. Numbers that are not known are
// NaN.
type scored struct{ score, expected, lower, upper float64 }

// write writes the line of a point.
func (p point) write(w *bufio.Writer, s scored) error {
	b := w.AvailableBuffer()
	b = append(b, p.timestamp...)
	b = append(b, ',')
	b = append(b, p.text...)
	b = append(b, ',')
	b = strconv.AppendFloat(b, s.score, 'g', 6, 64)
	for _, v := range [...]float64{s.expected, s.lower, s.upper} {
		b = append(b, ',')
		if !math.IsNaN(v) {
			b = strconv.AppendFloat(b, v, 'g', 10, 64)
		}
	}
	b = append(b, '\n')
	_, err := w.Write(b)
	return err
}
