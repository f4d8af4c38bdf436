package incident

import "time"

// Opinion is what a person thinks of an incident.
type Opinion string

// The opinions.
const (
	False  Opinion = "false"  // nobody should have been paged
	Useful Opinion = "useful" // it was good to know
)

// Opinions are all that there are.
var Opinions = []Opinion{False, Useful}

// Feedback is what a person says of an incident. The newest one counts.
type Feedback struct {
	At      time.Time
	Verdict Opinion
	Comment string
	Author  string // empty if that is not known
}

// Same reports whether two say the same, whenever they did.
func (f Feedback) Same(o Feedback) bool {
	return f.Verdict == o.Verdict && f.Comment == o.Comment && f.Author == o.Author
}
