//go:build !unix && !windows

package dev

import (
	"os"
	"os/exec"
)

func apart(*exec.Cmd) {}

func terminate(p *os.Process) error { return p.Kill() }
