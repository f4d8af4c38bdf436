package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"

	"tidemark/ingest"
)

// defaultQueryRate is how many queries per second a command sends that looks at
// the past: as many as a busy dashboard or two.
const defaultQueryRate = "100"

// queryRateFlag declares how fast a command may ask.
func queryRateFlag(c *kingpin.CmdClause) *float64 {
	return c.Flag("max-query-rate", "How many queries per second are sent to Prometheus at most; 0 is no limit. How many at a time: prometheus.concurrency.").
		Default(defaultQueryRate).Float64()
}

func checkQueryRate(rate float64) error {
	if !(rate >= 0) || math.IsInf(rate, 1) {
		return fmt.Errorf("--max-query-rate %g is not a rate: write a number of queries per second such as 20, or 0 for no limit", rate)
	}
	return nil
}

// pastFlags are what the commands that read weeks of the past have in common.
type pastFlags struct {
	rate      *float64
	cache     *string
	cacheSize *units.Base2Bytes
}

func newPastFlags(c *kingpin.CmdClause) pastFlags {
	return pastFlags{
		rate: queryRateFlag(c),
		cache: c.Flag("cache.path", "Directory in which answers of Prometheus about the past are kept, so that they are not asked for again. Default: nowhere.").
			PlaceHolder("DIR").String(),
		cacheSize: c.Flag("cache.size", "How large that directory may become.").Default("1GiB").Bytes(),
	}
}

// options returns how to read. A cache that cannot be used is no reason to give
// up.
func (f pastFlags) options(stderr io.Writer) (ingest.Options, error) {
	o := ingest.Options{MaxQueryRate: *f.rate}
	if err := checkQueryRate(*f.rate); err != nil {
		return o, err
	}
	if *f.cache == "" {
		return o, nil
	}
	var err error
	if o.Cache, err = ingest.OpenCache(*f.cache, int64(*f.cacheSize)); err != nil {
		o.Cache = nil
		warnOfCache(stderr, err)
	}
	return o, nil
}

func warnOfCache(stderr io.Writer, err error) {
	fmt.Fprintf(stderr, "tidemark: warning: %v: what Prometheus answers is not kept for the next time; choose another --cache.path\n", err)
}

// interrupted says how to go on after a run that somebody has ended.
func interrupted(ctx context.Context, err error, reading ingest.Options) error {
	switch {
	case ctx.Err() == nil:
		return err
	case reading.Cache == nil:
		return errors.New("interrupted: with --cache.path=DIR the next run would not ask again for what it has read")
	default:
		return errors.New("interrupted: the next run goes on with what is not read yet")
	}
}
