package sqlite

import "syscall"

// remoteFileSystem names the file system that holds a folder, if it is one of remoteFileSystems.
func remoteFileSystem(folder string) string {
	var fs syscall.Statfs_t
	if syscall.Statfs(folder, &fs) != nil {
		return "" // opening the file will tell
	}
	return remoteFileSystems[uint32(fs.Type)] //nolint:gosec // magic numbers have 32 bits
}

// remoteFileSystems names, by the magic number of statfs(2), the file systems that several machines can share, or whose
// locks are not reliable. SQLite's log works there until two machines use it, or until the mount
// loses a lock (sqlite.org/wal.html, sqlite.org/useovernet.html).
var remoteFileSystems = map[uint32]string{
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
