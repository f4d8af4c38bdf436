package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"tidemark/demo/history"
	"tidemark/demo/shop"
)

type pastOptions struct {
	dir, promtool          string
	service, job, instance string
}

// makePast makes two weeks of history, unless there is some already: what is
// there then is the true one.
func makePast(ctx context.Context, o pastOptions, logger *slog.Logger) error {
	blocks, err := filepath.Glob(filepath.Join(o.dir, "*", "meta.json"))
	if err != nil {
		return fmt.Errorf("look for blocks: %w", err)
	}
	if len(blocks) > 0 {
		logger.Info("There is history already.", "blocks", len(blocks))
		return nil
	}
	const step = 10 * time.Second
	end := time.Now().Truncate(step)
	logged := 0.0
	return history.Create(ctx, history.Options{
		Model:  shop.Default,
		Start:  end.AddDate(0, 0, -14),
		End:    end,
		Step:   step,
		Labels: map[string]string{"job": o.job, "instance": o.instance, "service": o.service},
		Slack:  history.MeasureSlack(),
		Jitter: 2 * time.Millisecond,
		Seed:   uint64(end.Unix()),
	}, o.promtool, o.dir, func(done float64) {
		if done-logged >= 0.1 || done == 1 {
			logged = done
			logger.Info("Making history.", "done", fmt.Sprintf("%.0f %%", 100*done))
		}
	})
}
