package env_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app/env"
)

func TestProxies(t *testing.T) {
	type vars = map[string]string
	for _, test := range []struct {
		name, file string
		env        vars
		want       env.Proxy
	}{
		{"none", "", vars{}, env.Proxy{}},
		{"upper case", "", vars{"HTTPS_PROXY": "http://a:1", "HTTP_PROXY": "b:2", "NO_PROXY": ".c"}, env.Proxy{HTTPS: "http://a:1", HTTP: "b:2", Except: ".c"}},
		{"lower case", "", vars{"https_proxy": "http://a:1", "http_proxy": "socks5://b", "no_proxy": "*"}, env.Proxy{HTTPS: "http://a:1", HTTP: "socks5://b", Except: "*"}},
		{"both", "", vars{"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}, env.Proxy{HTTPS: "http://b:1"}},
		{"upper case and empty", "", vars{"https_proxy": "http://a:1", "HTTPS_PROXY": ""}, env.Proxy{HTTPS: "http://a:1"}},
		{"the file", "https_proxy=http://me:pass@a:1\nNO_PROXY=.c\n", vars{}, env.Proxy{HTTPS: "http://me:pass@a:1", Except: ".c"}},
		{"the environment before the file", "HTTPS_PROXY=http://a:1\n", vars{"https_proxy": "http://b:1"}, env.Proxy{HTTPS: "http://b:1"}},
		{"CGI", "", vars{"HTTP_PROXY": "http://a:1", "REQUEST_METHOD": "GET"}, env.Proxy{HTTP: "http://a:1", CGI: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), ".env")
			if err := os.WriteFile(file, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, _, err := env.Load(env.Env(test.env), env.File(file))
			if err != nil || cfg.Proxy != test.want {
				t.Errorf("got %q %q %q %v, want %q %q %q (%v)", cfg.Proxy.HTTPS.Reveal(), cfg.Proxy.HTTP.Reveal(), cfg.Proxy.Except, cfg.Proxy.CGI,
					test.want.HTTPS.Reveal(), test.want.HTTP.Reveal(), test.want.Except, err)
			}
		})
	}
	for _, wrong := range []string{"http://", "ftp://me:hunter2@a:1", "http://me:hunter2@a:99999", "http://me:hunter2@a b:1", "http://me:hun/ter2@a:1", "://hunter2", "a:0"} {
		for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY"} {
			_, _, err := env.Load(env.Env(vars{strings.ToLower(name): wrong}), env.File(""))
			if err == nil || !strings.Contains(err.Error(), name+"=[hidden]: not the URL of a proxy; set it to the URL of a proxy such as http://proxy.internal:3128") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s=%s: %v", name, wrong, err)
			}
		}
	}
}
