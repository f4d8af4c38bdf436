package config

import (
	"slices"

	"go.yaml.in/yaml/v2"

	"tidemark/signal"
)

// Offline reads a configuration for samples that do not come from Prometheus:
// prometheus may be missing, a signal needs no query, and the text may be empty.
// Signals holds the names of the signals that there are samples of; a standard
// one among them need not be declared. File names the text in errors, paths in it
// are relative to dir.
func Offline(file string, text []byte, dir string, signals []string) (*Config, error) {
	c := &Config{}
	err := c.offline(text, dir, signals)
	return located(file, text, c, err)
}

func (c *Config) offline(text []byte, dir string, signals []string) error {
	if blank(text) {
		text = []byte("{}")
	}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		return err
	}
	for _, name := range signals {
		_, standard := signal.Standard[name]
		declared := slices.ContainsFunc(c.Signals, func(s signal.Signal) bool { return s.Name == name })
		if standard && !declared {
			c.Signals = append(c.Signals, signal.Signal{Name: name})
		}
	}
	for i := range c.Signals {
		if s := &c.Signals[i]; s.Query == "" {
			s.Query = s.Name
		}
	}
	return c.finish(dir)
}
