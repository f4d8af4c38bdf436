package shop

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Database is where the shop keeps its products. Calls may overlap; each waits
// for one of a limited number of connections.
type Database interface {
	// Product returns the text of a product, and what the time was spent on
	// even if there is an error.
	Product(ctx context.Context, id int) (text string, spent Spent, err error)

	// Pool returns how many connections are in use, and how many there are.
	Pool() (inUse, connections int)
}

// Spent is the time that one query took.
type Spent struct {
	Waiting time.Duration // for a free connection
	Serving time.Duration // in the server; 0 if no connection was got
}

// DatabaseFaults breaks a database, and repairs it.
type DatabaseFaults interface {
	// Slow makes queries take longer by the factor; 1 is normal.
	Slow(factor float64)
}

// MemoryDatabase is the embedded database.
type MemoryDatabase struct {
	queries     *queryTimes
	connections chan struct{}
}

// NewMemoryDatabase returns a database of the model's size and speed.
func NewMemoryDatabase(m Model, seed uint64) *MemoryDatabase {
	return &MemoryDatabase{
		queries:     newQueryTimes(m, seed),
		connections: make(chan struct{}, m.Connections),
	}
}

var errNoConnection = errors.New("database: no free connection in time")

// Product implements Database.
func (d *MemoryDatabase) Product(ctx context.Context, id int) (string, Spent, error) {
	start := time.Now()
	select {
	case d.connections <- struct{}{}:
	case <-ctx.Done():
		return "", Spent{Waiting: time.Since(start)}, errNoConnection
	}
	defer func() { <-d.connections }()
	got := time.Now()
	err := sleep(ctx, d.queries.draw(len(d.connections)-1))
	spent := Spent{Waiting: got.Sub(start), Serving: time.Since(got)}
	if err != nil {
		return "", spent, err
	}
	return describe(id), spent, nil
}

// Pool implements Database.
func (d *MemoryDatabase) Pool() (inUse, connections int) {
	return len(d.connections), cap(d.connections)
}

// Slow implements DatabaseFaults.
func (d *MemoryDatabase) Slow(factor float64) { d.queries.slow(factor) }

// describe returns the text of a product.
func describe(id int) string {
	return "product " + strconv.Itoa(id) + strings.Repeat(filler, fillers)
}

// A product's text is about 8 kB long, so that what a cache holds is large
// beside what its server needs for itself.
const (
	filler  = "\nThis is the best product that was ever made. Buy it."
	fillers = 160
)

// queryTimes decides how long queries take in the server.
type queryTimes struct {
	model  Model
	rand   *rand.Rand
	factor atomic.Uint64 // bits of a float64
}

func newQueryTimes(m Model, seed uint64) *queryTimes {
	q := &queryTimes{model: m, rand: newRand(seed)}
	q.slow(1)
	return q
}

func (q *queryTimes) slow(factor float64) { q.factor.Store(math.Float64bits(factor)) }

// draw returns the time of a query that runs beside so many others.
func (q *queryTimes) draw(others int) time.Duration {
	factor := math.Float64frombits(q.factor.Load()) * q.model.Stretch(float64(others))
	return q.model.Query.Draw(q.rand, factor)
}
