// Package crontest is for tests of jobs.
//
// [Run] runs a registered job once, in a real run context and inside of all of its wrappers,
// with arguments, a slot and services of the test's choice:
//
//	func TestReport(t *testing.T) {
//		got := crontest.Run(t, "report", crontest.Args(reportArgs{Copies: 2}), crontest.Context(withFakeMail))
//		if got.Err != nil {
//			t.Fatal(got.Err)
//		}
//	}
//
// [Walk] lets a scheduler run it for days or weeks of fake time, and [Next] and [AssertNext]
// say when it is due. All of them take the job from cron.Default, where init functions have
// registered it, or from [Registry].
//
// [Bubble] is for tests of your own in fake time, and [UnderRace] for those that take long. [Memory] is a
// store for such tests.
package crontest
