package scenario

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// moment is a point of time: so long after the start, before it if negative, or
// a time of its own.
type moment struct {
	offset time.Duration
	time   time.Time // if not zero, in place of the offset
}

// parseMoment reads "10m", "-3d" or a time in RFC 3339.
func parseMoment(text string) (moment, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return moment{time: t}, nil
	}
	digits, negative := strings.CutPrefix(text, "-")
	d, err := model.ParseDuration(digits)
	if err != nil {
		return moment{}, fmt.Errorf("%q is no moment: write how long after the start, such as 1h30m (-5m is before it), or RFC 3339", text)
	}
	if negative {
		d = -d
	}
	return moment{offset: time.Duration(d)}, nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (m *moment) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	var err error
	*m, err = parseMoment(text)
	return err
}

// in returns the time that the moment is in a scenario with this start.
func (m moment) in(start time.Time) time.Time {
	if !m.time.IsZero() {
		return m.time
	}
	return start.Add(m.offset)
}
