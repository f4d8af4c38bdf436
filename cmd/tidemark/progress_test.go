package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestProgressInALog has a run that waits, is quick, and then slow.
func TestProgressInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out, "tune")
		time.Sleep(15 * time.Second)
		p.mu.Lock()
		p.begin = time.Now()
		p.mu.Unlock()
		for done := 1; done <= 100; done++ {
			time.Sleep(100 * time.Millisecond)
			if done > 95 {
				time.Sleep(5 * time.Second)
			}
			p.show(done, 100)
		}
		p.clear()
		want := []string{
			"tune: 0 %, not known how long",
			"tune: 10 %, 9s left", "tune: 20 %, 8s left", "tune: 30 %, 7s left", "tune: 40 %, 6s left", "tune: 50 %, 5s left",
			"tune: 60 %, 4s left", "tune: 70 %, 3s left", "tune: 80 %, 2s left", "tune: 90 %, 1s left",
			"tune: 96 %, 1s left", "tune: 98 %, 1s left", "tune: 100 %, 0s left",
		}
		if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(out.String()), "\n")); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
	})
}

func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out, "backtest")
		p.terminal = true
		for done := 1; done <= 4; done++ {
			time.Sleep(time.Second)
			p.show(done, 4)
			p.show(done, 4) // too soon to draw again
		}
		p.clear()
		lines := strings.Split(out.String(), "\r")
		if got, want := lines[1], "["+strings.Repeat("#", 10)+strings.Repeat(" ", 30)+"]  25 %, 3s left \x1b[K"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := lines[len(lines)-1]; got != "\x1b[K" || len(lines) != 7 {
			t.Errorf("got %d pieces, the last is %q, want one for each second, one for the last, and that the bar is removed", len(lines), got)
		}
	})
}
