package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/detector"
)

// loadWithHolidays loads the minimal configuration with a holidays file.
func loadWithHolidays(t *testing.T, text string) (*Config, string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tidemark.yml": strings.Replace(minimal, "evaluation_interval: 1m", "holidays_file: days.yml", 1),
		"days.yml":     text,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(filepath.Join(dir, "tidemark.yml"))
	return c, filepath.Join(dir, "days.yml"), err
}

func TestHolidays(t *testing.T) {
	c, _, err := loadWithHolidays(t, `
holidays:
  - {date: 12-25, name: Christmas}
  - {date: 2026-12-24, like: Saturday}
  - date: "2027-05-06"
    name: Ascension
  - date: 02-29
`)
	if err != nil {
		t.Fatal(err)
	}
	want := detector.Holidays{
		{Month: time.December, Day: 25}:             time.Sunday,
		{Year: 2026, Month: time.December, Day: 24}: time.Saturday,
		{Year: 2027, Month: time.May, Day: 6}:       time.Sunday,
		{Month: time.February, Day: 29}:             time.Sunday,
	}
	if diff := cmp.Diff(want, c.Global.Holidays); diff != "" {
		t.Errorf("holidays (-want +got):\n%s", diff)
	}
	if !strings.Contains(c.String(), "holidays_file: days.yml") {
		t.Errorf("in force is\n%s\nwant the file's name in it", c)
	}
}

func TestExampleHolidaysLoad(t *testing.T) {
	text, err := os.ReadFile("../holidays.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := loadWithHolidays(t, string(text)); err != nil || len(c.Global.Holidays) < 5 {
		t.Errorf("error %v, want none and some holidays", err)
	}
}

func TestBadHolidays(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "", ": no holidays: write entries such as {date: 2026-12-25, name: Christmas} under holidays"},
		{"not YAML", "holidays: [\n", ":1: did not find expected node content"},
		{"misspelt", "holidays:\n  - {day: 12-25}\n", ":2: field day is not known here"},
		{"no date", "holidays:\n  - {name: Christmas}\n", `: date "" is not a day: write one such as 2026-12-25, or 12-25 for every year`},
		{"no such day", "holidays:\n  - {date: 12-25}\n  - date: 2026-02-29\n", `:3: date "2026-02-29" is not a day`},
		{"another format", "holidays:\n  - {date: 25.12.2026, name: x}\n", `:2: date "25.12.2026" is not a day`},
		{"no such weekday", "holidays:\n  - {date: 12-25, like: holiday}\n", `:2: date 12-25 is like "holiday", which is not a weekday: write sunday, monday`},
		{"twice", "holidays:\n  - {date: 12-25}\n  - {date: 2026-12-25}\n  - {date: 12-25, like: monday}\n", ":4: date 12-25 stands twice: remove one of them"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, file, err := loadWithHolidays(t, tc.text)
			if err == nil || !strings.HasPrefix(err.Error(), file+tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error\n\t%v\nwant\n\t%s%s…", err, file, tc.want)
			}
		})
	}
}
