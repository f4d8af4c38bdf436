// Command demo shows what tidemark does: it opens a small web shop with two
// weeks of history, watches it with Prometheus, Alertmanager and tidemark,
// breaks something, and prints what the person on call would see until it is
// repaired.
//
// All servers listen on 127.0.0.1 and keep their data in a temporary directory.
// They are stopped, and the directory is removed, when the command ends.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

// configs are the configuration files of the servers. They can be used as they
// are; the demo puts in other ports if it has to.
//
//go:embed tidemark.yml prometheus.yml alertmanager.yml
var configs embed.FS

type options struct {
	faults   []string
	once     bool
	tidemark string
	shop     string
}

func main() {
	var o options
	var fault string
	cmd := kingpin.New("demo", "Breaks a small web shop and shows what tidemark makes of it.")
	cmd.HelpFlag.Short('h')
	cmd.Flag("fault", "What to break: "+strings.Join(names(), ", ")+", or all of them one after the other.").
		Default("cache_bypass").EnumVar(&fault, append(names(), "all")...)
	cmd.Flag("once", "End when the story is told. The exit code is 0 if it went as it should.").BoolVar(&o.once)
	cmd.Flag("tidemark", "The program to show. Default: build it.").StringVar(&o.tidemark)
	cmd.Flag("shop", "The program to break. Default: build it.").StringVar(&o.shop)
	kingpin.MustParse(cmd.Parse(os.Args[1:]))
	o.faults = []string{fault}
	if fault == "all" {
		o.faults = names()
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	out := newTerminal(os.Stdout)
	err := show(ctx, o, out)
	stopped := ctx.Err() != nil
	stop()
	switch {
	case stopped && !o.once:
		out.line("Stopped.")
	case err != nil:
		out.problem(err)
		os.Exit(1)
	}
}

// show starts everything, tells the story of each fault, and stops everything.
func show(ctx context.Context, o options, out *terminal) (err error) {
	s, ctx, err := newStack(ctx, o, out)
	if err != nil {
		return err
	}
	defer func() {
		// If a server died, whatever else went wrong is a consequence.
		if died := (*diedError)(nil); errors.As(context.Cause(ctx), &died) {
			err = died
		}
		s.stop()
	}()
	if err := s.start(ctx); err != nil {
		return err
	}
	if !pause(ctx, moment) {
		return ctx.Err()
	}
	stories := make([]story, 0, len(o.faults))
	for i, fault := range o.faults {
		if i > 0 {
			if err := s.calm(ctx); err != nil {
				return err
			}
		}
		st, err := s.tell(ctx, scenarioOf(fault))
		if err != nil {
			return err
		}
		stories = append(stories, st)
	}
	failed := 0
	for _, st := range stories {
		if st.problem != nil {
			failed++
		}
	}
	if len(stories) > 1 {
		out.table(stories)
	}
	if !o.once {
		out.line("")
		out.line("Everything stays up until you press Ctrl-C. Break something else:")
		out.line("  curl -X POST   %s/faults/slow_database", s.shopURL())
		out.line("  curl -X DELETE %s/faults/slow_database", s.shopURL())
		s.showURLs()
		<-ctx.Done()
		return nil
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d stories did not end as they should", failed, len(stories))
	}
	return nil
}

// patience is how long things may take.
const (
	startPatience   = 3 * time.Minute  // until a server answers, and tidemark has learned
	alertPatience   = 5 * time.Minute  // from the fault to the alert in Alertmanager
	resolvePatience = 6 * time.Minute  // from the repair until all is quiet
	calmPatience    = 2 * time.Minute  // until no signal is off any more; then on to the next story
	moment          = 30 * time.Second // of normal operation before something breaks
)
