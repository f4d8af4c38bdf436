package alerting

import (
	"context"
	"time"
)

// loop calls a receiver's rounds, when something is new and when the receiver
// asked for it.
type loop struct {
	woken chan struct{}
}

func newLoop() loop { return loop{make(chan struct{}, 1)} }

func (l loop) wake() {
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// outcome is what a round came to.
type outcome struct {
	wait   time.Duration // until the next round
	failed bool          // something new is left; what wakes does not shorten the wait
}

// idleWait is how long a receiver waits that has nothing to do.
const idleWait = time.Hour

// run calls round until ctx is done, and then until nothing new is left or work
// is done.
func (l loop) run(ctx, work context.Context, round func(context.Context) outcome) {
	for {
		ending := ctx.Err() != nil
		o := round(work)
		if ending && (!o.failed || work.Err() != nil) {
			return
		}
		woken := l.woken
		if o.failed {
			woken = nil
		}
		done := ctx.Done()
		if ending {
			done = work.Done()
		}
		timer := time.NewTimer(o.wait)
		select {
		case <-woken:
		case <-timer.C:
		case <-done:
		}
		timer.Stop()
	}
}
