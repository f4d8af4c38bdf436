package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	begin := time.Date(2014, 4, 1, 0, 0, 0, 0, time.UTC)
	for i := range 2000 {
		v := 10 + i%7
		if i == 1500 {
			v = 1000
		}
		fmt.Fprintf(&b, "%s,%d\n", begin.Add(time.Duration(i)*5*time.Minute).Format(time.DateTime), v)
	}
	write("real/a.csv", b.String())
	write("labels.json", fmt.Sprintf(`{"real/a.csv": [["%s.000000", "%s.000000"]]}`,
		begin.Add(1490*5*time.Minute).Format(time.DateTime), begin.Add(1600*5*time.Minute).Format(time.DateTime)))
	var out bytes.Buffer
	if err := run(dir, filepath.Join(dir, "labels.json"), "auto", true, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 files, 1 windows, 1700 rows", "standard            99.", "1 of 1         0", "real/a.csv"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant …%s…", out.String(), want)
		}
	}

	write("labels.json", `{"real/a.csv": [["2013-01-01 00:00:00.000000", "2013-01-02 00:00:00.000000"]]}`)
	if err := run(dir, filepath.Join(dir, "labels.json"), "auto", false, &out); err == nil || !strings.Contains(err.Error(), "real/a.csv: window 2013-01-01") {
		t.Errorf("window without rows: got error %v", err)
	}
}
