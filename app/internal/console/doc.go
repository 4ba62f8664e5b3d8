// Package console is what the server and the CLI share in front of a person's terminal: log lines
// in the format that fits where they go, whether somebody looks, how wide the window is, and text
// that stays text.
//
// A job's name is checked, but its errors, log lines, arguments and descriptions are whatever the
// job, or somebody who may trigger it, made them. On a terminal an escape code in them could hide a
// line, retitle the window or paste a command, so whatever did not come from this program's own
// source goes through [Inert] (for tables and sentences) or [JSON] (for JSON) before it is shown.
package console
