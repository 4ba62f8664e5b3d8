package config

// Local is YOURS: the variables of your own jobs and routes. It is embedded in [Config], read in the same way and
// checked with the rest, so a mistake in one of yours is in the same list. For example:
//
//	type Local struct {
//		StripeKey  env.Secret    `env:"STRIPE_KEY,required" about:"Key with which invoices are charged."`
//		ReportSize int           `env:"REPORT_SIZE" envDefault:"100" want:"a whole number" about:"Lines in the daily report."`
//		ReportWait time.Duration `env:"REPORT_WAIT" envDefault:"30s" want:"a duration" about:"Patience with the report service."`
//	}
//
// A job finds them with config.From(ctx).ReportSize. Use [env.Secret] for whatever must not be printed. Afterwards
// go test ./config -update adds them to .env.example.
type Local struct{}
