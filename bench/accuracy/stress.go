package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// eventsPerMonth is how many legitimate surges or drains there are.
const eventsPerMonth = 20

// surges multiply the traffic by 1.3 to 2 for half an hour to two hours.
func surges(r *rand.Rand, s *stack) []change {
	return events(r, s, func() float64 { return 1.3 + 0.7*r.Float64() })
}

// drains leave 3 % of the traffic.
func drains(r *rand.Rand, s *stack) []change {
	return events(r, s, func() float64 { return 0.03 })
}

func events(r *rand.Rand, s *stack, factor func() float64) []change {
	var out []change
	perStep := eventsPerMonth / ((30 * 24 * time.Hour).Seconds() / s.step.Seconds())
	for i := 0; i < s.length; i++ {
		if r.Float64() >= perStep {
			continue
		}
		long := int((30 + 90*r.Float64()) * 60 / s.step.Seconds())
		out = append(out, change{
			from: i, until: i + long, traffic: factor(),
			ramp: int(math.Ceil(300 / s.step.Seconds())),
		})
		i += long
	}
	return out
}

// stress prints the false alarms under legitimate changes: surges and drains of
// the traffic, and a change of the users' clocks, judged by their days or not.
func stress(s settings) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // Go's time zones are always there
	}
	for _, sc := range []struct {
		name   string
		change func(*trial)
		loc    *time.Location
	}{
		{"surges", func(t *trial) { t.stack.legit = surges }, nil},
		{"drains", func(t *trial) { t.stack.legit = drains }, nil},
		{"Sundays that halve the traffic at midnight", func(t *trial) { t.stack.weekend = atMidnight }, nil},
		{"summer time, judged by the users' clock", toSummer(berlin), berlin},
		{"summer time, judged in UTC", toSummer(berlin), nil},
	} {
		fmt.Printf("\n%s: false alarms per series and month (%% of the time)\n", sc.name)
		ws := s.signals()
		cells := map[key]outcome{}
		var mu sync.Mutex
		p := newPool(s.parallel)
		for v, volume := range volumes {
			for seed := range s.seeds {
				p.run(func() {
					t := s.trial(2000+s.first+uint64(seed), volume)
					sc.change(&t)
					slots := t.stack.run()
					for i, w := range ws {
						w.options.Location = sc.loc
						for c, con := range s.contenders(w) {
							o := t.falseAlarms(slots, w, con.make(w, s.step))
							mu.Lock()
							cell := cells[key{i, c, 0, v}]
							cell.add(o)
							cells[key{i, c, 0, v}] = cell
							mu.Unlock()
						}
					}
				})
			}
		}
		p.wg.Wait()
		for i, w := range ws {
			var columns []string
			for c, con := range s.contenders(w) {
				var row []string
				for v := range volumes {
					row = append(row, cells[key{i, c, 0, v}].often())
				}
				columns = append(columns, con.name+" "+strings.Join(row, " / "))
			}
			fmt.Printf("  %-34s %s\n", w.name, strings.Join(columns, " | "))
		}
	}
}

// toSummer makes the clocks change in the first week that counts.
func toSummer(users *time.Location) func(*trial) {
	return func(t *trial) {
		t.stack.start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		t.stack.location = users
	}
}
