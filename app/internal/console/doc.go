// Package console is the terminal code that the server and the CLI share: log lines in a format for their destination,
// terminal detection and width, signals, and text without escape codes.
//
// A job's name is checked, but its errors, log lines, arguments and descriptions may have any content. On a terminal an
// escape code could hide a line, retitle the window or paste a command. So text from outside this program's source goes
// through [Inert] (for tables and sentences) or [JSON] before it is shown.
package console
