package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Config is the prometheus section: where the signals are read, how to log in
// there, and how much one answer may hold.
type Config struct {
	// URL is the address below which /api/v1/query_range lies. Query parameters
	// in it, such as dedup=true for Thanos, are sent with every query.
	URL config.URL `yaml:"url"`

	// Timeout is the deadline of one query, its answer read to the end.
	Timeout model.Duration `yaml:"timeout,omitempty"`

	// Concurrency is how many queries are under way at most.
	Concurrency int `yaml:"concurrency,omitempty"`

	MaxSeriesPerSignal int              `yaml:"max_series_per_signal,omitempty"`
	MaxResponseBytes   units.Base2Bytes `yaml:"max_response_bytes,omitempty"`

	// PointsPerQuery is how many slots one query of a backfill spans at most.
	PointsPerQuery int `yaml:"points_per_query,omitempty"`

	// History is how far back baselines are learned at a start.
	History model.Duration `yaml:"history,omitempty"`

	HTTPClientConfig config.HTTPClientConfig `yaml:",inline"`
}

// prometheusMaxPoints is the number of slots above which Prometheus refuses a
// query_range.
const prometheusMaxPoints = 11000

// DefaultConfig has all defaults; the URL has none.
var DefaultConfig = Config{
	Timeout:            model.Duration(30 * time.Second),
	Concurrency:        4,
	MaxSeriesPerSignal: 1000,
	MaxResponseBytes:   16 * units.MiB,
	PointsPerQuery:     5000,
	History:            model.Duration(14 * 24 * time.Hour),
	HTTPClientConfig:   config.HTTPClientConfig{EnableHTTP2: true},
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *Config) UnmarshalYAML(unmarshal func(any) error) error {
	*c = DefaultConfig
	type plain Config
	if err := unmarshal((*plain)(c)); err != nil {
		return err
	}
	// The inlined section's own UnmarshalYAML is not called.
	if err := c.HTTPClientConfig.Validate(); err != nil {
		return err
	}
	return c.Validate()
}

// SetDirectory makes the files that the section names (secrets, certificates)
// relative to dir.
func (c *Config) SetDirectory(dir string) { c.HTTPClientConfig.SetDirectory(dir) }

// Validate reports the first field that is not usable.
func (c *Config) Validate() error {
	if err := c.validateURL(); err != nil {
		return err
	}
	switch {
	case c.Timeout < model.Duration(time.Millisecond):
		return fmt.Errorf("timeout %s is too short: write a duration such as 30s", c.Timeout)
	case c.Concurrency < 1:
		return fmt.Errorf("concurrency %d is too low: write how many queries may run at once, such as 4", c.Concurrency)
	case c.MaxSeriesPerSignal < 1:
		return fmt.Errorf("max_series_per_signal %d is too low: write 1 or more", c.MaxSeriesPerSignal)
	case c.MaxResponseBytes < units.KiB:
		return fmt.Errorf("max_response_bytes %s is too low: write a size such as 16MiB", c.MaxResponseBytes)
	case c.PointsPerQuery < 1 || c.PointsPerQuery > prometheusMaxPoints:
		return fmt.Errorf("points_per_query %d: write a number from 1 to %d, which is the most that Prometheus answers", c.PointsPerQuery, prometheusMaxPoints)
	case c.History <= 0:
		return fmt.Errorf("history %s is too short: write a duration such as 14d", c.History)
	case c.HTTPClientConfig.FollowRedirects:
		return errors.New("follow_redirects: redirects are never followed: write the address that they lead to as url")
	}
	return nil
}

func (c *Config) validateURL() error {
	u := c.URL.URL
	switch {
	case u == nil:
		return errors.New("url is missing: write the address of Prometheus, such as http://localhost:9090")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return fmt.Errorf("url %q is not an http address: write one such as http://localhost:9090", u.Redacted())
	case u.Fragment != "":
		return fmt.Errorf("url %q has a fragment: remove what follows #", u.Redacted())
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/api/v1"):
		return fmt.Errorf("url %q: leave out /api/v1", u.Redacted())
	}
	return nil
}

// address is the URL as it may be shown: without user, password and parameters.
func (c *Config) address() string {
	u := *c.URL.URL
	u.User = nil
	u.RawQuery = ""
	return u.String()
}

// secrets returns the secrets that the section holds itself, as opposed to those
// in files.
func (c *Config) secrets() []string {
	h := c.HTTPClientConfig
	secrets := []string{string(h.BearerToken)}
	basic := func(user, password string) {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		secrets = append(secrets, password, strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
	}
	if password, ok := c.URL.User.Password(); ok {
		basic(c.URL.User.Username(), password)
	}
	for _, values := range c.URL.Query() {
		for _, v := range values {
			if len(v) >= 8 { // a token, as opposed to the true of dedup=true
				secrets = append(secrets, v)
			}
		}
	}
	if b := h.BasicAuth; b != nil && b.Password != "" {
		basic(b.Username, string(b.Password))
	}
	if a := h.Authorization; a != nil {
		secrets = append(secrets, string(a.Credentials))
	}
	if o := h.OAuth2; o != nil {
		secrets = append(secrets, string(o.ClientSecret), string(o.ClientCertificateKey))
	}
	for _, values := range h.ProxyConnectHeader {
		for _, v := range values {
			secrets = append(secrets, string(v))
		}
	}
	if h.HTTPHeaders != nil {
		for _, header := range h.HTTPHeaders.Headers {
			for _, v := range header.Secrets {
				secrets = append(secrets, string(v))
			}
		}
	}
	return secrets
}
