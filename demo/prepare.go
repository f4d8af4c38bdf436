package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// servers are the programs that the demo needs, and their Debian packages.
var servers = map[string]string{
	"prometheus":              "prometheus",
	"promtool":                "prometheus",
	"prometheus-alertmanager": "prometheus-alertmanager",
}

// findServers returns the paths of the servers. Missing ones are installed if
// that can be done without a password.
func findServers(ctx context.Context, out *terminal) (map[string]string, error) {
	paths, missing := lookServers()
	apt, _ := exec.LookPath("apt-get")
	if len(missing) > 0 && apt != "" && os.Getuid() == 0 {
		out.line("Installing %s …", strings.Join(missing, ", "))
		if err := install(ctx, missing); err != nil {
			return nil, err
		}
		paths, missing = lookServers()
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("missing: %s. Install them (Debian, Ubuntu: sudo apt-get install prometheus prometheus-alertmanager) and run this again", strings.Join(missing, ", "))
	}
	return paths, nil
}

func lookServers() (paths map[string]string, missing []string) {
	paths = map[string]string{}
	for program := range servers {
		path, err := exec.LookPath(program)
		if err != nil && program == "prometheus-alertmanager" {
			path, err = exec.LookPath("alertmanager") // its name outside of Debian
		}
		if err != nil {
			missing = append(missing, program)
			continue
		}
		paths[program] = path
	}
	return paths, missing
}

func install(ctx context.Context, programs []string) error {
	args := []string{"install", "--yes", "--no-install-recommends"}
	for _, program := range programs {
		args = append(args, servers[program])
	}
	for _, args := range [][]string{{"update"}, args} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, text)
		}
	}
	return nil
}

// build builds a command of this module into dir, unless its path is given.
func build(ctx context.Context, given, name, dir string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	path := filepath.Join(dir, name)
	var text bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "tidemark/cmd/"+name)
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("build %s: Go is not installed: name the program with --%s", name, name)
		}
		return "", fmt.Errorf("build %s: %w\n%s", name, err, &text)
	}
	return path, nil
}
