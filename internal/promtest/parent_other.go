//go:build !linux

package promtest

import "syscall"

// endWithParent has no counterpart here: a child outlives a test binary that is
// killed.
func endWithParent() *syscall.SysProcAttr { return nil }
