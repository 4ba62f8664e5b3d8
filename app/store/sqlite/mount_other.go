//go:build !linux

package sqlite

// remoteFileSystem knows none.
func remoteFileSystem(string) string { return "" }
