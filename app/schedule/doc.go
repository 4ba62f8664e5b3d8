// Package schedule turns a cron expression into slots, the instants at which a job is due. It depends on no other
// package of this module.
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
// Values are seconds and minutes 0-59, hours 0-23, days of the month 1-31, months 1-12 or JAN-DEC, days of the week 0-7
// or SUN-SAT, where 0 and 7 are Sunday. Letters may be in either case. A range whose end is before its start wraps
// around: FRI-MON, 22-4. A step counts from the start of the range; 5/10 runs from 5 to the end of the field (SAT for a
// day of the week). A step is at most the number of values in the field: */90 minutes is an error.
//
//	?      the same as *, for Quartz users
//	L      the last day of the month; L-3 the third day before it; LW and L-3W
//	       the weekday nearest those
//	15W    the weekday (Monday to Friday) nearest the 15th in the same month;
//	       none in a month without that day. W alone is every weekday
//	5L     the last Friday of the month; 5#2 the second
//	H      a value hashed from Seed, the job's name, so that many jobs do not all
//	       start at once: H is one value of the field (of day of month, 1 to 28),
//	       H(0-7) one of a range, H/15 every 15th from one of the first 15, as in Jenkins
//
// The grammar is that of crontab(5) with the common extensions of Quartz, Jenkins and robfig/cron. Where they differ,
// crontab(5) applies: Sunday is 0, five fields have no seconds, and days follow the day rule.
//
// # Rules
//
// The day rule: if day of month and day of week are both restricted, a day that matches either one matches; otherwise a
// day must match both. A field is restricted unless it begins with * or ?, so "0 0 */2 * MON" is every Monday with an
// odd date (crontab(5), and DOM_STAR and DOW_STAR in cron's source). H is restricted.
//
// Daylight saving works as in Debian's cron 3.0pl1. A job is a wildcard job if its hour or minute begins with *, and a
// fixed-time job otherwise. H counts as fixed; seconds do not matter.
//
//   - The clock goes forward by less than three hours: a fixed-time job that is due in the gap runs once, at the first
//     instant after it. (Cron runs it once for each of its times in the gap, all at that instant, which is one slot.) A
//     wildcard job does not run in the gap.
//   - The clock goes back by up to three hours: a fixed-time job runs only the first time that the clock shows its
//     time. A wildcard job follows elapsed time and runs both times.
//   - The clock moves further: that is a correction, and the new time applies at once. Skipped times are not caught up,
//     and repeated times run again.
//
// The limits come from cron's source: exactly three hours forward is a correction, exactly three hours back is not. If
// the clock lands in the middle of a minute, that minute has begun (Liberia, 1972). Six fields follow the same loop in
// seconds; if their second is 0 they equal the five-field expression.
//
// The slots of @every are the multiples of the interval since the Unix epoch, so they are the same on every machine and
// after every restart, in every zone. @at has one slot.
//
// # How it works
//
// Parse fills bit masks, one bit per value (calendar). Next searches the calendar in wall time, then walks the segments
// of the zone's history, in which the UTC offset is constant, to find the instant of the match (next.go). The
// daylight-saving rules apply only at segment boundaries. A schedule caches the segment it last used.
//
// # What it promises
//
// Next is exact for instants from 1970 to 2199, strictly increasing, and always returns: Parse refuses an expression
// that never matches (30 February), and no existing date is more than 40 years away. Slots are whole milliseconds. They
// depend only on the expression, the zone and the seed, not on the machine, its zone or the time of the call. The tz
// database is part of the build, so hosts with different zone files compute the same slots. New rules for a zone need a
// rebuild; PreferHost reads the machine's files instead.
//
// The tests compare all this with a model of cron's main loop that shares no code with the package: a tenth of all
// clock changes since 1970 in every zone, and with -schedule.long all of them and a million random cases.
package schedule
