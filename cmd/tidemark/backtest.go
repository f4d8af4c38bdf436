package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"tidemark/app"
	"tidemark/backtest"
	"tidemark/config"
	"tidemark/ingest"
)

// backtestCommand declares the backtest command and returns how it is run once
// the command line is parsed.
func backtestCommand(cmd *kingpin.Application) (*kingpin.CmdClause, func(ctx context.Context, stdout, stderr io.Writer) error) {
	c := cmd.Command("backtest", "Show what the service would have done in the past of the configured Prometheus.")
	file := c.Flag("config.file", "Configuration file.").Default("tidemark.yml").String()
	start := c.Flag("start", "Begin of the range, in RFC 3339 or unix seconds.").Required().String()
	end := c.Flag("end", "End of the range, in RFC 3339 or unix seconds.").Required().String()
	output := c.Flag("output", "Form of the report: text, json or html.").Default("text").Enum("text", "json", "html")
	outputFile := c.Flag("output.file", "File to write the report to. Default: standard output.").PlaceHolder("FILE").String()
	whatIf := c.Flag("what-if", "Also count what would have been found at other sensitivities; always so in html.").Bool()
	truth := c.Flag("truth", "File that lists faults which are known, to compare the incidents with: see docs/backtest.md.").PlaceHolder("FILE").String()
	grace := c.Flag("truth.grace", "How long after its end a fault may still be paged for.").Default(backtest.DefaultGrace.String()).Duration()
	other := c.Flag("compare", "Another configuration file, to compare with over the same samples.").PlaceHolder("FILE").String()
	record := c.Flag("record", "Scenario file to write, which test rules replays: what was read of the scopes in which incidents fired, and the incidents.").PlaceHolder("FILE").String()
	anonymise := c.Flag("anonymise", "Put pseudonyms in place of label values into the scenario.").Bool()
	past := newPastFlags(c)
	return c, func(ctx context.Context, stdout, stderr io.Writer) error {
		from, err := parseTime("start", *start)
		if err != nil {
			return err
		}
		to, err := parseTime("end", *end)
		if err != nil {
			return err
		}
		o := backtest.Options{Start: from, End: to, Grace: *grace, WhatIf: *whatIf || *output == "html", Pictures: *output == "html"}
		if *truth != "" {
			if o.Faults, err = backtest.LoadFaults(*truth); err != nil {
				return err
			}
		}
		if o.Reading, err = past.options(stderr); err != nil {
			return err
		}
		load := func(file string) (*config.Config, error) { return loadAsOf(ctx, file, to, o.Reading, stderr) }
		if o.Config, err = load(*file); err != nil {
			return err
		}
		if *other != "" {
			o.OtherName = *other
			if o.Other, err = load(*other); err != nil {
				return err
			}
		}
		rec, err := newRecording(*record, *file, *anonymise, &o)
		if err != nil {
			return err
		}
		if *outputFile == "" {
			return backtestTo(ctx, o, *output, rec, stdout, stderr)
		}
		return writeFile(*outputFile, func(w io.Writer) error { return backtestTo(ctx, o, *output, rec, w, stderr) })
	}
}

// loadAsOf reads a configuration file, with the signals that are discovered as of
// a time.
func loadAsOf(ctx context.Context, file string, at time.Time, reading ingest.Options, stderr io.Writer) (*config.Config, error) {
	c, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	reading.Logger = slog.New(slog.NewTextHandler(stderr, nil))
	return app.Discover(ctx, c, at, reading)
}

func backtestTo(ctx context.Context, o backtest.Options, output string, rec *recording, stdout, stderr io.Writer) error {
	p := newProgress(stderr, "backtest")
	o.Progress = p.show
	report, err := backtest.Run(ctx, o)
	p.clear()
	if err != nil {
		return interrupted(ctx, err, o.Reading)
	}
	warn(stderr, report.Stats, o.Reading)
	if err := rec.save(ctx, report, stderr); err != nil {
		return err
	}
	write := report.WriteText
	switch output {
	case "json":
		write = report.WriteJSON
	case "html":
		write = report.WriteHTML
	}
	if err := write(stdout); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// warn says what somebody who reads the report must know.
func warn(stderr io.Writer, s backtest.Stats, reading ingest.Options) {
	for _, w := range s.Warnings() {
		fmt.Fprintf(stderr, "tidemark: warning: %s\n", w)
	}
	if reading.Cache == nil {
		return
	}
	if err := reading.Cache.Err(); err != nil {
		warnOfCache(stderr, err)
	}
}

// writeFile replaces a file by what is written, once all of it is. That it cannot
// be written is found out before.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = write(f)
	if err = errors.Join(err, f.Close()); err == nil {
		if err = os.Rename(f.Name(), name); err == nil {
			return nil
		}
	}
	_ = os.Remove(f.Name()) // the first error counts
	return err
}

// parseTime reads the time that a flag was given.
func parseTime(flag, text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0 && seconds < maxUnix) {
		return time.Time{}, fmt.Errorf("--%s %q is not a time: write RFC 3339 such as 2026-03-04T10:00:00Z, or unix seconds such as 1772618400", flag, text)
	}
	return time.UnixMilli(int64(1000 * seconds)), nil
}

// maxUnix lies in the year 2261, before nanoseconds since the epoch overflow.
const maxUnix = 9.2e9
