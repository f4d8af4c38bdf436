package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far a long run has come: a bar on a terminal; elsewhere a
// line every tenth, and every ten seconds of a tenth that takes long.
type progress struct {
	out      io.Writer
	what     string
	terminal bool
	begin    time.Time
	shown    time.Time // when the bar was drawn last, or a line written
	tenths   int       // that were written
}

func newProgress(out io.Writer, what string) *progress {
	now := time.Now()
	p := &progress{out: out, what: what, begin: now, shown: now}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

const (
	barWidth = 40
	redraw   = 100 * time.Millisecond
	rewrite  = 10 * time.Second
)

func (p *progress) show(done, total int) {
	now := time.Now()
	if !p.terminal {
		if tenths := 10 * done / total; tenths > p.tenths || now.Sub(p.shown) >= rewrite {
			p.tenths, p.shown = tenths, now
			fmt.Fprintf(p.out, "%s: %d %%, %s left\n", p.what, 100*done/total, p.left(done, total))
		}
		return
	}
	if done == total || now.Sub(p.shown) >= redraw {
		p.shown = now
		full := barWidth * done / total
		fmt.Fprintf(p.out, "\r[%-*s] %3d %%, %s left \x1b[K", barWidth, bar[:full], 100*done/total, p.left(done, total))
	}
}

var bar = strings.Repeat("#", barWidth)

// left estimates the time that is left, at the speed so far.
func (p *progress) left(done, total int) time.Duration {
	elapsed := time.Since(p.begin)
	return (time.Duration(float64(elapsed) * float64(total-done) / float64(done))).Round(time.Second)
}

// clear removes the bar.
func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
