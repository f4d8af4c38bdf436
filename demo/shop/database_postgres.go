package shop

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// PostgresDatabase keeps products in a PostgreSQL server. A lookup by primary
// key is faster than what most shops ask of their databases, so each query also
// sleeps in the server for the time that the model gives it.
type PostgresDatabase struct {
	queries *queryTimes
	pool    *pgxpool.Pool
}

// OpenPostgres connects to the server, creates the table of products unless it
// exists, and fills it.
func OpenPostgres(ctx context.Context, url string, m Model, seed uint64) (*PostgresDatabase, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the address of PostgreSQL: %w", err)
	}
	config.MaxConns = int32(m.Connections)
	// A request that gives up cancels its query and keeps the connection.
	// Otherwise each timeout would cost a new one, and others would wait for it.
	config.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Second}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	d := &PostgresDatabase{queries: newQueryTimes(m, seed), pool: pool}
	if err := d.seed(ctx, m.Products); err != nil {
		pool.Close()
		return nil, err
	}
	return d, nil
}

func (d *PostgresDatabase) seed(ctx context.Context, products int) error {
	const table = `CREATE TABLE IF NOT EXISTS products (id integer PRIMARY KEY, body text NOT NULL)`
	if _, err := d.pool.Exec(ctx, table); err != nil {
		return fmt.Errorf("create table products: %w", err)
	}
	const rows = `
		INSERT INTO products SELECT id, 'product ' || id || repeat($2, $3) FROM generate_series(0, $1::integer - 1) AS id
		ON CONFLICT DO NOTHING`
	if _, err := d.pool.Exec(ctx, rows, products, filler, fillers); err != nil {
		return fmt.Errorf("fill table products: %w", err)
	}
	return nil
}

// Close ends all connections.
func (d *PostgresDatabase) Close() { d.pool.Close() }

// Product implements Database.
func (d *PostgresDatabase) Product(ctx context.Context, id int) (string, Spent, error) {
	start := time.Now()
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return "", Spent{Waiting: time.Since(start)}, fmt.Errorf("%w: %w", errNoConnection, err)
	}
	defer conn.Release()
	got := time.Now()
	others := int(d.pool.Stat().AcquiredConns()) - 1
	const query = `WITH work AS (SELECT pg_sleep($2)) SELECT body FROM products, work WHERE id = $1`
	var text string
	err = conn.QueryRow(ctx, query, id, d.queries.draw(others).Seconds()).Scan(&text)
	return text, Spent{Waiting: got.Sub(start), Serving: time.Since(got)}, err
}

// Pool implements Database.
func (d *PostgresDatabase) Pool() (inUse, connections int) {
	s := d.pool.Stat()
	return int(s.AcquiredConns()), int(s.MaxConns())
}

// Slow implements DatabaseFaults.
func (d *PostgresDatabase) Slow(factor float64) { d.queries.slow(factor) }
