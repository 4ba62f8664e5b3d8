package dev

import (
	"os/exec"
)

// server is one process of the program.
type server struct {
	cmd  *exec.Cmd
	done chan struct{}
	how  string // it has ended; set before done is closed
}

func start(binary string, o Options) (*server, error) {
	s := &server{cmd: exec.Command(binary), done: make(chan struct{})} //nolint:gosec // it was built here
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = o.Dir, o.Out, o.Err
	apart(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		s.how = s.cmd.ProcessState.String()
		close(s.done)
	}()
	return s, nil
}

// terminate asks the process to end as SIGTERM does.
func (s *server) terminate() { _ = terminate(s.cmd.Process) }
