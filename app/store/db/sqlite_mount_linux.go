package db

import "syscall"

// mounted names the file system on which a folder is, if it is one of remote.
func mounted(folder string) string {
	var fs syscall.Statfs_t
	if syscall.Statfs(folder, &fs) != nil {
		return "" // opening the file will tell
	}
	return remote[uint32(fs.Type)] //nolint:gosec // magic numbers have 32 bits
}

// remote names the kinds of file systems, by the magic number that statfs(2) tells, on which a file may be another
// machine's as well, or has no locks that hold. SQLite's log there works until two machines use it, or until the mount
// loses a lock (sqlite.org/wal.html, sqlite.org/useovernet.html).
var remote = map[uint32]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "SMB",
	0xfe534d42: "SMB",
	0x65735546: "FUSE",
	0x01021997: "9P",
	0x00c36400: "Ceph",
	0x5346414f: "AFS",
	0x013111a8: "GPFS",
	0x47504653: "GPFS",
}
