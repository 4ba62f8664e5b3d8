package memo_test

import (
	"errors"
	"strconv"
	"testing"

	"fibercrons/app/internal/memo"
)

func TestMemoComputesOnce(t *testing.T) {
	computed := 0
	m := memo.New(func(key string) (string, error) {
		computed++
		return key + "!", nil
	})
	for range 3 {
		if v, err := m.Get("a"); v != "a!" || err != nil {
			t.Errorf("%q %v", v, err)
		}
	}
	if computed != 1 {
		t.Errorf("computed %d times", computed)
	}
	for i := range 1000 { // it forgets, and goes on
		if v, _ := m.Get(strconv.Itoa(i)); v != strconv.Itoa(i)+"!" {
			t.Error(v)
		}
	}
}

func TestMemoKeepsNoErrors(t *testing.T) {
	fail := true
	m := memo.New(func(string) (int, error) {
		if fail {
			return 0, errors.New("away")
		}
		return 1, nil
	})
	if _, err := m.Get("a"); err == nil {
		t.Error("no error")
	}
	fail = false
	if v, err := m.Get("a"); v != 1 || err != nil {
		t.Errorf("%d %v", v, err)
	}
}
