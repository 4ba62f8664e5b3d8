package sqlite_test

import (
	"strings"
	"testing"

	"fibercrons/app/store/sqlite"
)

// What a file system without locks or shared memory answers is told as that, and not as a broken disk.
func TestFileSystemsWithoutLocksAreTold(t *testing.T) {
	for code, want := range map[int]string{
		15:   "without the locks", // SQLITE_PROTOCOL
		3850: "without the locks", // SQLITE_IOERR_LOCK
		2314: "without the locks", // SQLITE_IOERR_RDLOCK
		4618: "without the locks", // SQLITE_IOERR_SHMOPEN
		4874: "without the locks", // SQLITE_IOERR_SHMSIZE
		5130: "without the locks", // SQLITE_IOERR_SHMLOCK
		5386: "without the locks", // SQLITE_IOERR_SHMMAP
		266:  "check the disk",    // SQLITE_IOERR_READ
		13:   "disk is full",
	} {
		text := sqlite.Explain("/mnt/crons.db", code)
		if !strings.Contains(text, want) || !strings.Contains(text, "/mnt/crons.db") || want == "without the locks" && !strings.Contains(text, "local disk") {
			t.Errorf("%d: %s", code, text)
		}
	}
}
