// Package reply writes responses: JSON with its ETag, and errors as problems (RFC 9457).
//
// Nothing that a response holds is obeyed by a browser or a terminal: JSON escapes what they would act on, and
// [Secure] forbids the rest. An error that was not written for the caller becomes a bare 500; see [ProblemOf].
//
// # Files, in reading order
//
//	problem.go   errors, and the one place that writes them
//	json.go      everything else
//	version.go   ETags of what can be edited
package reply
