# make demo    runs the whole story: fault, one alert that names the cause, repair
# make test    installs what the tests need and runs them
# make lint    runs the linters and checks that go.mod is tidy

GO      ?= go
BIN     := bin
LDFLAGS := -s -w \
	-X github.com/prometheus/common/version.Version=$(shell cat VERSION) \
	-X github.com/prometheus/common/version.Revision=$(shell git rev-parse --short HEAD 2>/dev/null || echo unknown) \
	-X github.com/prometheus/common/version.Branch=$(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)

.PHONY: all
all: build

.PHONY: build
build: ## bin/tidemark and bin/shop
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

.PHONY: demo
demo: deps-demo build ## the main job on real servers; DEMO_ARGS="--once --fault=all"
	$(GO) run ./demo --tidemark=$(BIN)/tidemark --shop=$(BIN)/shop $(DEMO_ARGS)

.PHONY: test
test: deps-test ## all tests, with the race detector, on real servers
	$(GO) test -race $$($(GO) list ./... | grep -v /bench/plots)
	$(GO) test ./bench/plots # one goroutine that simulates weeks
	$(GO) run ./cmd/tidemark test rules testdata/scenarios/model # likewise

.PHONY: lint
lint: $(BIN)/golangci-lint
	$(BIN)/golangci-lint run
	$(GO) mod tidy -diff
	cd tools/golangci-lint && $(GO) mod tidy -diff

$(BIN)/golangci-lint: tools/golangci-lint/go.mod
	cd tools/golangci-lint && $(GO) build -o ../../$(BIN)/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: fmt
fmt: $(BIN)/golangci-lint
	$(BIN)/golangci-lint fmt

.PHONY: bench
bench: ## benchmarks, ten runs each, for benchstat
	$(GO) test -run '^$$' -bench . -benchmem -count 10 ./... | tee bench.out

.PHONY: bench-accuracy
bench-accuracy: ## what the detectors find, and how often they are wrong, side by side with others
	$(GO) run ./bench/accuracy $(BENCH_ARGS)

.PHONY: bench-nab bench-cloudmon bench-rootcause
bench-nab bench-cloudmon bench-rootcause: bench-%: ## public series with labels; BENCH_ARGS="-data DIR"
	$(GO) run ./bench/$* $(BENCH_ARGS)

.PHONY: bench-verdicts
bench-verdicts: ## how well causes are named, and what pages in quiet weeks
	$(GO) run ./bench/verdicts $(BENCH_ARGS)

.PHONY: deps-demo
deps-demo:
	scripts/install prometheus prometheus-alertmanager

.PHONY: deps-test
deps-test: deps-demo
	scripts/install patch redis-server postgresql haproxy prometheus-redis-exporter prometheus-postgres-exporter \
		nginx-light prometheus-nginx-exporter prometheus-node-exporter prometheus-blackbox-exporter

.PHONY: clean
clean:
	rm -rf $(BIN) bench.out
