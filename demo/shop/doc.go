// Package shop is the small web shop of the demo: product pages that are read
// through a cache, checkouts that go to the database, and the customers who ask
// for both.
//
// A request for a product page asks the cache first. On a miss it queries the
// database and stores the answer (cache-aside). A checkout always queries the
// database. The database serves a limited number of queries at a time and slows
// down as more of them run side by side.
//
// Faults are switched on and off while the shop runs (see Faults). A fault
// changes one thing only, through the mechanism that would break in a real shop:
// requests do not ask the cache, keys expire at once, the cache is made smaller,
// it refuses connections, queries take longer. Whatever follows from that (more
// queries, a slower database, timeouts) is not scripted; it emerges.
//
// Cache and database are embedded, or a real Redis and a real PostgreSQL. All
// numbers that decide how the shop behaves are in Model, from which package
// history makes the two weeks that came before.
//
// The package never pretends: no metric is written that was not counted or
// measured on a request.
package shop
