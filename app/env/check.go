package env

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"fibercrons/app/schedule"
)

const largestRunLog = Size(1 << 30)

// A base path is segments of what may stand in a path (RFC 3986, section 3.3), but for semicolons, which end the path of
// a cookie, and for quotes and parentheses, which links have encoded. No segment is empty: what begins with two slashes
// names another server.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._~@:%!$&*+,=-]+)*$`)

// IsBasePath says whether text is empty, or a path that begins with a slash and does not end with one.
func IsBasePath(text string) bool { return basePath.MatchString(text) }

var appEnv = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// check validates the configuration, and brings AllowedHosts and Timezone into their final form. It skips rules that
// need a variable in unreadable, which was reported already.
func (s settings) check(c *Config, unreadable []Mistake) []Mistake {
	k := checker{settings: s, known: make(map[string]Variable), bad: make(map[string]bool)}
	for _, v := range s.known {
		k.known[v.Name] = v
	}
	for _, m := range unreadable {
		k.bad[m.Variable] = true
	}

	c.AllowedHosts = hostList(c.AllowedHosts)
	c.AlertAllowedHosts = hostList(c.AlertAllowedHosts)
	c.TrustedProxies = hostList(c.TrustedProxies)
	if c.Timezone != nil {
		// Parsing copied the Location, but package time recognizes UTC only by the address of time.UTC.
		c.Timezone, _ = schedule.LoadLocation(c.Timezone.String())
	}

	k.refuse(!appEnv.MatchString(c.AppEnv), "APP_ENV", "not a name in lower case", "")
	k.refuse(c.Port < 0 || c.Port > 65535, "PORT", "not a port", "")
	c.BasePath = strings.TrimRight(c.BasePath, "/")
	k.refuse(!IsBasePath(c.BasePath), "CRON_BASE_PATH", "not the path of a URL", "")
	k.refuse(c.Workers < 1, "CRON_WORKERS", "below 1", "")
	k.refuse(c.DefaultTimeout < 0, "CRON_DEFAULT_TIMEOUT", "below 0", "")
	k.refuse(c.DefaultRetries < 0, "CRON_DEFAULT_RETRIES", "below 0", "")
	k.refuse(c.DefaultRetryDelay < 0, "CRON_DEFAULT_RETRY_DELAY", "below 0", "")
	k.refuse(c.MaxRetryDelay < 0, "CRON_MAX_RETRY_DELAY", "below 0", "")
	k.refuse(c.CatchUpWindow < 0, "CRON_CATCH_UP_WINDOW", "below 0", "")
	k.refuse(c.Lease < time.Second, "CRON_LEASE", "below 1s", "")
	k.refuse(c.ShutdownGrace < 0, "CRON_SHUTDOWN_GRACE", "below 0", "")
	k.refuse(c.KeepRuns < 1, "CRON_KEEP_RUNS", "below 1", "")
	k.refuse(c.KeepFor < time.Minute, "CRON_KEEP_FOR", "below 1m", "")
	k.refuse(c.MaxRunLog > largestRunLog, "CRON_MAX_RUN_LOG", "above 1GiB", "")
	if k.good("CRON_DEFAULT_RETRY_DELAY") {
		k.refuse(c.MaxRetryDelay < c.DefaultRetryDelay, "CRON_MAX_RETRY_DELAY",
			fmt.Sprintf("shorter than CRON_DEFAULT_RETRY_DELAY, which is %s", c.DefaultRetryDelay), "raise it, or lower CRON_DEFAULT_RETRY_DELAY")
	}
	for _, target := range c.AlertAllowedHosts {
		k.refuse(!isTarget(target), "ALERT_ALLOWED_HOSTS", quoted(target)+" is not a host, an address or a range", "")
	}
	k.executor(c)
	k.redis(c)
	k.access(c)
	k.alerts(&c.Alerts)
	k.proxies(&c.Proxy)
	return k.found
}

func (k *checker) access(c *Config) {
	k.refuse(strings.ContainsAny(c.Host, "[]/"), "HOST", "more than a host", "set it to the address alone, such as 127.0.0.1 or ::1, and the port in PORT")
	k.refuse(!isHost(c.Host), "HOST", "not an IP address or hostname", "")
	for _, host := range c.AllowedHosts {
		k.refuse(!isHost(host), "CRON_ALLOWED_HOSTS", quoted(host)+" is not a hostname or IP address", "")
	}
	for _, text := range c.TrustedProxies {
		_, ok := network(text)
		k.refuse(!ok, "CRON_TRUSTED_PROXIES", quoted(text)+" is not an IP address or a range", "")
	}
	for _, token := range []struct {
		name  string
		value Secret
	}{{"CRON_OPERATOR_TOKEN", c.OperatorToken}, {"CRON_VIEWER_TOKEN", c.ViewerToken}} {
		k.refuse(token.value.IsSet() && len(token.value) < shortestToken, token.name, "shorter than 16 characters", makeToken)
		k.refuse(strings.ContainsFunc(token.value.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }),
			token.name, "holds a space or another character that cannot be sent in a header", makeToken)
	}
	k.refuse(c.ViewerToken.IsSet() && c.ViewerToken == c.OperatorToken, "CRON_VIEWER_TOKEN", "the same as CRON_OPERATOR_TOKEN, which would make every viewer an operator", makeToken)
	if k.good("CRON_AUTH") && k.good("CRON_OPERATOR_TOKEN") {
		k.refuse(!c.Loopback() && c.Auth == AuthToken && !c.OperatorToken.IsSet(), "HOST", "would serve other machines without an operator token",
			"set CRON_OPERATOR_TOKEN ("+makeToken+"), or set HOST to 127.0.0.1, or let everyone do everything with CRON_AUTH=off")
	}
}

// warnings are about valid settings that may be unintended.
func (c Config) warnings() []string {
	if c.Auth != AuthOff {
		return nil
	}
	var list []string
	if !c.Loopback() {
		list = append(list, "CRON_AUTH=off: everyone who reaches "+c.Addr()+" may start and stop jobs")
	}
	if c.OperatorToken.IsSet() || c.ViewerToken.IsSet() {
		list = append(list, "CRON_AUTH=off: the tokens are set, but not required")
	}
	return list
}

func hostList(raw []string) []string {
	var list []string
	for _, host := range raw {
		if host = strings.ToLower(strings.TrimSpace(host)); host != "" && !slices.Contains(list, host) {
			list = append(list, host)
		}
	}
	return list
}
