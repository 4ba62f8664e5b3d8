package schedule_test

import (
	"fmt"
	"time"

	"fibercrons/app/schedule"
)

func ExampleParse() {
	berlin, err := schedule.LoadLocation("Europe/Berlin")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := schedule.Parse("30 9 * * MON-FRI", schedule.Options{Location: berlin})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Describe())
	if next, ok := s.Next(time.Date(2026, 3, 27, 12, 0, 0, 0, time.UTC)); ok {
		fmt.Println(next)
	}
	// Output:
	// At 09:30 on Monday to Friday, Europe/Berlin
	// 2026-03-30 09:30:00 +0200 CEST
}

func ExampleParse_error() {
	for _, expr := range []string{"60 * * * *", "0 9 * * MON-FIR", "* * * *", "@evry 5m", "0 0 30 2 *"} {
		_, err := schedule.Parse(expr, schedule.Options{})
		fmt.Println(err)
	}
	// Output:
	// minute 60 is out of range 0-59; did you mean 0?
	// day of week "MON-FIR": unknown day "FIR"; did you mean FRI?
	// "* * * *" has 4 fields, not 5 (minute, hour, day of month, month, day of week): day of week is missing; did you mean * * * * *?
	// unknown macro "@evry"; did you mean @every 5m?
	// the expression never fires: there is no day of month 30 in February; L is the last day of a month
}

// H spreads jobs that are to run at night over the night.
func ExampleParse_hash() {
	for _, job := range []string{"backup", "invoices", "vacuum"} {
		s, err := schedule.Parse("H H(1-4) * * *", schedule.Options{Seed: job})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-8s %s  %s\n", job, s, s.Describe())
	}
	// Output:
	// backup   H H(1-4) * * *  At 01:38 every day
	// invoices H H(1-4) * * *  At 03:10 every day
	// vacuum   H H(1-4) * * *  At 02:07 every day
}

func ExampleSchedule_Between() {
	s, err := schedule.Parse("0 0 L * *", schedule.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	year := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
	for t := range s.Between(year, year.AddDate(0, 4, 0)) {
		fmt.Println(t.Format(time.DateOnly))
	}
	// Output:
	// 2028-01-31
	// 2028-02-29
	// 2028-03-31
	// 2028-04-30
}

func ExampleSchedule_Notes() {
	s, err := schedule.Parse("TZ=America/New_York 30 2 * * *", schedule.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, note := range s.Notes(from, from.AddDate(1, 0, 0)) {
		fmt.Println(note)
	}
	// Output:
	// 02:30 does not exist on Sunday 8 March 2026 in America/New_York, when the clock goes forward from 02:00 to 03:00: the job runs at 03:00 instead.
}

// Two jobs whose schedules have one Key can share one trigger.
func ExampleSchedule_Key() {
	a, _ := schedule.Parse("0 9 * * MON-FRI", schedule.Options{Seed: "report"})
	b, _ := schedule.Parse("0 0 9 ? * 1,2,3,4,5", schedule.Options{Seed: "digest"})
	fmt.Println(a.Key() == b.Key())
	// Output: true
}

func ExampleLoadLocation() {
	_, err := schedule.LoadLocation("Berlin")
	fmt.Println(err)
	// Output: unknown time zone "Berlin"; did you mean Europe/Berlin?
}
