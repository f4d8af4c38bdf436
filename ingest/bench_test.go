package ingest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkRead reads one signal of 1000 series, server and transport left out.
func BenchmarkRead(b *testing.B) {
	for _, slots := range []int{1, 240} {
		b.Run(fmt.Sprintf("series=1000/slots=%d", slots), func(b *testing.B) {
			values := make([]string, slots)
			for i := range values {
				values[i] = fmt.Sprintf("%d.%06d", i, i*7919%1000000)
			}
			rows := make([]string, 1000)
			for i := range rows {
				rows[i] = row(fmt.Sprintf(`"cluster":"eu-1","instance":"10.0.%d.%d:9100","service":"shop"`, i/256, i%256), values...)
			}
			text := envelope(strings.Join(rows, ","))
			s := newFixture(b, "http://prometheus.test", simple(b, "a"), nil)
			s.via(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Read(b.Context(), grid(slots)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/series")
		})
	}
}
