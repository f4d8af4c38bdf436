package shop

import (
	"math"
	"math/rand/v2"
	"time"
)

// Model holds the numbers that the shop and its customers behave by.
type Model struct {
	Traffic Traffic
	Reads   float64 // share of the requests that read a product page, 0–1; the others check out

	Products int     // number of products in the catalogue
	Skew     float64 // exponent of Zipf's law: how much more often popular products are read

	TTL          time.Duration // how long the cache keeps a product, ±TTLSpread
	TTLSpread    float64       // share of TTL by which keys differ, so that they do not expire together
	CacheEntries int           // how many products the embedded cache can hold

	Workers  int           // requests that the application answers at a time
	Patience time.Duration // how long a request waits for a worker

	Work         Duration // the application's own work on a request
	CacheCommand Duration // one command of the embedded cache
	Query        Duration // one query on an idle database

	Connections  int           // queries that the database serves at a time
	Contention   float64       // how much longer a query takes when all other connections are busy: 1 is twice as long
	QueryTimeout time.Duration // how long a request waits for a connection and its query

	Errors float64 // share of the requests that end in an internal error, whatever the database does
}

// Default is the shop of the demo. At 60 to 115 requests per second it serves
// about 93 % of the product pages from the cache, and one request in six
// reaches the database, whose connections are then busy for 7 % of the time. Five
// workers are busy then; all of them are at three times the customers of the
// busiest hour, while requests that bypass the cache leave a few idle.
// It is not a fast shop: its times are long beside those by which a busy
// machine oversleeps.
var Default = Model{
	Traffic: Traffic{Mean: 85, Day: 0.25, Week: 0.04, Wobble: 0.04},
	Reads:   0.9,

	Products:     500,
	Skew:         1.1,
	TTL:          time.Minute,
	TTLSpread:    0.2,
	CacheEntries: 5000,

	Workers:  15,
	Patience: time.Second,

	Work:         Duration{Mean: 36 * time.Millisecond, Sigma: 0.3},
	CacheCommand: Duration{Mean: 4 * time.Millisecond, Sigma: 0.3},
	Query:        Duration{Mean: 44 * time.Millisecond, Sigma: 0.9},

	Connections:  12,
	Contention:   1,
	QueryTimeout: 500 * time.Millisecond,

	Errors: 0.004,
}

// Duration is a log-normal distribution, as most service times nearly are.
type Duration struct {
	Mean  time.Duration
	Sigma float64 // standard deviation of the logarithm
}

// Draw returns a random duration, stretched by the factor.
func (d Duration) Draw(r *rand.Rand, factor float64) time.Duration {
	return time.Duration(factor * float64(d.Mean) * math.Exp(d.Sigma*r.NormFloat64()-d.Sigma*d.Sigma/2))
}

// Stretch returns by what factor a query takes longer while so many others
// (on average, or exactly) are busy.
func (m Model) Stretch(others float64) float64 {
	return 1 + m.Contention*others/float64(m.Connections)
}

// Popularity returns the probability of each product to be the one that is read.
// It is the distribution that Product draws from.
func (m Model) Popularity() []float64 {
	p := make([]float64, m.Products)
	sum := 0.0
	for k := range p {
		p[k] = math.Pow(1+float64(k), -m.Skew)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}

// drawTTL returns how long a key is kept if keys are kept for about ttl.
func (m Model) drawTTL(r *rand.Rand, ttl time.Duration) time.Duration {
	return time.Duration(float64(ttl) * (1 + m.TTLSpread*(2*r.Float64()-1)))
}

// Traffic is the rhythm of the customers: a rate that depends on nothing but
// the time, so that the past and the present fit together.
type Traffic struct {
	Mean   float64 // requests per second
	Day    float64 // share of Mean by which the evening is above and the night below
	Week   float64 // the same for the weekend and the middle of the week
	Wobble float64 // the same for the slow irregular swing that no calendar explains
}

// Rate returns the expected requests per second at t.
func (m Traffic) Rate(t time.Time) float64 {
	s := float64(t.UnixMilli()) / 1e3
	wave := func(period, peak float64) float64 { return math.Cos(2 * math.Pi * (s - peak) / period) }
	const (
		hour = 3600
		day  = 24 * hour
		week = 7 * day
	)
	// The Unix epoch was a Thursday, so 2.5 days after it lies midday of Saturday.
	wobble := (wave(1.618*hour, 0) + wave(4.236*hour, hour) + wave(0.382*hour, 0)) / 3
	return m.Mean *
		(1 + m.Day*wave(day, 19*hour)) *
		(1 + m.Week*wave(week, 2.5*day)) *
		(1 + m.Wobble*wobble)
}

// Peak returns the rate in the busiest hour.
func (m Traffic) Peak() float64 {
	return m.Mean * (1 + m.Day) * (1 + m.Week) * (1 + m.Wobble)
}
