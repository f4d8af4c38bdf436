package detector

import (
	"math"
	"testing"
	"time"
)

func TestWeekdayOfHolidays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := calendar{loc: berlin, holidays: Holidays{
		{0, time.December, 25}:    time.Sunday,
		{2026, time.December, 25}: time.Saturday,
		{2026, time.December, 28}: time.Thursday,
		{0, time.February, 29}:    time.Monday,
	}}
	for _, tc := range []struct {
		local string // Berlin
		want  time.Weekday
	}{
		{"2026-12-24 23:59:59", time.Thursday},
		{"2026-12-25 00:00:00", time.Saturday}, // of this year before that of every year
		{"2026-12-25 23:59:59", time.Saturday},
		{"2026-12-26 00:00:00", time.Saturday},
		{"2026-12-28 12:00:00", time.Thursday},
		{"2027-12-25 12:00:00", time.Sunday},
		{"2028-02-29 12:00:00", time.Monday},
		{"2027-03-01 12:00:00", time.Monday},
		{"1965-12-25 12:00:00", time.Sunday},
	} {
		at, err := time.ParseInLocation(time.DateTime, tc.local, berlin)
		if err != nil {
			t.Fatal(err)
		}
		i := c.at(at)
		day := float64(at.Hour()*3600 + at.Minute()*60 + at.Second())
		want := float64((tc.want-time.Thursday+7)%7)*secondsPerDay + day
		if i.week != want || i.day != day {
			t.Errorf("%s: second %g of the day and %g of the week, want %g and %g, a %s", tc.local, i.day, i.week, day, want, tc.want)
		}
	}
}

// TestHoliday plays a Wednesday that is like a Sunday: half of the traffic at
// noon. Known as a holiday it is none of the detector's business, nor is the day
// after it.
func TestHoliday(t *testing.T) {
	const weeks = 8
	holiday := monday.AddDate(0, 0, 7*weeks+2)
	known := Holidays{{0, holiday.Month(), holiday.Day()}: time.Sunday}
	anomalous := func(before, after Holidays) (on, next int) {
		o := usual(Rate, time.Minute)
		o.Holidays = before
		d, s := newDetector(t, o), newSource(Rate, time.Minute, 1)
		for day := range 7*weeks + 4 {
			midnight := monday.AddDate(0, 0, day)
			if midnight.Equal(holiday) {
				d.Keep(after)
			}
			depth := 0.0
			if midnight.Weekday() == time.Sunday || midnight.Equal(holiday) {
				depth = 0.25
			}
			for minute := range 1440 {
				at := midnight.Add(time.Duration(minute) * time.Minute)
				factor := 1 - depth*(1-math.Cos(2*math.Pi*float64(minute)/1440))
				if d.Update(s.at(at, factor)).State != Anomalous {
					continue
				}
				switch day {
				case 7*weeks + 2:
					on++
				case 7*weeks + 3:
					next++
				}
			}
		}
		return on, next
	}
	if on, next := anomalous(known, known); on > 0 || next > 0 {
		t.Errorf("a known holiday is anomalous for %d minutes and the day after it for %d, want 0 and 0", on, next)
	}
	if on, next := anomalous(nil, known); on > 0 || next > 0 {
		t.Errorf("a holiday that was made known in time is anomalous for %d minutes and the day after it for %d, want 0 and 0", on, next)
	}
	if on, _ := anomalous(nil, nil); on < 180 {
		t.Errorf("an unknown holiday is anomalous for %d minutes, want hours: the test proves nothing", on)
	}
}
