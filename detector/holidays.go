package detector

import "time"

// Day is a day of the calendar; Year 0 is every year.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// Holidays say for days that are not what their weekday is which weekday they
// are like. A day of one year goes before the same day of every year. Nil is no
// holidays. They must not be changed once a detector has them.
type Holidays map[Day]time.Weekday

// like returns the weekday that a date, in days since the epoch, is like, and
// false if it is like its own.
func (h Holidays) like(date int32) (time.Weekday, bool) {
	y, m, d := time.Unix(int64(date)*secondsPerDay, 0).UTC().Date()
	if w, ok := h[Day{y, m, d}]; ok {
		return w, true
	}
	w, ok := h[Day{0, m, d}]
	return w, ok
}

// Keep takes other holidays from the next sample on. What was learned of days
// that are past stays as it is.
func (d *Detector) Keep(h Holidays) {
	d.calendar.holidays, d.calendar.known = h, false
}
