package shop

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Customers ask for pages at the pace of the model's traffic. They do not wait
// for each other: a slow shop gets no fewer requests (an open loop).
type Customers struct {
	Model  Model
	URL    string            // of the shop, without a slash at the end
	Client http.RoundTripper // carries their requests
	Load   func() float64    // by what factor more customers come now than the model says
	Seed   uint64
	Logger *slog.Logger
}

// maxWaiting bounds the requests that are under way; more are not sent. At 360
// requests per second and a timeout of 500 ms there are fewer than two hundred.
const maxWaiting = 2000

// Run sends requests until the context is done, then waits for those that are
// under way.
func (c *Customers) Run(ctx context.Context) {
	r := rand.New(rand.NewPCG(c.Seed, 0xc0575))
	zipf := rand.NewZipf(r, c.Model.Skew, 1, uint64(c.Model.Products-1))
	waiting := make(chan struct{}, maxWaiting)
	var requests sync.WaitGroup
	defer requests.Wait()
	next := time.Now()
	for {
		gap := r.ExpFloat64() / (c.Model.Traffic.Rate(next) * c.Load())
		next = next.Add(time.Duration(gap * float64(time.Second)))
		if sleep(ctx, time.Until(next)) != nil {
			return
		}
		method, path := http.MethodPost, "checkout"
		if r.Float64() < c.Model.Reads {
			method, path = http.MethodGet, "products"
		}
		url := fmt.Sprintf("%s/%s/%d", c.URL, path, zipf.Uint64())
		select {
		case waiting <- struct{}{}:
		default:
			c.Logger.Warn("Too many requests wait for an answer, one is not sent.")
			continue
		}
		requests.Go(func() {
			defer func() { <-waiting }()
			c.ask(ctx, method, url)
		})
	}
}

// ask sends one request and reads the answer. That it fails is counted by the
// shop, or seen in that it counts nothing.
func (c *Customers) ask(ctx context.Context, method, url string) {
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		c.Logger.Error("The address of the shop is not usable.", "url", url, "err", err)
		return
	}
	resp, err := c.Client.RoundTrip(req)
	if err != nil {
		c.Logger.Debug("The shop did not answer.", "url", url, "err", err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}
