//go:build unix

package dev

import (
	"os"
	"os/exec"
	"syscall"
)

// apart keeps signals of the terminal from the process, so that it gets one signal to end, ours.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
