package app

import (
	"context"
	"fmt"

	"tidemark/engine"
	"tidemark/httpapi"
)

// acceptRequest asks the loop to let the engine accept a level.
type acceptRequest struct {
	selection engine.Selection
	by        string
	done      chan acceptAnswer
}

type acceptAnswer struct {
	accepted engine.Acceptance
	err      error
}

// requestAccept accepts the level of the selected series and returns once that
// is done and on disk, or says why it is not.
func (a *app) requestAccept(ctx context.Context, s engine.Selection, by string) (engine.Acceptance, error) {
	r := acceptRequest{s, by, make(chan acceptAnswer, 1)}
	select {
	case a.accepts <- r:
	case <-ctx.Done():
		return engine.Acceptance{}, ctx.Err()
	}
	select {
	case answer := <-r.done:
		return answer.accepted, answer.err
	case <-ctx.Done():
		return engine.Acceptance{}, ctx.Err()
	}
}

// accept answers a request in the goroutine that owns the engine, if it does.
func (a *app) accept(g *generation, r acceptRequest, owned bool) {
	if !owned {
		r.done <- acceptAnswer{err: httpapi.ErrLearning}
		return
	}
	accepted, err := g.engine.Accept(r.selection, r.by)
	if err == nil && len(accepted.Accepted) > 0 {
		if err = a.store.Accept(accepted.Accepted); err != nil {
			err = fmt.Errorf("the level is accepted until the next restart, but: %w", err)
		}
	}
	r.done <- acceptAnswer{accepted, err}
}
