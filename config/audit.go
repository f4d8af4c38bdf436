package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"tidemark/audit"
)

// loadChecks returns the checks of the audit section. Its files are relative to
// dir.
func (c *Config) loadChecks(dir string) ([]audit.Check, error) {
	var files []string
	for _, pattern := range c.Audit.Files {
		path := pattern
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		found, err := filepath.Glob(path)
		if err != nil {
			return nil, fmt.Errorf("audit: files: pattern %q: %w", pattern, err)
		}
		if len(found) == 0 && !strings.ContainsAny(pattern, "*?[") {
			return nil, fmt.Errorf("audit: files: %q does not exist: correct the path, it is relative to the configuration file", pattern)
		}
		files = append(files, found...)
	}
	checks, err := audit.Load(c.Audit, files)
	if f := (*audit.FileError)(nil); errors.As(err, &f) {
		return nil, fileError{locate(f.File, nil, f.Err)}
	}
	return checks, err
}
