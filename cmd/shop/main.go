// Command shop is the web shop of the demo with its customers, and the maker of
// its past.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
)

func main() {
	cmd := kingpin.New("shop", "The web shop of the tidemark demo.")
	cmd.HelpFlag.Short('h')

	var so serveOptions
	serve := cmd.Command("serve", "Open the shop: pages under /products and /checkout, metrics under /metrics, and a switch for its faults under /faults.").Default()
	serve.Flag("web.listen-address", "Address to listen on.").Default("127.0.0.1:9800").StringVar(&so.listen)
	serve.Flag("service", "Value of the label service.").Default("shop").StringVar(&so.service)
	serve.Flag("redis.addr", "Address (host:port) of a Redis server to use as the cache. Default: an embedded cache.").StringVar(&so.redis)
	serve.Flag("postgres.url", "URL of a PostgreSQL database. Default: an embedded database.").Envar("SHOP_POSTGRES_URL").StringVar(&so.postgres)
	serve.Flag("customers", "Let customers come.").Default("true").BoolVar(&so.customers)

	var po pastOptions
	past := cmd.Command("history", "Fill the data directory of a Prometheus that was never started with two weeks of the shop's metrics.")
	past.Flag("storage.tsdb.path", "The data directory.").Required().StringVar(&po.dir)
	past.Flag("promtool", "The program that makes blocks.").Default("promtool").StringVar(&po.promtool)
	past.Flag("service", "Value of the label service.").Default("shop").StringVar(&po.service)
	past.Flag("job", "Value of the label job.").Default("shop").StringVar(&po.job)
	past.Flag("instance", "Value of the label instance.").Default("shop-1").StringVar(&po.instance)

	command := kingpin.MustParse(cmd.Parse(os.Args[1:]))
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	switch command {
	case serve.FullCommand():
		err = run(ctx, so, logger)
	case past.FullCommand():
		err = makePast(ctx, po, logger)
	}
	stop()
	if err != nil {
		logger.Error("The shop gives up.", "err", err)
		os.Exit(1)
	}
}
