package env_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"fibercrons/app/env"
)

// mine stands for a user's Local.
type mine struct {
	Key   env.Secret    `env:"MY_KEY,required" want:"the key of the shop"`
	Size  int           `env:"MY_SIZE" envDefault:"100" want:"a whole number"`
	Ratio float64       `env:"MY_RATIO"`
	Wait  time.Duration `env:"MY_WAIT" envDefault:"30s"`
	Shop  url.URL       `env:"MY_SHOP"`
	Names []string      `env:"MY_NAMES"`
	Mail  struct {
		Port int `env:"PORT" envDefault:"25"`
	} `envPrefix:"MY_MAIL_"`
	Ignored string
	Workers int `env:"MY_WORKERS"`
}

// whole has a field of its own with the name of one of mine, as Config may have.
type whole struct {
	Workers int `env:"WORKERS" envDefault:"64"`
	Mine
}

// Mine is exported because it is embedded, as Local is.
type Mine struct {
	Workers int `env:"MY_WORKERS"`
}

func TestUsersVariables(t *testing.T) {
	var m mine
	found := env.Read(&m, map[string]string{
		"MY_KEY": "hunter2", "MY_SIZE": "5", "MY_RATIO": "0.5", "MY_WAIT": "2d", "MY_SHOP": "https://shop.example/x",
		"MY_NAMES": "a,b", "MY_MAIL_PORT": "587", "Ignored": "x",
	})
	if len(found) != 0 {
		t.Fatalf("mistakes: %v", found)
	}
	if m.Key.Reveal() != "hunter2" || m.Size != 5 || m.Ratio != 0.5 || m.Wait != 48*time.Hour || m.Shop.Host != "shop.example" ||
		len(m.Names) != 2 || m.Mail.Port != 587 || m.Ignored != "" {
		t.Errorf("read %+v", m)
	}
}

func TestUsersMistakes(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"MY_KEY", "", "MY_KEY: is required and not set; set it to the key of the shop"},
		{"MY_SIZE", "big", `MY_SIZE="big": not a whole number; set it to a whole number, or remove it for the default 100`},
		{"MY_RATIO", "half", `MY_RATIO="half": not a number; correct it, or remove it`},
		{"MY_MAIL_PORT", "smtp", `MY_MAIL_PORT="smtp": not a whole number; correct it, or remove it for the default 25`},
		{"MY_SHOP", "https://me:hunter2@shop.example:port", "MY_SHOP=[hidden]: cannot be read as url.URL; correct it, or remove it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := env.Read(new(mine), map[string]string{"MY_KEY": "hunter2", test.name: test.value})
			if len(found) != 1 || found[0].String() != test.want {
				t.Errorf("got  %v\nwant %s", found, test.want)
			}
		})
	}
}

func TestFieldsOfOneName(t *testing.T) {
	var w whole
	found := env.Read(&w, map[string]string{"WORKERS": "1", "MY_WORKERS": "many"})
	if len(found) != 1 || !strings.HasPrefix(found[0].String(), `MY_WORKERS="many"`) || w.Workers != 1 {
		t.Errorf("WORKERS=%d, mistakes %v", w.Workers, found)
	}
}

func TestMistakesInTheSource(t *testing.T) {
	for _, dst := range []any{
		new(struct {
			X int `env:"X" envDefault:"many"`
		}),
		new(struct {
			X func() `env:"X" envDefault:"many"`
		}),
		new(struct {
			X int `env:"X,requird"`
		}),
	} {
		found := env.Read(dst, map[string]string{})
		if len(found) != 1 || !strings.HasPrefix(found[0].String(), "config: field X: ") {
			t.Errorf("%T: got %v", dst, found)
		}
	}
}
