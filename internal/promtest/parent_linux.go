package promtest

import "syscall"

// endWithParent makes the kernel end a child when the test binary dies.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
