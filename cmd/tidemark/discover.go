package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v2"

	"tidemark/discover"
	"tidemark/ingest"
)

// discoverCommand declares the discover command and returns how it is run once
// the command line is parsed.
func discoverCommand(cmd *kingpin.Application) (*kingpin.CmdClause, func(ctx context.Context, stdout io.Writer) error) {
	c := cmd.Command("discover", "Look at what a Prometheus has, and print a commented configuration for it.")
	address := c.Flag("prometheus.url", "Address of the Prometheus.").Required().String()
	client := c.Flag("prometheus.config", "File with HTTP client options, as in the prometheus section: how to log in, TLS.").String()
	output := c.Flag("output.file", "Where to write the configuration; standard output if it is not given. A file that exists is not replaced.").String()
	at := c.Flag("time", "As of when, in RFC 3339 or unix seconds. Default: now.").String()
	rate := queryRateFlag(c)
	return c, func(ctx context.Context, stdout io.Writer) error {
		section, shown, err := prometheusSection(*address, *client)
		if err != nil {
			return err
		}
		when := time.Now()
		if *at != "" {
			if when, err = parseTime("time", *at); err != nil {
				return err
			}
		}
		if err := checkQueryRate(*rate); err != nil {
			return err
		}
		source, err := ingest.New(section, nil, ingest.Options{MaxQueryRate: *rate})
		if err != nil {
			return fmt.Errorf("prometheus: %w", err)
		}
		r, err := discover.Run(ctx, discover.Options{
			Prometheus: source, At: when, History: time.Duration(section.History),
			MaxSeries: section.MaxSeriesPerSignal, Prefer: []string{"service"},
		})
		if err != nil {
			return err
		}
		if *output == "" {
			return r.Write(stdout, shown)
		}
		return writeNew(*output, func(w io.Writer) error { return r.Write(w, shown) })
	}
}

// prometheusSection makes the prometheus section of the flags, and its lines for
// the configuration that is printed: paths are absolute there, since it may lie
// elsewhere, and secrets that do not lie in files are left out.
func prometheusSection(address, file string) (ingest.Config, string, error) {
	section := ingest.DefaultConfig
	u, err := url.Parse(address)
	if err != nil {
		return section, "", fmt.Errorf("--prometheus.url %q is not a URL: write one such as http://localhost:9090", address)
	}
	section.URL = promconfig.URL{URL: u}
	shown := "url: " + u.Redacted() + "\n"
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return section, "", fmt.Errorf("--prometheus.config: %w", err)
		}
		options := section.HTTPClientConfig
		if err := yaml.UnmarshalStrict(text, &options); err != nil {
			return section, "", fmt.Errorf("--prometheus.config %s: %s: write HTTP client options such as basic_auth", file, strings.ReplaceAll(err.Error(), "\n", " "))
		}
		// Redirects are the default there, and never followed here.
		options.FollowRedirects = section.HTTPClientConfig.FollowRedirects
		section.HTTPClientConfig = options
		dir, err := filepath.Abs(filepath.Dir(file))
		if err != nil {
			return section, "", err
		}
		section.HTTPClientConfig.SetDirectory(dir)
		lines, err := yaml.Marshal(section.HTTPClientConfig)
		if err != nil {
			return section, "", fmt.Errorf("--prometheus.config: %w", err)
		}
		shown += string(lines)
	}
	if err := section.Validate(); err != nil {
		return section, "", fmt.Errorf("--prometheus.url: %w", err)
	}
	return section, shown, nil
}

// writeNew writes a file that does not exist yet.
func writeNew(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("--output.file %s exists already: remove it, or choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("--output.file: %w", err)
	}
	return errors.Join(write(f), f.Close())
}
