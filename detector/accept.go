package detector

// Accept takes the present level for normal, as an operator's word: an anomaly
// ends, and the baseline moves to where the series was since the deviation
// began, at most over the last hour.
func (d *Detector) Accept() {
	since := d.began()
	if !d.firing {
		since, _, _ = d.evidence.onset(signOf(d.leaning()), d.head.significance)
	}
	d.evidence.trim(since.Unix())
	d.acceptHour()
}

// acceptHour moves the baseline to where the last hour was.
func (d *Detector) acceptHour() {
	d.head.accept(&d.evidence)
	d.calm()
}

// leaning returns to which side the newest samples deviate.
func (d *Detector) leaning() Direction {
	sum, n := d.evidence.lastSamples(recentSize)
	return sides[sideOf(d.head.mean(sum, n))]
}

// trim leaves of the blocks and spans only what came from an instant on, in unix
// seconds: those that began since then or, if they hold less, the newest samples.
func (e *evidence) trim(unix int64) {
	held := 0
	for x := range e.coarse {
		if int64(x.at) < unix {
			*x = entry{}
		}
		held += int(x.size)
	}
	if held >= recentSize {
		return
	}
	var sum entry
	for i := range min(int(e.n), recentSize) {
		s := e.newest(i)
		if int64(s.at) < unix {
			break
		}
		sum.add(*s)
	}
	e.clearBlocks()
	*e.block(0) = sum
}
