package env_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"fibercrons/app/env"
)

func TestSecretNeverPrints(t *testing.T) {
	const planted = "hunter2-hunter2-hunter2"
	c, _, err := load(map[string]string{"CRON_OPERATOR_TOKEN": planted, "CRON_VIEWER_TOKEN": planted + "2"})
	if err != nil {
		t.Fatal(err)
	}
	s := c.OperatorToken
	if s.Reveal() != planted || !s.IsSet() || env.Secret("").IsSet() {
		t.Errorf("Reveal gives %q, IsSet %v", s.Reveal(), s.IsSet())
	}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%5.3s", "%t", "%U"} {
		for _, value := range []any{s, &s, c, &c, []env.Secret{s}, map[string]env.Secret{"k": s}, map[env.Secret]int{s: 1}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	fmt.Fprintln(&out, s, fmt.Errorf("token %w", errors.New(s.String())))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("start", "token", s, "config", c, "pointer", &c, slog.Group("g", "token", s))
	}
	for _, value := range []any{s, c, map[string]env.Secret{"k": s}} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	text, err := xml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)

	shown := strings.ToLower(out.String())
	for _, form := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprint([]byte("hunter2"))} {
		if strings.Contains(shown, strings.Trim(form, "[]")) {
			t.Errorf("printed the secret as %s in\n%s", form, shown)
		}
	}
	if !strings.Contains(shown, "[hidden]") {
		t.Error("nothing says [hidden]: the test has printed nothing")
	}
}
