package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidemark/demo/history"
	"tidemark/demo/shop"
)

// The addresses in the configuration files, which the demo uses if they are
// free.
const (
	prometheusAddr   = "127.0.0.1:9090"
	alertmanagerAddr = "127.0.0.1:9093"
	tidemarkAddr     = "127.0.0.1:9733"
	shopAddr         = "127.0.0.1:9800"
)

// stack is everything that the demo runs.
type stack struct {
	options options
	out     *terminal
	dir     string            // of all data, removed in the end
	addrs   map[string]string // from the address in the configuration to the real one
	cancel  context.CancelCauseFunc
	running []*process // in the order in which they were started
	client  *http.Client
	signals signals
}

// newStack prepares a stack that does not run yet. The context that it returns
// is cancelled, with the cause, when a server of the stack dies.
func newStack(ctx context.Context, o options, out *terminal) (*stack, context.Context, error) {
	signals, err := readSignals()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "tidemark-demo-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a place for the data: %w", err)
	}
	s := &stack{
		options: o, out: out, dir: dir, signals: signals,
		addrs:  map[string]string{},
		client: &http.Client{Timeout: 10 * time.Second},
	}
	ctx, s.cancel = context.WithCancelCause(ctx)
	return s, ctx, nil
}

// start starts everything, and returns when tidemark can judge.
func (s *stack) start(ctx context.Context) error {
	programs, err := findServers(ctx, s.out)
	if err != nil {
		return err
	}
	s.out.line("Building …")
	for name, given := range map[string]string{"tidemark": s.options.tidemark, "shop": s.options.shop} {
		if programs[name], err = build(ctx, given, name, s.dir); err != nil {
			return err
		}
	}
	for _, addr := range []string{prometheusAddr, alertmanagerAddr, tidemarkAddr, shopAddr} {
		if s.addrs[addr], err = freeAddr(ctx, addr); err != nil {
			return err
		}
	}
	for _, name := range []string{"prometheus.yml", "alertmanager.yml", "tidemark.yml"} {
		if err := s.writeConfig(name); err != nil {
			return err
		}
	}
	if err := s.makeHistory(ctx, programs["promtool"]); err != nil {
		return err
	}

	// Of all, only the shop is in a hurry: its durations are what is judged, and a
	// busy machine would stretch them.
	if err := s.run(ctx, "shop", "nice", s.shopURL()+"/-/healthy",
		"-n", niceness(), programs["shop"], "--web.listen-address="+s.addrs[shopAddr]); err != nil {
		return err
	}
	if err := s.run(ctx, "prometheus", programs["prometheus"], s.prometheusURL()+"/-/ready",
		"--config.file=prometheus.yml",
		"--storage.tsdb.path=prometheus",
		"--storage.tsdb.retention.time=30d",
		// Blocks as they are: merging two weeks of them would take all the CPU.
		"--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h",
		"--web.listen-address="+s.addrs[prometheusAddr]); err != nil {
		return err
	}
	if err := s.run(ctx, "alertmanager", programs["prometheus-alertmanager"], s.alertmanagerURL()+"/-/ready",
		"--config.file=alertmanager.yml",
		"--storage.path=alertmanager",
		"--cluster.listen-address=",
		"--web.listen-address="+s.addrs[alertmanagerAddr]); err != nil {
		return err
	}
	s.out.line("tidemark learns two weeks …")
	learning := time.Now()
	if err := s.run(ctx, "tidemark", programs["tidemark"], s.tidemarkURL()+"/-/ready",
		"serve",
		"--config.file=tidemark.yml",
		"--storage.path=tidemark",
		"--web.listen-address="+s.addrs[tidemarkAddr],
		"--web.external-url="+s.tidemarkURL(),
		"--web.enable-lifecycle"); err != nil {
		return err
	}
	s.out.line("tidemark is ready after %s.", seconds(time.Since(learning)))
	s.showURLs()
	return nil
}

// niceness of the shop: only root can make a process more important.
func niceness() string {
	if os.Getuid() == 0 {
		return "-10"
	}
	return "0"
}

// stop stops what runs, last started first, and removes the data.
func (s *stack) stop() {
	s.cancel(nil)
	for _, p := range slices.Backward(s.running) {
		p.stop()
	}
	_ = os.RemoveAll(s.dir) // what cannot be removed lies in the temporary directory
}

// run starts a server and waits until it answers at the URL.
func (s *stack) run(ctx context.Context, name, program, ready string, args ...string) error {
	p, err := startProcess(ctx, s.dir, name, program, args...)
	if err != nil {
		return err
	}
	s.running = append(s.running, p)
	go p.watch(ctx, s.cancel)
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		if err = s.fetch(ctx, http.MethodGet, ready, nil); err == nil {
			return nil
		}
		if !pause(ctx, 200*time.Millisecond) {
			return fmt.Errorf("%s is not ready: %w. The end of its log:\n%s", name, err, p.tail())
		}
	}
}

// makeHistory fills Prometheus' data directory with the two weeks before now.
func (s *stack) makeHistory(ctx context.Context, promtool string) error {
	begun := time.Now()
	end := begun.Truncate(historyStep)
	err := history.Create(ctx, history.Options{
		Model:  shop.Default,
		Start:  end.AddDate(0, 0, -14),
		End:    end,
		Step:   historyStep,
		Labels: historyLabels,
		Slack:  history.MeasureSlack(),
		Jitter: 2 * time.Millisecond,
		Seed:   uint64(end.Unix()),
	}, promtool, filepath.Join(s.dir, "prometheus"), func(done float64) {
		s.out.progress("Making two weeks of history: %.0f %%", 100*done)
	})
	s.out.progress("")
	if err != nil {
		return err
	}
	s.out.line("Two weeks of history are made in %s.", seconds(time.Since(begun)))
	return nil
}

// historyStep is the distance between samples of the past: three lie in the
// windows of the signals' queries.
const historyStep = 10 * time.Second

// historyLabels are those that the scrape of the shop gives to its series.
var historyLabels = map[string]string{"job": "shop", "instance": "shop-1", "service": "shop"}

// writeConfig writes a configuration file with the real addresses.
func (s *stack) writeConfig(name string) error {
	text, err := configs.ReadFile(name)
	if err != nil {
		return err
	}
	var pairs []string
	for written, real := range s.addrs {
		pairs = append(pairs, written, real)
	}
	text = []byte(strings.NewReplacer(pairs...).Replace(string(text)))
	return os.WriteFile(filepath.Join(s.dir, name), text, 0o600)
}

// freeAddr returns addr if nobody listens there, and else one with another port.
func freeAddr(ctx context.Context, addr string) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		l, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (s *stack) prometheusURL() string   { return "http://" + s.addrs[prometheusAddr] }
func (s *stack) alertmanagerURL() string { return "http://" + s.addrs[alertmanagerAddr] }
func (s *stack) tidemarkURL() string     { return "http://" + s.addrs[tidemarkAddr] }
func (s *stack) shopURL() string         { return "http://" + s.addrs[shopAddr] }

func (s *stack) showURLs() {
	s.out.line("  tidemark      %s", s.tidemarkURL())
	s.out.line("  Alertmanager  %s", s.alertmanagerURL())
	s.out.line("  Prometheus    %s", s.prometheusURL())
	s.out.line("  shop          %s/faults", s.shopURL())
}

// pause waits, and reports whether there is reason to go on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
