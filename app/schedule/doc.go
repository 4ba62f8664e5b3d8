// Package schedule turns a cron expression into instants: the slots at which a
// job is due. It is a leaf with no dependencies, and knows nothing of jobs.
//
//	s, err := schedule.Parse("30 9 * * MON-FRI", schedule.Options{Location: berlin})
//	next, ok := s.Next(time.Now())
//
// # Grammar
//
//	expression = [ ( "TZ=" | "CRON_TZ=" ) zone ] ( fields | macro | every | at )
//	fields     = [ second ] minute hour day-of-month month day-of-week
//	macro      = "@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" | "@hourly"
//	every      = "@every" duration          (Go: 90s, 1h30m; 10ms or more, whole milliseconds)
//	at         = "@at" instant              (RFC 3339, from 1970, whole milliseconds)
//	field      = item { "," item }
//	item       = ( "*" | value "-" value | value ) [ "/" step ]
//	           | "H" [ "(" value "-" value ")" ] [ "/" step ]
//	           | "?"                                           in the two day fields
//	           | "L" [ "-" n ] [ "W" ] | value "W" | "W"       in day of month
//	           | value "L" | value "#" n                       in day of week
//
// Values are seconds and minutes 0-59, hours 0-23, days of the month 1-31, months
// 1-12 or JAN-DEC, days of the week 0-7 or SUN-SAT, where 0 and 7 are Sunday.
// Letters are read in any case. A range whose end is before its start wraps
// around: FRI-MON, 22-4. A step counts from the range's start, 5/10 from 5 to
// the field's end (SAT for a day of the week), and is at most the number of the
// field's values: */90 minutes is not what it looks like, and an error.
//
//	?      another *, for those who come from Quartz
//	L      the last day of the month; L-3 the third day before it; LW and L-3W
//	       the weekday nearest those
//	15W    the weekday (Monday to Friday) nearest the 15th in the same month;
//	       none in a month without that day. W alone is every weekday
//	5L     the last Friday of the month; 5#2 the second
//	H      a number that stays the same for the same Seed, the job's name, so
//	       that many jobs do not all start at once: H is one value of the field
//	       (of day of month, 1 to 28), H(0-7) one of a range, H/15 every 15th
//	       from one of the first 15, as Jenkins has it
//
// The grammar is that of crontab(5) and the extensions that Quartz, Jenkins and
// robfig/cron have made common. Where they differ crontab(5) wins: Sunday is 0,
// five fields have no seconds, and days follow the day rule.
//
// # Rules
//
// The day rule: if both day of month and day of week are restricted, a day that
// matches either matches; else a day must match both. A field is restricted
// unless it begins with * or ?, so that "0 0 */2 * MON" is every Monday of odd
// date (crontab(5), and DOM_STAR and DOW_STAR in cron's source). H is restricted.
//
// Daylight saving, as Debian's cron 3.0pl1 does it. A job is a wildcard job if its
// hour or its minute begins with *, and else a fixed-time job; H stands for a
// number and is fixed, seconds have no say.
//
//   - The clock goes forward, by less than three hours: a fixed-time job that is
//     due in the gap runs once, at the first instant after it. (Cron would run it
//     once for each of its times in the gap, all at that instant, which is one
//     slot.) A wildcard job has no run in the gap.
//   - The clock goes back, by up to three hours: a fixed-time job runs at the first
//     of two equal readings of the clock. A wildcard job follows real, elapsed
//     time, and runs at both.
//   - The clock goes further: that is a correction, and the new time is used as
//     it is. What was skipped is not made up for, what comes again runs again.
//
// The limits are those of cron's source, by which exactly three hours forward are
// a correction and exactly three hours back are not. A clock that arrives in the
// middle of a minute has begun that minute (Liberia, 1972). What cron cannot say
// follows the nearest thing it can: six fields obey the same loop ticking in
// seconds, and a second that is plain 0 is the five-field expression.
//
// @every has its slots at the multiples of the interval since the Unix epoch,
// and so the same ones on every machine and after every restart; no clock is
// involved, and no zone. @at has one slot.
//
// # How it works
//
// Parse fills bit masks, one bit a value (calendar). Next searches the calendar
// on the wall clock as if that were UTC, which is pure integer arithmetic, and
// then walks the segments of the zone's history, the stretches of time in which
// nobody touches the clock: a match on the wall is an instant of the segment in
// which it lies (next.go). Only at the seams do the rules above need a look. A
// segment is looked up once and kept in the schedule until another is asked for.
//
// # What it promises
//
// Next is exact for instants from 1970 to 2199, strictly increasing, and ends: an
// expression that never matches (30 February) is an error of Parse, and no date
// that exists is more than 40 years away. Slots are whole milliseconds. Slots
// depend on the expression, the zone and the seed, and on nothing else: not on
// the machine, its zone or the time of the call. The tz database is part
// of the build, so that two hosts with different zone files compute the same
// slots. When governments change their minds, it is wrong until the program is
// built with a newer one; PreferHost reads the machine's instead.
//
// The tests hold all this to a model of cron's main loop that shares no code with
// the package: a tenth of all changes of the clock since 1970 in every zone each
// time, and with -schedule.long all of them and a million random cases.
package schedule
