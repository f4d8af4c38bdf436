package audit

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
)

// Config is the audit section of the configuration file.
type Config struct {
	// Interval is the distance between audits; 0 switches them off.
	Interval model.Duration `yaml:"interval"`

	// Packs names the embedded packs that are used. Default: all.
	Packs []string `yaml:"packs"`

	// Files are more packs, by patterns relative to the configuration file.
	Files []string `yaml:"files,omitempty"`

	// Disabled are the IDs of checks that are left out.
	Disabled []string `yaml:"disabled,omitempty"`

	// Alerts is whether each finding is an alert, too.
	Alerts bool `yaml:"alerts"`
}

// DefaultConfig is what holds where the file says nothing.
var DefaultConfig = Config{Interval: model.Duration(time.Hour), Packs: Packs(), Alerts: true}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *Config) UnmarshalYAML(unmarshal func(any) error) error {
	*c = DefaultConfig
	type plain Config
	if err := unmarshal((*plain)(c)); err != nil {
		return err
	}
	if c.Interval != 0 && c.Interval < model.Duration(time.Minute) {
		return fmt.Errorf("audit: interval %s is too short: write 1m or more, or 0s for no audits", c.Interval)
	}
	return nil
}
