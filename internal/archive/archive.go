// Package archive serves samples that were written down beforehand: it turns them
// into blocks of a Prometheus's own storage, and runs that Prometheus over them.
// Both programs, prometheus and promtool, must be installed.
//
// Samples of a text have no marks of staleness: a series whose scrapes fail is shown
// for as long as Prometheus looks back, which therefore is to be chosen.
package archive

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Server is a running Prometheus.
type Server struct {
	URL    string
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
}

// Load turns a file of OpenMetrics text, with timestamps in seconds, into blocks in
// the storage below dir. A block holds block's worth of time, a multiple of two hours
// that promtool rounds down; promtool reads the text once for each of them. Samples
// of one series may not be in two files for the same block.
func Load(ctx context.Context, dir, file string, block time.Duration) error {
	out, err := exec.CommandContext(ctx, "promtool", "tsdb", "create-blocks-from", "--quiet", "--max-block-duration="+block.String(),
		"openmetrics", file, storage(dir)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("load %s by promtool: %w: %s", file, err, out)
	}
	return nil
}

func storage(dir string) string { return filepath.Join(dir, "data") }

// Serve starts a Prometheus over what was loaded below dir, in which a sample counts
// for so long, and returns when it answers. Whoever called it has to stop the server.
func Serve(ctx context.Context, dir string, lookback time.Duration) (*Server, error) {
	conf := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(conf, []byte("global: {}\n"), 0o600); err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_ = l.Close() // it is free again
	s := &Server{URL: "http://" + addr, ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, "prometheus", "--config.file="+conf, "--storage.tsdb.path="+storage(dir),
		"--storage.tsdb.retention.time=100y", "--query.lookback-delta="+lookback.String(), "--web.listen-address="+addr)
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start prometheus: %w", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // it is told to end
	}()
	return s, s.await(ctx)
}

// await returns once the server answers.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/-/ready", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.ended:
			return fmt.Errorf("prometheus ended before it was ready: %s", s.output.Bytes())
		case <-ctx.Done():
			s.Stop()
			return fmt.Errorf("prometheus is not ready: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the Prometheus and waits for that.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	<-s.ended
}
