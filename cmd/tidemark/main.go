// Command tidemark finds anomalies in the metrics of a web stack, names their
// common cause, and raises one alert for it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"tidemark/app"
	"tidemark/config"
	"tidemark/rules"
	watched "tidemark/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run parses the command line, does what it says and returns the exit code: 0,
// 1 if it could not be done, 2 if the command line is wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := kingpin.New("tidemark", "Finds anomalies next to Prometheus and raises one alert that names their cause.")
	cmd.UsageWriter(stderr).ErrorWriter(stderr)
	cmd.HelpFlag.Short('h')
	exit := -1
	cmd.Terminate(func(code int) { exit = code })

	serve, serveOptions := serveCommand(cmd)
	check := cmd.Command("check", "Check files without running.")
	checkConfig := check.Command("config", "Check a configuration file and the rule files that it names.")
	checkConfigFile := checkConfig.Arg("file", "Configuration file.").Required().String()
	checkRules := check.Command("rules", "Check rule files.")
	checkRuleFiles := checkRules.Arg("file", "Rule files.").Required().Strings()
	checkRulesConfig := checkRules.Flag("config.file", "Configuration file, whose signals the rules may name. Without it, they may name the standard signals.").String()
	backtest, runBacktest := backtestCommand(cmd)
	tune, runTune := tuneCommand(cmd)
	score, runScore := scoreCommand(cmd)
	discover, runDiscover := discoverCommand(cmd)
	tests, runTests := testRulesCommand(cmd)
	showVersion := cmd.Command("version", "Show version information.")

	chosen, err := cmd.Parse(args)
	if exit >= 0 { // --help
		return exit
	}
	if err != nil {
		fmt.Fprintf(stderr, "tidemark: %v, try --help\n", err)
		return 2
	}
	switch chosen {
	case serve.FullCommand():
		o := serveOptions(stderr)
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
		o.Reload = hangups
		err = app.Run(ctx, o)
	case checkConfig.FullCommand():
		err = checkConfiguration(*checkConfigFile, stdout)
	case checkRules.FullCommand():
		err = checkRulesFiles(*checkRuleFiles, *checkRulesConfig, stdout)
	case backtest.FullCommand():
		err = runBacktest(ctx, stdout, stderr)
	case tune.FullCommand():
		err = runTune(ctx, stdout, stderr)
	case score.FullCommand():
		err = runScore(ctx, stdout, stderr)
	case discover.FullCommand():
		err = runDiscover(ctx, stdout)
	case tests.FullCommand():
		err = runTests(ctx, stdout)
	case showVersion.FullCommand():
		fmt.Fprintln(stdout, version.Print("tidemark"))
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintf(stderr, "tidemark: %s\n", line)
		}
		return 1
	}
	return 0
}

// serveCommand declares the serve command and returns how its options are made
// once the command line is parsed.
func serveCommand(cmd *kingpin.Application) (*kingpin.CmdClause, func(stderr io.Writer) app.Options) {
	serve := cmd.Command("serve", "Watch the signals and raise alerts.").Default()
	var o app.Options
	serve.Flag("config.file", "Configuration file.").Default("tidemark.yml").StringVar(&o.ConfigFile)
	serve.Flag("storage.path", "Directory for incidents and anomalies.").Default("data/").StringVar(&o.StoragePath)
	serve.Flag("storage.retention", "How long resolved incidents are kept.").Default("90d").SetValue(&o.Retention)
	serve.Flag("web.external-url", "URL under which tidemark is reached from outside, for links in alerts. Its path is the prefix of all pages.").StringVar(&o.ExternalURL)
	serve.Flag("web.enable-lifecycle", "Allow reload by HTTP request.").BoolVar(&o.EnableLifecycle)
	serve.Flag("web.enable-admin-api", "Allow requests that change what counts as normal, dismiss findings, or say whether an incident was useful.").BoolVar(&o.EnableAdminAPI)
	serve.Flag("web.enable-events", "Allow requests that announce changes, such as deploys.").BoolVar(&o.EnableEvents)
	o.Web = kingpinflag.AddFlags(serve, ":9733")
	logs := &promslog.Config{Level: promslog.NewLevel(), Format: promslog.NewFormat()}
	promslogflag.AddFlags(cmd, logs)
	return serve, func(stderr io.Writer) app.Options {
		logs.Writer = stderr
		o.Logger = promslog.New(logs)
		return o
	}
}

func checkConfiguration(file string, stdout io.Writer) error {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: valid, %d signals, %d rules\n", file, len(c.Signals), len(c.Rules.Rules()))
	if len(c.Signals) == 0 {
		fmt.Fprintf(stdout, "%s: no signals, they are discovered at the start: `tidemark discover` shows which\n", file)
	}
	if days := len(c.Global.Holidays); days > 0 {
		fmt.Fprintf(stdout, "%s: valid, %d holidays\n", c.Global.HolidaysFile, days)
	}
	for _, s := range c.Suppressions.Expired(time.Now()) {
		fmt.Fprintf(stdout, "%s: suppression %s has expired on %s, its incidents page: remove it, or write a later until\n", file, s.Name, s.Until)
	}
	showSensitivities(stdout, c.Signals)
	return nil
}

// showSensitivities says what each sensitivity costs, and which signals have it.
func showSensitivities(stdout io.Writer, signals []watched.Signal) {
	var order []string
	names := map[string][]string{}
	for _, s := range signals {
		if !s.Judged() {
			continue
		}
		cost := fmt.Sprintf("sensitivity %g, %s", s.Sensitivity, s.FalseAlarms())
		if names[cost] == nil {
			order = append(order, cost)
		}
		names[cost] = append(names[cost], s.Name)
	}
	for _, cost := range order {
		fmt.Fprintf(stdout, "%s: %s\n", cost, strings.Join(names[cost], ", "))
	}
}

func checkRulesFiles(files []string, configFile string, stdout io.Writer) error {
	var configured []watched.Signal
	if configFile != "" {
		c, err := config.Load(configFile)
		if err != nil {
			return err
		}
		configured = c.Signals
	}
	builtin, err := rules.Builtin()
	if err != nil {
		return err
	}
	s, err := rules.Check(builtin, files, configured)
	if err != nil {
		return err
	}
	own := 0
	for _, r := range s.Rules() {
		if slices.Contains(files, r.File()) {
			own++
		}
	}
	fmt.Fprintf(stdout, "%d rules are valid\n", own)
	return nil
}
