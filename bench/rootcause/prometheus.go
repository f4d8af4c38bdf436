package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// server is a Prometheus with the samples of one case.
type server struct {
	url    string
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
}

// startPrometheus loads an OpenMetrics text and serves it from dir.
func startPrometheus(ctx context.Context, dir, text string, interval time.Duration) (*server, error) {
	file, data, conf := filepath.Join(dir, "samples.om"), filepath.Join(dir, "data"), filepath.Join(dir, "prometheus.yml")
	if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.WriteFile(conf, []byte("global: {}\n"), 0o600)); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", file, data).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("load samples by promtool: %w: %s", err, out)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_ = l.Close() // it is free again
	s := &server{url: "http://" + addr, ended: make(chan struct{})}
	// A sample counts until the next one is due, and a little longer.
	lookback := max(5*time.Minute, interval+interval/5)
	s.cmd = exec.CommandContext(ctx, "prometheus", "--config.file="+conf, "--storage.tsdb.path="+data,
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
func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/-/ready", nil)
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
			s.stop()
			return fmt.Errorf("prometheus is not ready: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	<-s.ended
}
