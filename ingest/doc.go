// Package ingest reads signals from Prometheus, or from anything that answers
// its query_range API, over a grid: the newest slots in each cycle (Read), and
// weeks of history at a start or for a backtest (Backfill).
//
// Vocabulary: an answer is what the source sent for one query; a frame is an
// answer that passed all checks; a reason is the bounded word by which errors
// are counted; a source is down when it gives no usable answer to any query.
//
// The package is suspicious. An answer with a warning (it is partial), of
// another type, with native histograms, with timestamps that were not asked for,
// out of order or twice, with two series of the same labels, with too many
// series or too many bytes is an error of that signal and never data. It follows
// no redirect, waits as long as a Retry-After header says, cuts what a server
// says in an error, and removes configured secrets from it.
//
// It does not judge samples, fill gaps or remember what it read. NaN, infinities
// and slots without a sample are gaps.
package ingest
