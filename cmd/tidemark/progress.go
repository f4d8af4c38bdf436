package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far a long run has come: a bar on a terminal, a line every
// tenth elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	begin    time.Time
	shown    time.Time // when the bar was drawn last
	tenths   int       // that were written
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, begin: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

const (
	barWidth = 40
	redraw   = 100 * time.Millisecond
)

func (p *progress) show(done, total int) {
	if !p.terminal {
		if tenths := 10 * done / total; tenths > p.tenths {
			p.tenths = tenths
			fmt.Fprintf(p.out, "backtest: %d %%, %s left\n", 10*tenths, p.left(done, total))
		}
		return
	}
	if now := time.Now(); done == total || now.Sub(p.shown) >= redraw {
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
