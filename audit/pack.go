package audit

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"

	"tidemark/signal"
)

//go:embed packs/*.yml
var embedded embed.FS

// pack is the content of a file.
type pack struct {
	Component signal.Component `yaml:"component"`
	Checks    []Check          `yaml:"checks"`
}

// Packs returns the names of the packs that tidemark brings along, sorted.
func Packs() []string {
	files, _ := fs.Glob(embedded, "packs/*.yml") // the pattern is well-formed
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(path.Base(file), ".yml")
	}
	return names
}

// Load returns the checks of the packs and files that the configuration names,
// without those that it disables. A check of a file replaces one of the same ID
// of a pack. The files are paths that can be opened.
func Load(c Config, files []string) ([]Check, error) {
	var builtin, own []Check
	for _, name := range c.Packs {
		text, err := embedded.ReadFile("packs/" + name + ".yml")
		if err != nil {
			return nil, fmt.Errorf("audit: there is no pack %q: write some of %s", name, strings.Join(Packs(), ", "))
		}
		if builtin, err = parse(name, text, builtin); err != nil {
			return nil, fmt.Errorf("audit: pack %s: %w", name, err)
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("audit: files: %w", err)
		}
		if own, err = parse(file, text, own); err != nil {
			return nil, &FileError{file, err}
		}
	}
	checks := slices.DeleteFunc(builtin, func(b Check) bool { return index(own, b.ID) >= 0 })
	checks = append(checks, own...)
	for _, id := range c.Disabled {
		i := index(checks, id)
		if i < 0 {
			return nil, fmt.Errorf("audit: disabled: there is no check %q: correct it, or remove it", id)
		}
		checks = slices.Delete(checks, i, i+1)
	}
	return checks, nil
}

// FileError says what is wrong with the content of a file.
type FileError struct {
	File string
	Err  error
}

func (e *FileError) Error() string { return e.File + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// parse appends the checks of a file to those before.
func parse(name string, text []byte, checks []Check) ([]Check, error) {
	var p pack
	if err := yaml.UnmarshalStrict(text, &p); err != nil {
		return nil, oneLine(err)
	}
	if !slices.Contains(signal.Components, p.Component) {
		return nil, fmt.Errorf("component %q is not known: write cache, database, or another component", p.Component)
	}
	if len(p.Checks) == 0 {
		return nil, errors.New("it has no checks: write at least one under checks")
	}
	for i, c := range p.Checks {
		c.Pack, c.Component = name, p.Component
		if err := c.complete(); err != nil {
			return nil, fmt.Errorf("checks[%d]: %w", i, err)
		}
		if index(checks, c.ID) >= 0 {
			return nil, fmt.Errorf("checks[%d]: %s is declared twice: IDs are unique", i, c.ID)
		}
		checks = append(checks, c)
	}
	return checks, nil
}

// oneLine makes one line of an error of the YAML decoder.
func oneLine(err error) error {
	var t *yaml.TypeError
	if errors.As(err, &t) && len(t.Errors) > 0 {
		return errors.New(t.Errors[0])
	}
	return err
}

func index(checks []Check, id string) int {
	return slices.IndexFunc(checks, func(c Check) bool { return c.ID == id })
}
