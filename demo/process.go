package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a server that the demo started.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string        // path of what it writes
	done chan struct{} // closed when it has ended
	err  error         // how it ended; valid once done is closed
}

// startProcess starts a server in a process group of its own, so that Ctrl-C
// reaches the demo only, which then stops its servers in order.
//
// It outlives the context, since servers are stopped in order.
func startProcess(ctx context.Context, dir, name, program string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// watch cancels the context when the server ends.
func (p *process) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
	case <-p.done:
		cancel(&diedError{p.name, p.err, p.tail()})
	}
}

// stop ends the server and all that it started: politely, then by force.
func (p *process) stop() {
	group := -p.cmd.Process.Pid
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(group, sig); errors.Is(err, syscall.ESRCH) {
			return
		}
		select {
		case <-p.done:
			return
		case <-time.After(10 * time.Second):
		}
	}
}

// tailLines is how much of a log is shown when its server died.
const tailLines = 30

func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// diedError says that a server ended before it was stopped.
type diedError struct {
	name string
	err  error
	tail string
}

func (e *diedError) Error() string {
	how := "it ended by itself"
	if e.err != nil {
		how = e.err.Error()
	}
	return fmt.Sprintf("%s died: %s. The end of its log:\n%s", e.name, how, e.tail)
}
