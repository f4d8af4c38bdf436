package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// progress shows how far a long run has come: a bar on a terminal; elsewhere a
// line every tenth, and every ten seconds of a tenth that takes long.
type progress struct {
	out      io.Writer
	what     string
	terminal bool
	begin    time.Time
	end      chan struct{} // closed when there is nothing more to show

	mu          sync.Mutex
	done, total int
	shown       time.Time // when the bar was drawn last, or a line written
	tenths      int       // that were written
}

const (
	barWidth = 40
	redraw   = 100 * time.Millisecond
	rewrite  = 10 * time.Second
)

// newProgress begins to show a run, until clear is called.
func newProgress(out io.Writer, what string) *progress {
	now := time.Now()
	p := &progress{out: out, what: what, begin: now, shown: now, end: make(chan struct{})}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	go p.watch()
	return p
}

// watch shows that the run is alive while nothing is done, such as before the
// first answer of a slow server.
func (p *progress) watch() {
	t := time.NewTicker(rewrite / 10)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			p.mu.Lock()
			if now := time.Now(); now.Sub(p.shown) >= rewrite {
				p.write(now)
			}
			p.mu.Unlock()
		case <-p.end:
			return
		}
	}
}

// show is told how much of all is done.
func (p *progress) show(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = done, total
	now := time.Now()
	due := 10*done/total > p.tenths
	if p.terminal {
		due = done == total || now.Sub(p.shown) >= redraw
	}
	if due {
		p.write(now)
	}
}

// write draws the bar, or writes a line.
func (p *progress) write(now time.Time) {
	p.shown = now
	percent, left := 0, "not known how long"
	if p.done > 0 {
		percent, left = 100*p.done/p.total, p.left(now).String()+" left"
		p.tenths = 10 * p.done / p.total
	}
	if p.terminal {
		fmt.Fprintf(p.out, "\r[%-*s] %3d %%, %s \x1b[K", barWidth, bar[:barWidth*percent/100], percent, left)
		return
	}
	fmt.Fprintf(p.out, "%s: %d %%, %s\n", p.what, percent, left)
}

var bar = strings.Repeat("#", barWidth)

// left estimates the time that is left, at the speed so far.
func (p *progress) left(now time.Time) time.Duration {
	elapsed := now.Sub(p.begin)
	return time.Duration(float64(elapsed) * float64(p.total-p.done) / float64(p.done)).Round(time.Second)
}

// clear ends the showing, and removes the bar.
func (p *progress) clear() {
	close(p.end)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
