package promtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	readyWithin = 30 * time.Second
	stopWithin  = 10 * time.Second
)

// Server is a server process. Its methods are for the test's goroutine; they
// fail the test when the process does not do as it is told.
type Server struct {
	URL string // http://127.0.0.1:port, the same after a restart

	t      testing.TB
	path   string
	args   []string
	addr   string
	output buffer
	proc   *process // nil while stopped
}

// start starts the program with the flags for a free address.
func start(t testing.TB, name string, args func(addr string) []string) *Server {
	t.Helper()
	addr := FreeAddress(t)
	s := &Server{
		URL:  "http://" + addr,
		t:    t,
		path: program(t, name),
		args: args(addr),
		addr: addr,
	}
	t.Cleanup(func() {
		if s.proc != nil {
			s.Kill()
		}
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, s.output.String())
		}
	})
	s.Start()
	return s
}

// Start starts a stopped server with its old address and data, and returns when
// it is ready.
func (s *Server) Start() {
	s.t.Helper()
	if s.proc != nil {
		s.t.Fatalf("%s is running already", s.path)
	}
	proc, err := startProcess(s.path, s.args, &s.output)
	if err != nil {
		s.t.Fatal(err)
	}
	s.proc = proc
	s.awaitReady()
}

// Stop asks the server to end and waits until it has.
func (s *Server) Stop() {
	s.t.Helper()
	s.end(syscall.SIGTERM)
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	s.t.Helper()
	s.end(syscall.SIGKILL)
}

// Restart is Stop and Start.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

func (s *Server) end(sig os.Signal) {
	s.t.Helper()
	if s.proc == nil {
		s.t.Fatalf("%s is not running", s.path)
	}
	proc := s.proc
	s.proc = nil
	if err := proc.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("send %s to %s: %v", sig, s.path, err)
	}
	select {
	case <-proc.done:
	case <-time.After(stopWithin):
		s.t.Errorf("%s did not end within %s after %s", s.path, stopWithin, sig)
		_ = proc.Kill() // if it has just ended, so much the better
		<-proc.done
	}
}

func (s *Server) awaitReady() {
	s.t.Helper()
	deadline := time.After(readyWithin)
	client := &http.Client{Timeout: time.Second}
	for {
		if s.ready(client) {
			return
		}
		select {
		case <-s.proc.done:
			s.proc = nil
			s.t.Fatalf("%s ended before it was ready:\n%s", s.path, s.output.String())
		case <-deadline:
			s.t.Fatalf("%s was not ready within %s:\n%s", s.path, readyWithin, s.output.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) ready(client *http.Client) bool {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+"/-/ready", nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// process is a running child; done is closed when it has ended.
type process struct {
	*os.Process
	done chan struct{}
}

func startProcess(path string, args []string, output *buffer) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.done)
		// The kernel ends the child when the thread that started it ends, so
		// that thread has to live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		// It outlives the test's context, so that what is cleaned up before it
		// can still talk to it.
		cmd := exec.CommandContext(context.Background(), path, args...)
		cmd.Stdout, cmd.Stderr = output, output
		cmd.SysProcAttr = endWithParent()
		err := cmd.Start()
		p.Process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // the exit code of a server that was told to end says nothing
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return p, nil
}

// FreeAddress returns an address that nothing listened on a moment ago.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// buffer collects what a process prints.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
