package detector

import "time"

// calendar translates instants to the local time of a place. It remembers the
// offset from UTC until it next changes, since looking it up costs more than
// everything else that is done with a sample's time.
type calendar struct {
	loc         *time.Location
	from, until int64 // unix seconds between which the offset holds
	offset      int32 // seconds east of UTC

	known    bool  // the next two hold
	today    int32 // the newest date
	shift    int32 // seconds from its weekday to the one that it is like
	holidays Holidays
}

const (
	secondsPerDay  = 24 * 3600
	secondsPerWeek = 7 * secondsPerDay
)

// instant is a sample's time as the season sees it.
type instant struct {
	unix int64
	date int32   // local days since the epoch
	day  float64 // seconds since local midnight
	week float64 // seconds since the start of a local week, on a holiday those of the day it is like
}

func (i instant) hour() int { return int(i.day) / 3600 }

// at returns the local time of t. A week starts on a Thursday, as the Unix
// epoch did.
func (c *calendar) at(t time.Time) instant {
	unix := t.Unix()
	if unix < c.from || unix >= c.until {
		c.look(t)
	}
	since := unix + int64(c.offset)
	local := since % secondsPerWeek
	if local < 0 {
		local += secondsPerWeek
	}
	date := int32((since - local%secondsPerDay) / secondsPerDay)
	if len(c.holidays) > 0 {
		local += c.shiftOf(date, local)
	}
	part := float64(t.Nanosecond()) / 1e9
	return instant{unix: unix, date: date, day: float64(local%secondsPerDay) + part, week: float64(local) + part}
}

// shiftOf returns how far the weekday that a date is like lies from its own, in
// seconds; local is a second of the week on that date.
func (c *calendar) shiftOf(date int32, local int64) int64 {
	if !c.known || date != c.today {
		c.known, c.today, c.shift = true, date, 0
		if like, ok := c.holidays.like(date); ok {
			start := int64(like-time.Thursday+7) % 7 * secondsPerDay
			c.shift = int32(start - local/secondsPerDay*secondsPerDay)
		}
	}
	return int64(c.shift)
}

func (c *calendar) look(t time.Time) {
	local := t.In(c.loc)
	_, offset := local.Zone()
	start, end := local.ZoneBounds()
	c.offset, c.from, c.until = int32(offset), 0, 1<<62
	if !start.IsZero() {
		c.from = start.Unix()
	}
	if !end.IsZero() {
		c.until = end.Unix()
	}
	if start.IsZero() {
		c.from = -1 << 62
	}
}
