package store

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/incident"
	"tidemark/rules"
)

// writerDir names the environment variable that makes the test binary a writer.
const writerDir = "TIDEMARK_STORE_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		if err := write(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// write saves numbered incidents, anomalies and changes until it is killed, and
// says which of them are acknowledged.
func write(dir string) error {
	s, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	first, err := s.Current()
	if err != nil {
		return err
	}
	in, an, change := full()
	in.State, in.ResolvedAt = incident.Firing, time.Time{}
	for n := len(first); ; n++ {
		in.ID, an.ID, change.What = "in"+strconv.Itoa(n), "an"+strconv.Itoa(n), "change "+strconv.Itoa(n)
		if err := s.Save([]incident.Incident{in}, []incident.Anomaly{an}, []rules.Change{change}); err != nil {
			return err
		}
		fmt.Println("saved", n)
	}
}

// TestKill kills a writing process again and again: what it acknowledged is
// there, whole, and the file can be written on.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := -1
	for round := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for saved := 0; lines.Scan(); {
			text, ok := strings.CutPrefix(lines.Text(), "saved ")
			n, err := strconv.Atoi(text)
			if !ok || err != nil {
				break // the line that the kill cut
			}
			acknowledged = n
			if saved++; saved == 3+5*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Error(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the writer ended by itself: %v", err)
		}

		var log logBuffer
		s := open(t, dir, Options{Logger: log.logger()})
		for n := range acknowledged + 1 {
			if _, ok, err := s.Incident("in" + strconv.Itoa(n)); !ok || err != nil {
				t.Errorf("round %d: incident %d of %d: got ok %t, err %v", round, n, acknowledged, ok, err)
			}
		}
		anomalies, _, err := s.Anomalies(Query{})
		if err != nil || len(anomalies) <= acknowledged {
			t.Errorf("round %d: got %d anomalies, err %v, want at least %d", round, len(anomalies), err, acknowledged+1)
		}
		changes, _, err := s.Changes(Query{})
		if err != nil || len(changes) != len(anomalies) {
			t.Errorf("round %d: got %d changes, err %v, want as many as anomalies: %d", round, len(changes), err, len(anomalies))
		}
		if log.Len() > 0 {
			t.Errorf("round %d: got log %s, want none", round, log.String())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
