//go:build unix

package store_test

import (
	"flag"
	"testing"
	"time"
)

// The fault suites break what the guarantees G1 to G3 (package scheduler) are given in spite of:
// processes are killed, stopped and replaced, disks are full, answers are lost, clocks are set.
// Afterwards world.violations looks at what is in the database, and at what the processes wrote
// down beside it. Each prints its figures. Where processes, networks and replicas come and go, stored
// schedules are changed meanwhile (fault_tenants_test.go), and a model says what must have run of them
// (fault_model_test.go).
//
// Those that go by fake time are part of every run of the tests. Those that need processes, disks
// and the real clock have to be asked for, after the package; here as it is done for every change,
// at length (10,000 kills, a year of fake time: two hours or so), and the kills alone:
//
//	go test -v -run '^TestFault' ./app/store -fault
//	go test -v -run '^TestFault' -timeout 0 ./app/store -fault.long
//	go test -v -run '^TestFaultKill9$' -timeout 0 ./app/store -fault -fault.kills 2000 -fault.seed 7
//
// Those on database servers (fault_server_test.go) need TEST_POSTGRES_URL and TEST_MYSQL_URL besides.
//
// They hold on a machine that is slow and busy: what they wait for may take its time, and nothing
// of how long it took is a reason to fail.
var (
	faultAsked  = flag.Bool("fault", false, "run the fault suites that need processes, disks and the real clock")
	faultLong   = flag.Bool("fault.long", false, "run the fault suites at length")
	faultStored = flag.Int("fault.tenants", 1000, "number of stored schedules that are changed while processes, networks and replicas come and go")
	faultSeed   = flag.Uint64("fault.seed", 1, "of what the fault suites leave to chance")
)

// patience is how long anything is waited for before it counts as never.
const patience = 5 * time.Minute

// onlyIfAsked skips a suite that is not for every run of the tests.
func onlyIfAsked(t *testing.T) {
	t.Helper()
	if !*faultAsked && !*faultLong {
		t.Skip("it takes long: ask for it with go test -run '^TestFault' ./app/store -fault")
	}
}
