// Package backendtest runs what stands behind a web service for tests: real
// Redis and PostgreSQL servers, and any other program beside them, each on a
// free port of 127.0.0.1 and gone when the test ends.
//
// A test that asks for a program that is not installed fails; it is never
// skipped. Only processes that the package started are ended, by process ID.
package backendtest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidemark/internal/promtest"
)

// StartRedis starts a Redis of 64 MB that evicts what is used least, and returns
// its address. It may not answer yet.
func StartRedis(t testing.TB) (address string) {
	t.Helper()
	address = promtest.FreeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	Run(t, exec.CommandContext(context.Background(), Program(t, "redis-server"), "--bind", "127.0.0.1", "--port", port, "--save", "",
		"--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru", "--dir", t.TempDir()))
	return address
}

// StartPostgres starts an empty PostgreSQL and returns the URL of a superuser. It
// may not answer yet. The server runs as another user if the test runs as root,
// which PostgreSQL refuses.
func StartPostgres(t testing.TB) (url string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "backendtest-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		owner, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(owner.Uid)
		gid, _ := strconv.Atoi(owner.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		// Debian keeps the server's programs out of PATH.
		cmd := exec.CommandContext(context.Background(), Program(t, name, "/usr/lib/postgresql/*/bin/"+name), args...)
		cmd.SysProcAttr, cmd.Dir = attr, dir
		return cmd
	}
	data := filepath.Join(dir, "data")
	if out, err := command("initdb", "-D", data, "-U", "shop", "-A", "trust", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	address := promtest.FreeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	Run(t, command("postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", dir, "-F"))
	return "postgres://shop@" + address + "/postgres"
}

// Program finds a program, in PATH or by one of the patterns.
func Program(t testing.TB, name string, patterns ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	for _, p := range patterns {
		if found, _ := filepath.Glob(p); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	t.Fatalf("%v: `make deps-test` installs what the tests need", err)
	return ""
}

// Run runs a server until the test is over, and shows what it wrote if the test
// failed. A command with a context should outlive the test's, so that what is
// cleaned up before it can still talk to it.
func Run(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", cmd.Path, log.String())
		}
	})
}

// Await tries until it works, for at most half a minute.
func Await(t testing.TB, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
