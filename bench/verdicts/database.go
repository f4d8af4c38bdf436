package main

import "math"

// database is a server with a few workers behind a pool of connections: two
// queues in a row, each in equilibrium within a step.
type database struct {
	workers int
	service float64 // seconds that a query takes when nothing waits
	pool    float64 // connections that the application may use
	timeout float64 // seconds that a request waits for a connection
}

// arrivalNoise is by how much longer queues are than those of Poisson arrivals
// and exponential service: traffic comes in bunches, and some queries are big.
const arrivalNoise = 2.0

// queried is how a database fares; rates are per second.
type queried struct {
	completed float64 // of the application's queries
	failed    float64 // gave up waiting for a connection
	inServer  float64 // seconds per query, from arrival to answer
	waiting   float64 // seconds per query for a connection
	used      float64 // share of connections that are taken, the leaked ones too
}

// serve answers the application's queries and those of a batch job that has its
// own connections. Slow multiplies the service time; leaked is the share of the
// pool that nobody gives back.
func (d *database) serve(queries, batch, slow, leaked float64) queried {
	service := d.service * slow
	capacity := float64(d.workers) / service
	pool := math.Max(d.pool*(1-leaked), 0.4)
	total := queries + batch

	in := service
	if total < 0.98*capacity {
		in += arrivalNoise * wait(float64(d.workers), total*service) / (capacity - total)
	} else {
		in = math.Inf(1)
	}
	const batchConnections = 4
	most := pool
	if batch > 0 {
		most += batchConnections
	}
	in = math.Max(service, math.Min(in, most/capacity))

	out := queried{inServer: in}
	busy := queries * in // connections that the queries need
	limit := 0.97 * pool
	if batch > 0 {
		limit = math.Min(limit, math.Max(capacity-batch, 0.1*capacity)*in)
	}
	if busy >= limit {
		out.completed = queries * limit / busy
		out.waiting = d.timeout
		out.used = leaked + (1-leaked)*limit/math.Max(limit, pool)
	} else {
		queued := wait(math.Max(1, math.Round(pool)), math.Min(busy, 0.97*math.Max(1, math.Round(pool))))
		drain := (pool - busy) / in / arrivalNoise
		late := queued * math.Exp(-drain*d.timeout)
		out.waiting = math.Min(queued/drain, d.timeout)
		out.completed = queries * (1 - late)
		out.used = leaked + (1-leaked)*busy/pool
	}
	out.failed = queries - out.completed
	return out
}

// wait returns the probability that an arrival finds all servers of an M/M/c
// queue busy (Erlang C), of which offered are busy on average. Offered must be
// below servers.
func wait(servers, offered float64) float64 {
	if offered <= 0 {
		return 0
	}
	b := 1.0 // Erlang B
	for n := 1.0; n <= servers; n++ {
		b = offered * b / (n + offered*b)
	}
	rho := offered / servers
	return b / (1 - rho*(1-b))
}
