//go:build !unix && !windows

package console

import "os"

func columns(*os.File) int { return 0 }
