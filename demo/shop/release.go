package shop

import "time"

// Release is a version of the shop's code.
type Release struct {
	Version  string
	Slowdown float64 // how much longer it takes to answer a request; 1 is normal
	Errors   float64 // share of the requests that it answers with an internal error, on top of the model's
	Queries  int     // database queries of a checkout

	started time.Time
}

// The releases that can be deployed.
var (
	Stable  = Release{Version: "1.4.2", Slowdown: 1, Queries: 1}
	Good    = Release{Version: "1.4.3", Slowdown: 1, Queries: 1}
	Bad     = Release{Version: "1.5.0", Slowdown: 1.5, Errors: 0.02, Queries: 1}
	PlusOne = Release{Version: "1.6.0", Slowdown: 1, Queries: 5} // reads the basket item by item
)

// deploy starts a release in the place of the one that runs.
func (s *Shop) deploy(r Release) {
	r.started = time.Now()
	s.release.Store(&r)
	s.logger.Info("Deployed.", "version", r.Version)
}
