// Command plots draws how the detector sees each kind of signal: three days
// from the first sample on, what is expected of them, and a fault.
//
//	go run ./bench/plots -out docs/images
//	go run ./bench/plots -tally 20
//	go run ./bench/plots -limits 10
//
// The second form prints how the same scenes end with other seeds, the third
// what becomes of changes that are short or slow, come every night, or early.
//
// The signals are simulated (see shop.run) and everything depends on the seed
// alone. The command has no opinion about what it draws: a fault that is not
// found is drawn as one that is not found.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("out", "docs/images", "directory that the pictures are written to")
	seed := flag.Uint64("seed", 3, "of the simulation")
	seeds := flag.Int("tally", 0, "draw nothing, but print what becomes of so many seeds")
	bounds := flag.Int("limits", 0, "draw nothing, but print what short and slow changes do in so many seeds")
	flag.Parse()
	if flag.NArg() > 0 || *seeds < 0 || *bounds < 0 {
		flag.Usage()
		os.Exit(2)
	}
	do := func() error { return drawAll(*out, *seed) }
	switch {
	case *seeds > 0:
		do = func() error { return tally(*seeds) }
	case *bounds > 0:
		do = func() error { return limits(*bounds) }
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "plots:", err)
		os.Exit(1)
	}
}

// drawAll writes the picture of every figure into a directory, which it makes.
func drawAll(dir string, seed uint64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the directory of the pictures: %w", err)
	}
	for _, f := range figures() {
		h, err := f.watch(seed)
		if err != nil {
			return fmt.Errorf("judge %s: %w", f.name, err)
		}
		path := filepath.Join(dir, f.name+".png")
		if err := f.draw(path, h); err != nil {
			return fmt.Errorf("draw %s: %w", path, err)
		}
		fmt.Printf("%-20s %s\n", f.name, h.summary(f.event))
	}
	return nil
}
