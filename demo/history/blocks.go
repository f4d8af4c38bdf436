package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// defaultBlock is how long the blocks are that Prometheus' storage begins with.
const defaultBlock = 2 * time.Hour

// Create makes the past and puts it into dir, a data directory that no
// Prometheus has opened yet, as blocks made by promtool (its path). It calls
// progress with the share that is done after each block.
//
// Promtool reads all its input once for each block, so that each block gets its
// own file.
func Create(ctx context.Context, o Options, promtool, dir string, progress func(done float64)) (err error) {
	scratch, err := os.MkdirTemp("", "shop-history-")
	if err != nil {
		return fmt.Errorf("make history: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	files := make(chan string)
	var loaders sync.WaitGroup
	for range max(2, runtime.GOMAXPROCS(0)) {
		loaders.Go(func() {
			for file := range files {
				if err := load(ctx, promtool, file, dir, o.block()); err != nil {
					cancel(err)
				}
			}
		})
	}
	err = writeFiles(ctx, o, scratch, func(file string, done float64) {
		select {
		case files <- file:
			progress(done)
		case <-ctx.Done():
		}
	})
	close(files)
	loaders.Wait()
	return errors.Join(context.Cause(ctx), err)
}

// writeFiles writes one file for each block.
func writeFiles(ctx context.Context, o Options, dir string, written func(file string, done float64)) error {
	p := newShopPast(o)
	at := o.Start.Truncate(o.Step).Add(o.Step)
	for at.Before(o.End) && ctx.Err() == nil {
		name := filepath.Join(dir, fmt.Sprint(at.Unix()))
		until := time.Unix(0, at.UnixNano()-at.UnixNano()%int64(o.block())+int64(o.block()))
		if until.After(o.End) {
			until = o.End
		}
		file, err := os.Create(name)
		if err != nil {
			return fmt.Errorf("make history: %w", err)
		}
		w := newWriter(file, o.Labels)
		for ; at.Before(until); at = at.Add(o.Step) {
			p.advance(at)
			p.write(w, at)
		}
		if err := errors.Join(w.end(), file.Close()); err != nil {
			return fmt.Errorf("make history: %w", err)
		}
		written(name, float64(at.Sub(o.Start))/float64(o.End.Sub(o.Start)))
	}
	return nil
}

func (o Options) block() time.Duration { return cmp.Or(o.Block, defaultBlock) }

// load makes a block of a file, and removes the file.
func load(ctx context.Context, promtool, file, dir string, block time.Duration) error {
	cmd := exec.CommandContext(ctx, promtool, "tsdb", "create-blocks-from", "--max-block-duration="+block.String(), "openmetrics", "--quiet", file, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("load history by %s: %w: %s", promtool, err, out)
	}
	return os.Remove(file)
}

// MeasureSlack returns by how much longer than asked for a sleep takes on this
// machine, on average. The live shop sleeps where a real one works; its past
// has to be as slow.
func MeasureSlack() time.Duration {
	const sleeps, each = 100, 2 * time.Millisecond
	start := time.Now()
	for range sleeps {
		time.Sleep(each)
	}
	return time.Since(start)/sleeps - each
}
