package store

import "syscall"

// mounted names the file system on which a folder is, if it is one of remote.
func mounted(folder string) string {
	var fs syscall.Statfs_t
	if syscall.Statfs(folder, &fs) != nil {
		return "" // opening the file will tell
	}
	return remote[uint32(fs.Type)] //nolint:gosec // magic numbers have 32 bits
}
