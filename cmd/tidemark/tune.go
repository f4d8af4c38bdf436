package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"

	"github.com/alecthomas/kingpin/v2"

	"tidemark/backtest"
)

var errNoSetting = errors.New("no sensitivity meets the target: see above what was tried")

// tuneCommand declares the tune command and returns how it is run once the
// command line is parsed.
func tuneCommand(cmd *kingpin.Application) (*kingpin.CmdClause, func(ctx context.Context, stdout, stderr io.Writer) error) {
	c := cmd.Command("tune", "Propose sensitivities with which a past range would have paged no more often than wanted, as a diff of the configuration file.")
	file := c.Flag("config.file", "Configuration file. It is not changed.").Default("tidemark.yml").String()
	start := c.Flag("start", "Begin of the range, in RFC 3339 or unix seconds.").Required().String()
	end := c.Flag("end", "End of the range, in RFC 3339 or unix seconds.").Required().String()
	target := c.Flag("target", "How often it may page, such as 2-per-week; per day and month, too. With --truth: how often falsely.").Required().String()
	truth := c.Flag("truth", "File that lists faults which are known: none that is found now may be missed.").PlaceHolder("FILE").String()
	grace := c.Flag("truth.grace", "How long after its end a fault may still be paged for.").Default(backtest.DefaultGrace.String()).Duration()
	past := newPastFlags(c)
	return c, func(ctx context.Context, stdout, stderr io.Writer) error {
		rate, err := parseRate(*target)
		if err != nil {
			return err
		}
		o := backtest.Options{Grace: *grace}
		if o.Start, err = parseTime("start", *start); err != nil {
			return err
		}
		if o.End, err = parseTime("end", *end); err != nil {
			return err
		}
		if *truth != "" {
			if o.Faults, err = backtest.LoadFaults(*truth); err != nil {
				return err
			}
		}
		if o.Reading, err = past.options(stderr); err != nil {
			return err
		}
		if o.Config, err = loadAsOf(ctx, *file, o.End, o.Reading, stderr); err != nil {
			return err
		}
		return tune(ctx, o, *file, rate, stdout, stderr)
	}
}

// tune writes what was tried, then the diff, which tools that apply one find in
// it.
func tune(ctx context.Context, o backtest.Options, file string, target float64, stdout, stderr io.Writer) error {
	p := newProgress(stderr, "tune")
	o.Progress = p.show
	t, err := backtest.Tune(ctx, o, target)
	p.clear()
	if err != nil {
		return interrupted(ctx, err, o.Reading)
	}
	warn(stderr, t.Report.Stats, o.Reading)
	if err := t.WriteText(stdout); err != nil {
		return fmt.Errorf("write the proposal: %w", err)
	}
	switch t.Chosen {
	case -1:
		return errNoSetting
	case 0:
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	diff, err := backtest.Patch(file, string(text), t.Tried[t.Chosen].Sensitivities)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "\n%s", diff)
	return err
}

var (
	rateForm = regexp.MustCompile(`^([0-9.]+)-per-(day|week|month)$`)
	weeks    = map[string]float64{"day": 1. / 7, "week": 1, "month": 30. / 7}
)

// parseRate returns pages per week.
func parseRate(text string) (float64, error) {
	m := rateForm.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("--target %q is not a rate: write one such as 2-per-week, 1-per-day or 3-per-month", text)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, fmt.Errorf("--target %q is not a rate: %s is not a number", text, m[1])
	}
	return n / weeks[m[2]], nil
}
