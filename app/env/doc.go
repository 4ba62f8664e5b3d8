// Package env reads the settings of a program from its environment into one typed value, [Config]. No other package
// reads the environment.
//
// # How it works
//
// [Fill] reads the file .env if there is one, overrides it with the real environment, and fills the fields of Config,
// and of a user's struct that embeds it, by their struct tags ([Load] is for Config alone, and [New] for one that a
// program fills in by itself):
//
//	env         the variable
//	envDefault  its default; none means empty
//	want        what a valid value is; it becomes the remedy "set it to ..."
//	about       what the variable is for; it becomes the comment in .env.example
//	secret      "true" if the value must never be shown; a field of type [Secret] is secret without it
//
// These tags are the only description of a variable: [Variables] lists them, and a test writes .env.example from them
// (go test ./config -update) and fails if the two differ.
//
// An empty value counts as not set, so NAME= in the real environment overrides a line of .env with the default. White
// space around a value is dropped. The real environment wins over .env.
//
// # What it promises
//
// All mistakes come back together, in an [*Error] with one line each: variable, value and remedy. This package never
// prints a secret: a [Secret] shows as [hidden] in any format, and of a database server's URL only the scheme is shown.
// An unknown CRON_ variable is only a warning, because it may belong to a newer version of the program. A broken .env
// is a mistake that names the line; nothing else is checked then, because the rest of the file is unknown.
//
// OpenTelemetry's variables (OTEL_...) are passed on unchanged, from the environment and from .env: [Config].OTel.
//
// A Config does not change after Load: there is no reload, no setter and no package variable.
//
// # Files, in reading order
//
//	load.go new.go                                 Load, Fill and New: the steps, in their order
//	config.go alerts.go proxy.go                   the settings
//	values.go database.go secret.go                types of their values
//	source.go dotenv.go statement.go               what is read: the environment, .env and its statements
//	raw.go variable.go fields.go fill.go           values as text; variables; the fields of a struct; filling them
//	checker.go check.go executor.go redis.go       rules; those of alerts and proxies are beside their settings
//	host.go nearest.go                             hosts and networks; the nearest name to a misspelt one
//	error.go setting.go                            what comes back: mistakes; settings in force
package env
