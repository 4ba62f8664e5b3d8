//go:build !linux

package db

// remoteFileSystem knows none.
func remoteFileSystem(string) string { return "" }
