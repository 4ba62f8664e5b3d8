package members_test

import (
	"errors"
	"strings"
	"testing"

	"fibercrons/app/internal/members"
)

func TestRead(t *testing.T) {
	got, err := members.Read([]byte(` {"a": 1, "A": [true], "a": {"b": null}} `))
	if err != nil || len(got) != 3 || got[0].Name != "a" || string(got[1].Value) != "[true]" || got[2].Name != "a" || string(got[2].Value) != `{"b": null}` {
		t.Errorf("%v %v", got, err)
	}
	for text, want := range map[string]error{
		"":                      members.ErrNotJSON,
		"{":                     members.ErrNotJSON,
		`{"a":1}}`:              members.ErrNotJSON,
		`{"a":1} {}`:            members.ErrNotJSON,
		`{"a":1,}`:              members.ErrNotJSON,
		"[]":                    members.ErrNotObject,
		`"x"`:                   members.ErrNotObject,
		"{\"a\":\"\xff\"}":      members.ErrNotUTF8,
		`{"a":` + nested(64):    members.ErrTooDeep,
		strings.Repeat("[", 65): members.ErrTooDeep,
	} {
		if _, err := members.Read([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	if _, err := members.Read([]byte(`{"a":` + nested(63) + `}`)); err != nil {
		t.Error(err)
	}
	if _, err := members.Read([]byte(`{"a":"` + strings.Repeat("[", 100) + `\"{"}`)); err != nil {
		t.Errorf("brackets in a text: %v", err)
	}
}

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func TestPointer(t *testing.T) {
	if got := members.Pointer("a/b~c"); got != "/a~1b~0c" {
		t.Error(got)
	}
}
