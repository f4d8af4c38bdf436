package alerting

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Config is the alerting section: who is told of incidents, and how.
type Config struct {
	// Alertmanagers get every alert, each of them; they deduplicate among
	// themselves.
	Alertmanagers []AlertmanagerConfig `yaml:"alertmanagers,omitempty"`

	// Webhooks are endpoints that take Alertmanager's webhook format, for those
	// who have no Alertmanager.
	Webhooks []WebhookConfig `yaml:"webhooks,omitempty"`

	// ResendDelay is after how long everything that fires is offered again.
	ResendDelay model.Duration `yaml:"resend_delay,omitempty"`

	QueueCapacity int `yaml:"queue_capacity,omitempty"` // alerts that are kept at most
	MaxBatchSize  int `yaml:"max_batch_size,omitempty"` // alerts in one request at most
}

// DefaultConfig has no receivers.
var DefaultConfig = Config{
	ResendDelay:   model.Duration(time.Minute),
	QueueCapacity: 10000,
	MaxBatchSize:  256,
}

// AlertmanagerConfig says where one Alertmanager is and how to log in there.
type AlertmanagerConfig struct {
	URL        config.URL     `yaml:"url"`
	PathPrefix string         `yaml:"path_prefix,omitempty"` // between the URL and /api/v2/alerts
	Timeout    model.Duration `yaml:"timeout,omitempty"`

	HTTPClientConfig config.HTTPClientConfig `yaml:",inline"`
}

// WebhookConfig says what one webhook is. Its URL is a secret: whoever knows it
// can post there.
type WebhookConfig struct {
	Name    string         `yaml:"name"`
	URL     config.Secret  `yaml:"url,omitempty"`
	URLFile string         `yaml:"url_file,omitempty"` // read anew for each request
	Timeout model.Duration `yaml:"timeout,omitempty"`

	SendResolved bool `yaml:"send_resolved"`

	// RepeatInterval is after how long the webhook is told again of what fires.
	RepeatInterval model.Duration `yaml:"repeat_interval,omitempty"`

	HTTPClientConfig config.HTTPClientConfig `yaml:",inline"`
}

// Defaults of the entries.
var (
	defaultHTTPClientConfig = config.HTTPClientConfig{EnableHTTP2: true}

	DefaultAlertmanagerConfig = AlertmanagerConfig{
		Timeout:          model.Duration(10 * time.Second),
		HTTPClientConfig: defaultHTTPClientConfig,
	}
	DefaultWebhookConfig = WebhookConfig{
		Timeout:          model.Duration(10 * time.Second),
		SendResolved:     true,
		RepeatInterval:   model.Duration(4 * time.Hour),
		HTTPClientConfig: defaultHTTPClientConfig,
	}
)

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *Config) UnmarshalYAML(unmarshal func(any) error) error {
	*c = DefaultConfig
	type plain Config
	if err := unmarshal((*plain)(c)); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("alerting: %w", err)
	}
	return nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *AlertmanagerConfig) UnmarshalYAML(unmarshal func(any) error) error {
	*c = DefaultAlertmanagerConfig
	type plain AlertmanagerConfig
	err := unmarshal((*plain)(c))
	var withURL *url.Error
	if errors.As(err, &withURL) {
		// What cannot be parsed may hold a password anywhere.
		return errors.New("alerting: the url of an Alertmanager is not an address (it is not shown, as it may hold a password): write one such as http://localhost:9093")
	}
	return err
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *WebhookConfig) UnmarshalYAML(unmarshal func(any) error) error {
	*c = DefaultWebhookConfig
	type plain WebhookConfig
	return unmarshal((*plain)(c))
}

// SetDirectory makes the files that the section names (secrets, certificates,
// URLs) relative to dir.
func (c *Config) SetDirectory(dir string) {
	for i := range c.Alertmanagers {
		c.Alertmanagers[i].HTTPClientConfig.SetDirectory(dir)
	}
	for i := range c.Webhooks {
		w := &c.Webhooks[i]
		w.HTTPClientConfig.SetDirectory(dir)
		w.URLFile = config.JoinDir(dir, w.URLFile)
	}
}

// Validate reports the first field that is not usable.
func (c *Config) Validate() error {
	switch {
	case c.ResendDelay < model.Duration(time.Second) || c.ResendDelay > model.Duration(time.Hour):
		return fmt.Errorf("resend_delay %s is not usable: write a duration from 1s to 1h, such as 1m", c.ResendDelay)
	case c.QueueCapacity < 1:
		return fmt.Errorf("queue_capacity %d is too low: write how many alerts may be kept, such as 10000", c.QueueCapacity)
	case c.MaxBatchSize < 1:
		return fmt.Errorf("max_batch_size %d is too low: write how many alerts one request may hold, such as 256", c.MaxBatchSize)
	}
	names := map[string]bool{}
	for i := range c.Alertmanagers {
		a := &c.Alertmanagers[i]
		if err := a.validate(); err != nil {
			return fmt.Errorf("alertmanagers[%d]: %w", i, err)
		}
		if names[a.address()] {
			return fmt.Errorf("alertmanagers[%d]: %s is listed twice: remove one", i, a.address())
		}
		names[a.address()] = true
	}
	for i := range c.Webhooks {
		w := &c.Webhooks[i]
		if err := w.validate(); err != nil {
			return fmt.Errorf("webhooks[%d]: %w", i, err)
		}
		if names[w.Name] {
			return fmt.Errorf("webhooks[%d]: the name %q is taken: names are unique", i, w.Name)
		}
		names[w.Name] = true
	}
	return nil
}

func (c *AlertmanagerConfig) validate() error {
	u := c.URL.URL
	switch {
	case u == nil:
		return errors.New("url is missing: write the address of Alertmanager, such as http://localhost:9093")
	case !isHTTP(u):
		return fmt.Errorf("url %q is not an http address: write one such as http://localhost:9093", u.Redacted())
	case u.Fragment != "":
		return fmt.Errorf("url %q has a fragment: remove what follows #", u.Redacted())
	case strings.Contains(u.Path+"/"+c.PathPrefix, "/api/v"):
		return fmt.Errorf("url %q: leave out the path of the API, it is added", u.Redacted())
	}
	return validateClient(c.Timeout, &c.HTTPClientConfig)
}

func (c *WebhookConfig) validate() error {
	switch {
	case c.Name == "":
		return errors.New("name is missing: write a short one, it is shown in logs and metrics")
	case c.URL == "" && c.URLFile == "":
		return errors.New("url is missing: write url, or url_file with the path of a file that holds it")
	case c.URL != "" && c.URLFile != "":
		return errors.New("url and url_file are both given: remove one")
	case c.RepeatInterval < model.Duration(time.Minute):
		return fmt.Errorf("repeat_interval %s is too short: write a duration such as 4h", c.RepeatInterval)
	}
	if c.URL != "" {
		if _, err := parseSecretURL(string(c.URL)); err != nil {
			return fmt.Errorf("url %w", err)
		}
	}
	return validateClient(c.Timeout, &c.HTTPClientConfig)
}

func validateClient(timeout model.Duration, h *config.HTTPClientConfig) error {
	switch {
	case timeout < model.Duration(time.Millisecond):
		return fmt.Errorf("timeout %s is too short: write a duration such as 10s", timeout)
	case h.FollowRedirects:
		return errors.New("follow_redirects: redirects are never followed: write the address that they lead to as url")
	}
	return h.Validate() // the inlined section's own UnmarshalYAML is not called
}

func isHTTP(u *url.URL) bool { return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" }

// parseSecretURL reads an address without showing it in the error.
func parseSecretURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || !isHTTP(u) {
		return nil, errors.New("is not an http address (it is not shown, as it is a secret): write one such as https://chat.example.org/hook")
	}
	return u, nil
}

// endpoint is where alerts are posted to.
func (c *AlertmanagerConfig) endpoint() *url.URL {
	return c.URL.JoinPath(c.PathPrefix, "/api/v2/alerts")
}

// address is the URL as it may be shown: without user, password and parameters.
func (c *AlertmanagerConfig) address() string {
	u := *c.URL.JoinPath(c.PathPrefix)
	u.User = nil
	u.RawQuery = ""
	return strings.TrimRight(u.String(), "/")
}
