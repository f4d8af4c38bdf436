package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v2"

	"tidemark/detector"
)

// holidaysFile is the form of the file that global.holidays_file names.
type holidaysFile struct {
	Holidays []holiday `yaml:"holidays"`
}

// holiday is a day of one year (2026-12-25) or of every year (12-25), and the
// weekday that it is like.
type holiday struct {
	Date string `yaml:"date"`
	Name string `yaml:"name,omitempty"`
	Like string `yaml:"like,omitempty"`
}

// loadHolidays reads and checks the file, if there is one. Its path is relative to
// dir.
func loadHolidays(dir, file string) (detector.Holidays, error) {
	if file == "" {
		return nil, nil
	}
	path := file
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("global: holidays_file: %w: correct the path, it is relative to the configuration file", err)
	}
	var f holidaysFile
	if err := yaml.UnmarshalStrict(text, &f); err != nil {
		return nil, fileError{locate(path, text, err)}
	}
	if len(f.Holidays) == 0 {
		return nil, fileError{fmt.Errorf("%s: no holidays: write entries such as {date: 2026-12-25, name: Christmas} under holidays, or remove global.holidays_file", path)}
	}
	days := detector.Holidays{}
	for _, h := range f.Holidays {
		day, like, err := h.parse()
		if _, twice := days[day]; err == nil && twice {
			err = fmt.Errorf("date %s stands twice: remove one of them", h.Date)
		}
		if err != nil {
			return nil, fileError{fmt.Errorf("%s: %w", position(path, text, h.Date), err)}
		}
		days[day] = like
	}
	return days, nil
}

// fileError is an error that names its file, which is another than the
// configuration file.
type fileError struct{ error }

func (e fileError) Unwrap() error { return e.error }

func (h holiday) parse() (detector.Day, time.Weekday, error) {
	like := time.Sunday
	if h.Like != "" {
		found := false
		for w := time.Sunday; w <= time.Saturday && !found; w++ {
			if found = strings.EqualFold(h.Like, w.String()); found {
				like = w
			}
		}
		if !found {
			return detector.Day{}, 0, fmt.Errorf("date %s is like %q, which is not a weekday: write sunday, monday, and so on", h.Date, h.Like)
		}
	}
	if t, err := time.Parse(time.DateOnly, h.Date); err == nil {
		return detector.Day{Year: t.Year(), Month: t.Month(), Day: t.Day()}, like, nil
	}
	// A leap year has every day that there can be.
	if t, err := time.Parse(time.DateOnly, "2000-"+h.Date); err == nil {
		return detector.Day{Month: t.Month(), Day: t.Day()}, like, nil
	}
	return detector.Day{}, 0, fmt.Errorf("date %q is not a day: write one such as 2026-12-25, or 12-25 for every year", h.Date)
}

// position returns the path with the line of the last entry that has the date,
// where it can be told.
func position(path string, text []byte, date string) string {
	re := regexp.MustCompile(`\bdate:\s*["']?` + regexp.QuoteMeta(date) + `(?:["'\s,}]|$)`)
	n, found := 0, 0
	for line := range strings.Lines(string(text)) {
		if n++; re.MatchString(line) {
			found = n
		}
	}
	if found == 0 || date == "" {
		return path
	}
	return fmt.Sprintf("%s:%d", path, found)
}
