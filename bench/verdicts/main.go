// Command verdicts measures how well the built-in rules name causes: it runs the
// engine on simulated web stacks, in which faults of known cause happen, and on
// weeks in which nothing should page.
//
//	go run ./bench/verdicts -seeds 20
//	go run ./bench/verdicts -only pool_leak -seed 7 -v
//	go run ./bench/verdicts -fleet 40 -days 7
//	go run ./bench/verdicts -fleet 40 -days 7 -window 5 -without cache_restarts,cache_errors
//	go run ./bench/verdicts -fleet 40 -days 7 -window 5 -archive /tmp/fleet
//	go run ./bench/verdicts -write testdata/scenarios/model
//
// A stack is a model of queues, not of curves: traffic sends reads through a
// cache of keys that expire, what is missed waits for a connection and a worker
// of a database, and latencies and errors are what comes of it. The engine sees
// what Prometheus would show: rates over windows, gaps, counters that start
// again. It prints tables; it has no opinion about them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"tidemark/rules"
)

type settings struct {
	seeds    int
	first    uint64
	seed     uint64
	days     int
	only     string
	verbose  bool
	parallel int
	rules    *rules.Set

	// of a fleet
	services int
	window   int
	without  string
	archive  string
}

// task is one run that is due.
type task struct {
	name string
	seed uint64
	run  func(seed uint64, t trial) (outcome, error)
}

func main() {
	var s settings
	flag.IntVar(&s.seeds, "seeds", 20, "runs of each kind")
	flag.Uint64Var(&s.first, "first", 1, "seed of the first run, or of the first service of the fleet")
	flag.Uint64Var(&s.seed, "seed", 0, "run this seed only")
	flag.IntVar(&s.days, "days", 5, "of history to learn from")
	flag.StringVar(&s.only, "only", "", "run only the kinds whose names contain one of these words, separated by commas")
	flag.BoolVar(&s.verbose, "v", false, "show what deviates in each cycle, run by run")
	flag.IntVar(&s.parallel, "parallel", runtime.GOMAXPROCS(0), "runs at a time")
	flag.IntVar(&s.services, "fleet", 0, "watch so many services for three weeks with one engine instead")
	flag.IntVar(&s.window, "window", 0, "minutes over which the fleet's rates are formed; 0 is some for each service")
	flag.StringVar(&s.without, "without", "", "signals of the fleet that nobody watches, separated by commas")
	flag.StringVar(&s.archive, "archive", "", "load the fleet's samples into a Prometheus below this directory, and let a backtest judge them")
	own := flag.String("rules", "", "rule file whose rules replace built-in ones of the same name")
	write := flag.String("write", "", "write a scenario of each kind to this directory instead")
	flag.Parse()
	if flag.NArg() > 0 || s.seeds < 1 || s.days < 1 || s.parallel < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if s.archive != "" && (s.services < 1 || *own != "") {
		fmt.Fprintln(os.Stderr, "-archive goes with -fleet only, and its backtest with the built-in rules: add -fleet, or leave out -rules")
		os.Exit(2)
	}
	var err error
	if s.rules, err = ruleSet(*own); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if *write != "" {
		if err := writeStories(*write, s.first); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	started := time.Now()
	if s.services > 0 {
		f, strays, err := s.fleet()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		reportFleet(os.Stdout, f, strays, s.days)
		fmt.Printf("\n(%d services, %s)\n", len(f), time.Since(started).Round(time.Second))
		return
	}
	outcomes, err := s.run(s.tasks())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	report(os.Stdout, outcomes)
	fmt.Printf("\n(%d runs, %s)\n", len(outcomes), time.Since(started).Round(time.Second))
}

// ruleSet returns the built-in rules and those of a file, if one is named.
func ruleSet(own string) (*rules.Set, error) {
	builtin, err := rules.Builtin()
	if err != nil {
		return nil, fmt.Errorf("load the built-in rules: %w", err)
	}
	if own == "" {
		return builtin, nil
	}
	return rules.Load(builtin, []string{own})
}

func (s settings) tasks() []task {
	var out []task
	seeds := make([]uint64, s.seeds)
	for i := range seeds {
		seeds[i] = s.first + uint64(i)
	}
	if s.seed > 0 {
		seeds = []uint64{s.seed}
	}
	for _, seed := range seeds {
		for _, k := range kinds {
			out = append(out, task{k.name, seed, k.run})
		}
		for _, c := range calms {
			out = append(out, task{c.name, seed, c.run})
		}
	}
	kept := out[:0]
	for _, t := range out {
		if slices.ContainsFunc(strings.Split(s.only, ","), func(w string) bool { return strings.Contains(t.name, w) }) {
			kept = append(kept, t)
		}
	}
	return kept
}

// fleet simulates services side by side, and lets one engine watch them: by itself,
// or in a backtest that asks a Prometheus.
func (s settings) fleet() (fleet, []page, error) {
	f := make(fleet, s.services)
	errs := make([]error, s.services)
	scrapes := newTexts(s.archive)
	var wg sync.WaitGroup
	free := make(chan struct{}, s.parallel)
	for i := range f {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			var minutes []minute
			if f[i], minutes, errs[i] = newMember(s.first+uint64(i), s.days, s.window); errs[i] != nil {
				return
			}
			first := fleetStart.Add(time.Minute)
			if s.archive != "" {
				errs[i] = scrapes.write(f[i].name, first, minutes)
				return
			}
			f[i].record = observe(first, minutes, f[i].window)
		})
	}
	wg.Wait()
	files, err := scrapes.close()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, nil, err
	}
	without := strings.Split(s.without, ",")
	var pages []page
	if s.archive != "" {
		pages, err = f.backtest(context.Background(), s.archive, files, without, s.days)
	} else {
		pages, err = f.judge(without, trial{days: s.days, rules: s.rules})
	}
	return f, f.assign(pages), err
}

// run runs the tasks side by side, or one by one if they are watched, and
// returns the outcomes in the order of the tasks.
func (s settings) run(tasks []task) ([]outcome, error) {
	parallel := s.parallel
	if s.verbose {
		parallel = 1
	}
	outcomes := make([]outcome, len(tasks))
	errs := make([]error, len(tasks))
	due := make(chan int)
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for i := range due {
				t := trial{days: s.days, rules: s.rules}
				if s.verbose {
					fmt.Printf("%s, seed %d\n", tasks[i].name, tasks[i].seed)
					t.watch = timeline(os.Stdout)
				}
				outcomes[i], errs[i] = tasks[i].run(tasks[i].seed, t)
			}
		})
	}
	for i := range tasks {
		due <- i
	}
	close(due)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("%s, seed %d: %w", tasks[i].name, tasks[i].seed, err)
		}
	}
	return outcomes, nil
}
