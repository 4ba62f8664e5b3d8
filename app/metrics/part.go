package metrics

import "fibercrons/app/part"

func init() {
	part.Meters.Register("metrics", func(s part.Setup, jobs []string) part.Meter {
		return New(Options{Jobs: jobs, Version: s.Version})
	})
}
