// Package crontest helps to test jobs.
//
// [Run] runs a registered job once, in a real run context and with all of its wrappers, with arguments, a slot and
// services of the test:
//
//	func TestReport(t *testing.T) {
//		got := crontest.Run(t, "report", crontest.Args(reportArgs{Copies: 2}), crontest.Context(withFakeMail))
//		if got.Err != nil {
//			t.Fatal(got.Err)
//		}
//	}
//
// [Walk] runs it on a scheduler for days or weeks of fake time, and [Next] and [AssertNext] check its slots. All of
// them take the job from cron.Default, where init functions have registered it, or from [Registry].
//
// [Bubble] is for other tests in fake time, and [UnderRace] for tests that take long. [Memory] is a store for tests.
package crontest
