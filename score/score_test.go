package score

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/detector"
)

func TestLines(t *testing.T) {
	for _, tc := range []struct {
		name  string
		kind  Kind
		in    string
		out   string // without the header
		bad   []string
		error string
	}{
		{
			"every form of time", Auto,
			"timestamp,value\n2026-03-04 10:00:00,1\n2026-03-04T10:05:00Z,2.50\n2026-03-04T11:10:00+01:00,3\n1772619300,4\n1772619600.5,5\n",
			"2026-03-04 10:00:00,1,0,,,\n2026-03-04T10:05:00Z,2.50,0,,,\n2026-03-04T11:10:00+01:00,3,0,,,\n1772619300,4,0,,,\n1772619600.5,5,0,,,\n",
			nil, "",
		},
		{
			"no header, CRLF, quotes, empty lines, no last newline", Auto,
			"2026-03-04 10:00:00,1\r\n\r\n\"2026-03-04 10:05:00\", \"2\"", "2026-03-04 10:00:00,1,0,,,\n2026-03-04 10:05:00,2,0,,,\n", nil, "",
		},
		{"byte order mark", Auto, "\ufeffTimestamp,Value\n1772619300,4\n", "1772619300,4,0,,,\n", nil, ""},
		{"gaps", Auto, "1772619300,\n1772619600,NaN\n", "1772619300,,0,,,\n1772619600,NaN,0,,,\n", nil, ""},
		{
			"bad lines", Auto, "timestamp,value\nnoon,1\n1772619300,fast\n1772619300,1,2\n1772619300\n1772619300,Inf\n1772619300,1e40\n1772619600,7\n",
			"1772619600,7,0,,,\n",
			[]string{
				`line 2: timestamp "noon" is not one: write 2026-03-04 10:00:00, RFC 3339 or unix seconds`,
				`line 3: value "fast" is not a number: write one such as 17.5, or nothing for a gap`,
				`line 4: "1772619300,1,2" has not two columns but 3: write timestamp,value`,
				`line 5: "1772619300" has not two columns but 1: write timestamp,value`,
				`line 6: value "Inf" is not a number: write one such as 17.5, or nothing for a gap`,
				`line 7: value 1e+40 is too large: write one within ±1e30`,
			},
			"6 of 7 lines are left out",
		},
		{
			"bad values of a kind", Kind(detector.Ratio), "1772619300,0.5\n1772619600,2\n1772619300,0.5\n1772619900,0.5\n",
			"1772619300,0.5,0,,,\n1772619900,0.5,0,,,\n",
			[]string{
				"line 2: value 2 is not possible for a ratio: write a share, from 0 to 1",
				"line 3: timestamp 2026-03-04T10:15:00Z is not after the one before, 2026-03-04T10:15:00Z: sort the lines",
			},
			"2 of 4 lines are left out",
		},
		{"a long line", Auto, strings.Repeat("x", 3*maxLine) + "\n1772619300,4\n", "1772619300,4,0,,,\n", []string{"line 1: it has more than 4096 bytes: write timestamp,value"}, "1 of 2 lines are left out"},
		{"nothing", Auto, "timestamp,value\n", "", nil, "the input has no line: write timestamp,value lines such as 2026-03-04 10:00:00,17.5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			var bad []string
			err := Run(strings.NewReader(tc.in), &out, Options{Kind: tc.kind, Step: 5 * time.Minute, Bad: func(err error) { bad = append(bad, err.Error()) }})
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tc.error {
				t.Errorf("got error %q, want %q", text, tc.error)
			}
			got := out.String()
			if tc.kind != Auto { // typed detectors have an opinion from the first sample on
				got = withoutBand(t, got)
			}
			if diff := cmp.Diff(header+tc.out, got); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.bad, bad); diff != "" {
				t.Errorf("bad lines (-want +got):\n%s", diff)
			}
		})
	}
}

func withoutBand(t *testing.T, out string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(header)
	for _, r := range rows(t, out) {
		fmt.Fprintf(&b, "%s,%s,%s,,,\n", r[0], r[1], r[2])
	}
	return b.String()
}

// rows returns the lines of an output after the header.
func rows(t *testing.T, out string) [][]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

// TestEachKindFindsAFault feeds a week and then a fault.
func TestEachKindFindsAFault(t *testing.T) {
	const day, fault = 288, 7*288 + 30
	for _, kind := range Kinds {
		t.Run(kind, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			var in strings.Builder
			for i := range fault + 20 {
				v := 0.5 * (1 + 0.3*math.Sin(2*math.Pi*float64(i)/day)) * math.Exp(0.03*rng.NormFloat64())
				if i >= fault {
					v = math.Min(1, 1.9*v)
				}
				fmt.Fprintf(&in, "%d,%g\n", 1772619600+300*i, v)
			}
			var out bytes.Buffer
			if err := Run(strings.NewReader(in.String()), &out, Options{Kind: Kind(kind), Step: 5 * time.Minute}); err != nil {
				t.Fatal(err)
			}
			threshold := detector.DefaultSensitivity / largestSurprise
			if Kind(kind) == Auto {
				threshold = detector.GenericThreshold / 32
			}
			var usual, faulty float64
			for i, r := range rows(t, out.String()) {
				s, err := strconv.ParseFloat(r[2], 64)
				if err != nil || s < 0 || s > 1 {
					t.Fatalf("line %d: score %q, want 0 to 1", i+2, r[2])
				}
				switch {
				case i >= fault:
					faulty = max(faulty, s)
				case i >= fault-2*day:
					usual = max(usual, s)
				}
			}
			if usual >= threshold || faulty < threshold {
				t.Errorf("got scores up to %g in usual days and %g in a fault, want less and more than %g", usual, faulty, threshold)
			}
		})
	}
}

// TestLinesAreAnsweredAtOnce feeds one line and awaits its answer before the
// next.
func TestLinesAreAnsweredAtOnce(t *testing.T) {
	in, feed := io.Pipe()
	answers, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- Run(in, out, Options{Kind: Auto, Step: time.Minute})
		out.Close()
	}()
	read := make([]byte, 256)
	for i := range 3 {
		fmt.Fprintf(feed, "%d,1\n", 1772619600+60*i)
		n, err := answers.Read(read)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%d,1,0,,,\n", 1772619600+60*i); !strings.HasSuffix(string(read[:n]), want) {
			t.Fatalf("got %q, want %q", read[:n], want)
		}
	}
	feed.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestErrors(t *testing.T) {
	line := strings.NewReader("1772619300,4\n")
	if err := Run(line, brokenPipe{}, Options{Kind: Auto, Step: time.Minute}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("broken output: got error %v, want %v", err, io.ErrClosedPipe)
	}
	in := io.MultiReader(strings.NewReader("1772619300,4\n"), errorReader{})
	if err := Run(in, io.Discard, Options{Kind: Auto, Step: time.Minute}); err == nil || err.Error() != "read line 2: broken disk" {
		t.Errorf("broken input: got error %v", err)
	}
	if err := Run(line, io.Discard, Options{Kind: Auto}); err == nil || !strings.Contains(err.Error(), "step 0s is not positive") {
		t.Errorf("no step: got error %v", err)
	}
	if err := Run(line, io.Discard, Options{Kind: "speed", Step: time.Minute}); err == nil || !strings.Contains(err.Error(), `kind "speed" is not known`) {
		t.Errorf("unknown kind: got error %v", err)
	}
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, errors.New("broken disk") }
