// Package env reads the settings of a program from its environment into one typed value, [Config]. No other package
// reads the environment.
//
// # How it works
//
// [Fill] reads the file .env when there is one, lays the real environment over it, and fills the fields of Config,
// and of a struct of the user's that embeds it, by their struct tags ([Load] is for Config alone):
//
//	env         the variable
//	envDefault  its default; none means empty
//	want        what a good value is; it becomes the remedy "set it to ..."
//	about       what the variable is for; it becomes the comment in .env.example
//	secret      "true" where the value must never be shown; a field of type [Secret] is secret without it
//
// Those tags are the one place where a variable is described: [Variables] lists them, and a test writes
// .env.example from them (go test ./config -update) and fails when the two differ.
//
// Rules that hold for every variable: an empty value counts as not set, so NAME= in the real environment takes a
// line of .env back to the default; white space around a value is dropped; the real environment wins over .env.
//
// # What it promises
//
// All mistakes come back together, in an [*Error] of several lines, each with the variable, its value and a
// remedy. No secret is in them, nor in anything else this package prints: a [Secret] shows as [hidden] however it
// is printed, and of a database server's URL only the scheme is ever repeated. A misspelt CRON_ variable is not a mistake but
// a warning, because it may belong to a newer version of the program. A broken .env is a mistake that names
// the line; then nothing else is checked, as nobody knows what the rest of the file was meant to say.
//
// OpenTelemetry's variables (OTEL_...) are handed on as they are, from the environment and from .env: [Config].OTel.
//
// A Config does not change after Load: there is no reload, no setter and no package variable.
package env
