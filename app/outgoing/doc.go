// Package outgoing is how the program itself calls other machines: webhooks, pings, mail. It keeps
// whoever chose an address from reaching what only this machine can reach.
//
// # How it works
//
// [Client] returns an http.Client, and [DialContext] a function that dials for other protocols.
// Both look at an address at the last moment, in the dialer's control function, after the name was
// resolved and before the first packet: a name that resolves to something else the second time
// (DNS rebinding) gains nothing, nor does a redirect. An address must be public by [Public], or be
// allowed by an entry of [Options].Allow:
//
//	hooks.internal        a host, whatever it resolves to
//	hooks.internal:8443   this port of it only
//	10.0.0.5, [::1]:8080  an address, or a port of it
//	10.0.0.0/8            a range
//
// An entry that is none of these allows nothing. Of several addresses of a name those that are not
// allowed are passed over.
//
// # What it promises
//
//   - A whole exchange, redirects and answer included, ends within Options.Timeout.
//   - An answer is read no further than Options.MaxBody; [Body] takes what is there.
//   - At most three redirects are followed, never from https to http. To another host go neither a
//     body nor headers that may hold a secret; a redirect that would drop the body is an error, since
//     what was sent would not have arrived.
//   - Through a proxy ([Options].Proxy) go http and https, and never mail (SMTP). The proxy itself may have
//     any address. It resolves names, out of sight of the rule: an address or a loopback name as the host
//     of a URL is looked at before the proxy is asked, other names are the proxy's to refuse. What is
//     called directly, such as what NO_PROXY lists, is looked at as ever.
//   - An error of [Do] names the host, and never path, query or user of the URL, which are where
//     services keep their secrets. An error of http.Client.Do itself holds the URL: pass it through
//     [Clean].
package outgoing
