// Package outgoing makes the program's own calls to other machines: webhooks, pings, mail. It prevents a chosen address
// from reaching what only this machine can reach (SSRF).
//
// # How it works
//
// [Client] returns an http.Client, and [DialContext] a function that dials for other protocols. Both check an address
// in the dialer's control function, after the name was resolved and before the first packet. DNS rebinding and
// redirects therefore cannot bypass the check. An address must be public by [Public], or allowed by an entry of
// [Options].Allow:
//
//	hooks.internal        a host, whatever it resolves to
//	hooks.internal:8443   only this port of it
//	10.0.0.5, [::1]:8080  an address, or a port of it
//	10.0.0.0/8            a range
//
// Any other entry allows nothing. If a name has several addresses, those that are not allowed are skipped.
//
// # What it promises
//
//   - A request, with redirects and response, ends within Options.Timeout.
//   - At most Options.MaxBody of a response is read; [Body] returns that part.
//   - At most three redirects are followed, never from https to http. To another host it sends neither a body nor
//     headers that may hold a secret. A redirect that would drop the body is an error.
//   - A proxy ([Options].Proxy) is used for http and https, never for mail (SMTP), and may have any address. It
//     resolves names itself: only addresses and loopback names in the URL are checked before, other names are the
//     proxy's to refuse. Direct calls, such as those in NO_PROXY, are checked as usual.
//   - An error of [Do] names the host, but never path, query or user of the URL, where services keep their secrets. An
//     error of http.Client.Do contains the URL: pass it through [Clean].
package outgoing
