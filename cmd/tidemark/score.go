package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kingpin/v2"

	"tidemark/score"
)

// scoreCommand declares the score command and returns how it is run once the
// command line is parsed.
func scoreCommand(cmd *kingpin.Application) (*kingpin.CmdClause, func(ctx context.Context, stdout, stderr io.Writer) error) {
	c := cmd.Command("score", "Judge a series that is given as CSV (timestamp,value), line by line.")
	step := c.Flag("step", "Distance between the lines, such as 5m.").Required().Duration()
	kind := c.Flag("kind", "What the series measures: gauge, rate, ratio or latency; auto if that is not known.").Default(string(score.Auto)).Enum(score.Kinds...)
	input := c.Flag("input", "CSV file; standard input if it is not given.").String()
	return c, func(ctx context.Context, stdout, stderr io.Writer) error {
		in := os.Stdin
		if *input != "" {
			f, err := os.Open(*input)
			if err != nil {
				return fmt.Errorf("input: %w", err)
			}
			defer func() { _ = f.Close() }() // nothing was written
			in = f
		}
		// A read of a terminal or a pipe ends only if the file is closed.
		stop := context.AfterFunc(ctx, func() { _ = in.Close() })
		defer stop()
		shown := 0
		err := score.Run(in, stdout, score.Options{Kind: score.Kind(*kind), Step: *step, Bad: func(err error) {
			if shown++; shown <= badLinesShown {
				fmt.Fprintf(stderr, "tidemark: %v\n", err)
			}
		}})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
}

// badLinesShown bounds how many lines are complained of one by one.
const badLinesShown = 20
