package cron_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
)

// level is a text of its own, by methods of the pointer for reading.
type level int

func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level-%d", int(l)), nil }

func (l *level) UnmarshalText(text []byte) error {
	if string(text) == "level-13" {
		return errors.New("there is no thirteenth")
	}
	_, err := fmt.Sscanf(string(text), "level-%d", (*int)(l))
	return err
}

// tree has itself below it.
type tree struct {
	Name  string
	Wait  time.Duration
	Below []*tree `json:",omitempty"`
}

type Common struct {
	Trace string `json:"trace"`
	Wait  time.Duration
}

type Shadowed struct {
	Name string
	Both int
}

type other struct {
	Both  int
	Third *time.Duration `json:"third"`
}

type (
	raw    []byte
	byname map[string]time.Duration
)

// wide is whatever encoding/json writes and reads again.
type wide struct {
	Common
	*Shadowed
	other
	Named    Common `json:"named"`
	IDs      []uuid.UUID
	ID       uuid.UUID
	Maybe    *uuid.UUID
	Addrs    []netip.Addr
	Addr     netip.Addr
	Prefix   *netip.Prefix
	Ports    map[netip.Addr][]uint16
	Numbered map[int]string
	ByLevel  map[level]bool
	Level    level
	Levels   []*level
	Bytes    []byte
	Raw      raw
	Array    [3]byte
	Big      *big.Int
	Value    big.Int
	Rate     *big.Float
	Message  json.RawMessage
	Number   json.Number
	Any      any
	Anys     map[string]any
	Lists    [][]string
	Twice    **int
	Text     *string
	Quoted   int64     `json:",string"`
	QuotedP  *bool     `json:"quoted_p,string"`
	Empty    string    `json:",omitempty"`
	Zero     time.Time `json:",omitzero"`
	Since    time.Time
	Until    *time.Time
	Timeout  time.Duration
	Pauses   []time.Duration
	Pause    *time.Duration
	ByName   map[string]time.Duration
	ByNames  []byname
	Deep     struct {
		Inner []struct{ Every time.Duration }
	}
	Days   [2]time.Duration
	Month  time.Month
	Tree   tree
	Trees  map[string]*tree
	Pair   pair
	Pairs  []pair
	Small  int8
	Float  float32
	Code   rune
	Name   string
	Odd    bool `json:"a/b~c d"`
	Dash   int  `json:"-,"` //nolint:staticcheck // a minus is the name
	hidden int  //nolint:unused // it is no argument
}

// some returns a value of t with something in most of it.
func some(r *rand.Rand, t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	set := func(x any) reflect.Value { v.Set(reflect.ValueOf(x).Convert(t)); return v }
	switch t {
	case reflect.TypeFor[time.Time]():
		return set(time.Unix(r.Int64N(4e9), r.Int64N(1e9)).UTC())
	case reflect.TypeFor[netip.Addr]():
		return set(netip.AddrFrom4([4]byte{byte(r.IntN(256)), 0, 0, byte(r.IntN(256))}))
	case reflect.TypeFor[netip.Prefix]():
		return set(netip.PrefixFrom(netip.AddrFrom4([4]byte{10}), r.IntN(33)))
	case reflect.TypeFor[big.Int]():
		return set(*new(big.Int).Lsh(big.NewInt(r.Int64()), 70))
	case reflect.TypeFor[big.Float]():
		return set(*big.NewFloat(float64(r.IntN(1000)) / 4))
	case reflect.TypeFor[json.RawMessage]():
		return set(json.RawMessage([]string{`{"a":[1,"b"]}`, `null`, `"x"`, `12345678901234567890`}[r.IntN(4)]))
	case reflect.TypeFor[json.Number]():
		return set(json.Number([]string{"1", "-2.5", "12345678901234567890"}[r.IntN(3)]))
	case reflect.TypeFor[time.Duration]():
		return set(time.Duration([]int64{0, 1, int64(5 * time.Minute), -int64(time.Hour), math.MaxInt64, math.MinInt64, r.Int64()}[r.IntN(7)]))
	case reflect.TypeFor[level]():
		return set(r.IntN(10))
	case reflect.TypeFor[pair]():
		return set(pair{r.IntN(9), r.IntN(9)})
	}
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(r.Int64() >> (64 - t.Bits() + r.IntN(t.Bits())))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(r.Uint64() >> (64 - t.Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(float32(r.NormFloat64())))
	case reflect.String:
		v.SetString([]string{"", "x", "ä<&>\"\\", "5m", "null"}[r.IntN(5)])
	case reflect.Interface:
		if x := []any{nil, "x", 1.5, true, []any{"a"}, map[string]any{"a": nil}}[r.IntN(6)]; x != nil {
			v.Set(reflect.ValueOf(x))
		}
	case reflect.Pointer:
		if depth < 6 && r.IntN(4) > 0 {
			v.Set(reflect.New(t.Elem()))
			v.Elem().Set(some(r, t.Elem(), depth+1))
		}
	case reflect.Slice:
		for range r.IntN(4) {
			if depth < 6 {
				v = reflect.Append(v, some(r, t.Elem(), depth+1))
			}
		}
	case reflect.Array:
		for i := range t.Len() {
			v.Index(i).Set(some(r, t.Elem(), depth+1))
		}
	case reflect.Map:
		if depth < 6 && r.IntN(4) > 0 {
			v.Set(reflect.MakeMap(t))
			for range r.IntN(3) {
				v.SetMapIndex(some(r, t.Key(), depth+1), some(r, t.Elem(), depth+1))
			}
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				v.Field(i).Set(some(r, f.Type, depth+1))
			}
		}
	default:
	}
	return v
}

func someWide(r *rand.Rand) wide {
	w := some(r, reflect.TypeFor[wide](), 0).Interface().(wide)
	if r.IntN(2) == 0 {
		w.third(time.Duration(r.Int64()))
	}
	return w
}

func (w *wide) third(d time.Duration) { w.other.Third = &d }

// viaJSON is what encoding/json makes of given over defaults that are zero.
func viaJSON(t *testing.T, w wide) (out wide) {
	t.Helper()
	text, err := json.Marshal(&w)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%v of %s", err, text)
	}
	return out
}

// argued registers a job with the defaults, and returns what it makes of arguments.
func argued[T any](t *testing.T, defaults T) func(given string) (T, json.RawMessage, error) {
	t.Helper()
	r := cron.NewRegistry()
	var got T
	r.Register("job", "@yearly", func(ctx context.Context) error {
		got = cron.ArgsFrom[T](ctx)
		var again T // what the run tells as JSON is Go's
		if err := json.Unmarshal(cron.RunFrom(ctx).Args(), &again); err != nil || !reflect.DeepEqual(got, again) {
			return fmt.Errorf("the run tells %s: %w", cron.RunFrom(ctx).Args(), err)
		}
		return nil
	}, cron.Args(defaults))
	return func(given string) (T, json.RawMessage, error) {
		got = *new(T)
		out := run(t, r, "job", crontest.Args(json.RawMessage(given)))
		return got, out.Args, out.Err
	}
}

// What encoding/json writes is taken, as given arguments and as defaults, and comes out as it does there. What was
// recorded is taken again, and says the same.
func TestArgsRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	zero := argued(t, wide{})
	for i := range 150 {
		w := someWide(r)
		given, err := json.Marshal(&w)
		if err != nil {
			t.Fatal(err)
		}
		want := viaJSON(t, w)
		got, kept, err := zero(string(given))
		if err != nil || !same(t, got, want) {
			t.Fatalf("seed %d, %d: given %s\nerror %v\n got %s\nwant %s", seed, i, given, err, text(t, &got), text(t, &want))
		}
		again, kept2, err := zero(string(kept))
		if err != nil || !same(t, again, want) || !bytes.Equal(kept, kept2) {
			t.Fatalf("seed %d, %d: kept %s\nerror %v, then kept %s", seed, i, kept, err, kept2)
		}
		if i%10 == 0 {
			got, _, err := argued(t, w)("")
			if err != nil || !same(t, got, want) {
				t.Fatalf("seed %d, %d: as defaults %s\nerror %v\n got %s", seed, i, given, err, text(t, &got))
			}
		}
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// same compares by JSON: a raw message may differ in its spaces and an empty list from none only there, too.
func same(t *testing.T, a, b wide) bool {
	t.Helper()
	x, y := text(t, &a), text(t, &b)
	return x == y && reflect.DeepEqual(a.Timeout, b.Timeout) && reflect.DeepEqual(a.Tree, b.Tree) && reflect.DeepEqual(a.ByNames, b.ByNames)
}

func TestArgsOfManyTypes(t *testing.T) {
	minutes := 5 * time.Minute
	id := uuid.MustParse("11111111-2222-3333-4444-555555555555")
	take := argued(t, wide{Timeout: time.Hour, Small: 1, Level: 2, Big: big.NewInt(7), Shadowed: &Shadowed{Name: "inner"}})
	for _, tt := range []struct {
		given string
		want  func(w *wide)
		kept  string // a part of what is recorded
	}{
		{``, func(*wide) {}, `"Timeout":"1h"`},
		{`{"Timeout":"5m"}`, func(w *wide) { w.Timeout = minutes }, `"Timeout":"5m"`},
		{`{"Timeout":300000000000}`, func(w *wide) { w.Timeout = minutes }, `"Timeout":"5m"`},
		{`{"Pauses":["5m",1,"-1h30m"]}`, func(w *wide) { w.Pauses = []time.Duration{minutes, 1, -90 * time.Minute} }, `"Pauses":["5m","1ns","-1h30m"]`},
		{`{"Pause":"5m"}`, func(w *wide) { w.Pause = &minutes }, `"Pause":"5m"`},
		{`{"Pause":null}`, func(*wide) {}, `"Pause":null`},
		{`{"ByName":{"a":"5m"}}`, func(w *wide) { w.ByName = map[string]time.Duration{"a": minutes} }, `{"a":"5m"}`},
		{`{"ByNames":[{"a":"5m"},null]}`, func(w *wide) { w.ByNames = []byname{{"a": minutes}, nil} }, `[{"a":"5m"},null]`},
		{`{"Deep":{"Inner":[{"Every":"5m"}]}}`, func(w *wide) { w.Deep.Inner = []struct{ Every time.Duration }{{minutes}} }, `{"Inner":[{"Every":"5m"}]}`},
		{`{"Days":["5m"]}`, func(w *wide) { w.Days[0] = minutes }, `["5m","0s"]`},
		{`{"Wait":"5m","trace":"x"}`, func(w *wide) { w.Common = Common{"x", minutes} }, `"Wait":"5m"`},
		{`{"named":{"Wait":"5m"}}`, func(w *wide) { w.Named.Wait = minutes }, `"named":{"Wait":"5m","trace":""}`},
		{`{"third":"5m"}`, func(w *wide) { w.third(minutes) }, `"third":"5m"`},
		{`{"Tree":{"Wait":"5m"}}`, func(w *wide) { w.Tree.Wait = minutes }, `"Wait":"5m"`},
		{`{"Tree":{"Below":[{"Name":"x","Below":[{"Name":"y"}]}]}}`, func(w *wide) { w.Tree.Below = []*tree{{Name: "x", Below: []*tree{{Name: "y"}}}} }, `"y"`},
		{`{"IDs":["11111111-2222-3333-4444-555555555555"],"Maybe":"11111111-2222-3333-4444-555555555555"}`, func(w *wide) { w.IDs, w.Maybe = []uuid.UUID{id}, &id }, id.String()},
		{`{"Addrs":["::1","10.0.0.1"]}`, func(w *wide) { w.Addrs = []netip.Addr{netip.IPv6Loopback(), netip.MustParseAddr("10.0.0.1")} }, `["::1","10.0.0.1"]`},
		{`{"Ports":{"10.0.0.1":[80]}}`, func(w *wide) { w.Ports = map[netip.Addr][]uint16{netip.MustParseAddr("10.0.0.1"): {80}} }, `{"10.0.0.1":[80]}`},
		{`{"Numbered":{"-7":"x"}}`, func(w *wide) { w.Numbered = map[int]string{-7: "x"} }, `{"-7":"x"}`},
		{`{"ByLevel":{"level-3":true}}`, func(w *wide) { w.ByLevel = map[level]bool{3: true} }, `{"level-3":true}`},
		{`{"Bytes":"aGk=","Raw":"aGk="}`, func(w *wide) { w.Bytes, w.Raw = []byte("hi"), raw("hi") }, `"aGk="`},
		{`{"Array":[1]}`, func(w *wide) { w.Array = [3]byte{1} }, `[1,0,0]`},
		{`{"Big":123456789012345678901234567890}`, func(w *wide) { w.Big, _ = new(big.Int).SetString("123456789012345678901234567890", 10) }, `123456789012345678901234567890`},
		{`{"Big":null}`, func(w *wide) { w.Big = nil }, `"Big":null`},
		{`{"Message":{"a":[1]}}`, func(w *wide) { w.Message = json.RawMessage(`{"a":[1]}`) }, `{"a":[1]}`},
		{`{"Number":12.50}`, func(w *wide) { w.Number = "12.50" }, `12.50`},
		{`{"Anys":{"a":{"b":[null]}}}`, func(w *wide) { w.Anys = map[string]any{"a": map[string]any{"b": []any{nil}}} }, `{"b":[null]}`},
		{`{"Quoted":"-5","quoted_p":"true"}`, func(w *wide) { w.Quoted, w.QuotedP = -5, new(true) }, `"Quoted":"-5"`},
		{`{"Zero":"2027-01-01T00:00:00Z"}`, func(w *wide) { w.Zero = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }, `"Zero"`},
		{`{"Twice":7}`, func(w *wide) { w.Twice = new(new(7)) }, `"Twice":7`},
		{`{"Pairs":[{"l":1,"r":2}]}`, func(w *wide) { w.Pairs = []pair{{1, 2}} }, `{"l":1,"r":2}`},
		{`{"-":3}`, func(w *wide) { w.Dash = 3 }, `"-":3`},
		{`{"Name":"outer"}`, func(w *wide) { w.Name = "outer" }, `"outer"`},
	} {
		want := wide{Timeout: time.Hour, Small: 1, Level: 2, Big: big.NewInt(7), Shadowed: &Shadowed{}}
		tt.want(&want)
		want = viaJSON(t, want)
		got, kept, err := take(tt.given)
		if err != nil || !same(t, got, want) || !strings.Contains(string(kept), tt.kept) {
			t.Errorf("%s: error %v\n got %s\nwant %s\nkept %s", tt.given, err, text(t, &got), text(t, &want), kept)
		}
	}
}

func TestArgsOfManyTypesAreRefusedByName(t *testing.T) {
	take := argued(t, wide{})
	for given, want := range map[string][]cron.FieldError{
		`{"Timeout":"5 minutes"}`:            {{Field: "/Timeout", Detail: `"5 minutes" is not a duration such as 1h30m`}},
		`{"Timeout":true}`:                   {{Field: "/Timeout", Detail: "a JSON boolean where the type must be string or integer"}},
		`{"Timeout":1.5}`:                    {{Field: "/Timeout", Detail: "a JSON number 1.5 where the type must be time.Duration"}},
		`{"Pauses":["1m","x"]}`:              {{Field: "/Pauses/1", Detail: `"x" is not a duration such as 1h30m`}},
		`{"Deep":{"Inner":[{"Every":"x"}]}}`: {{Field: "/Deep/Inner/0/Every", Detail: `"x" is not a duration such as 1h30m`}},
		`{"ByName":{"a":"x"}}`:               {{Field: "/ByName/a", Detail: `"x" is not a duration such as 1h30m`}},
		`{"Bytes":"?"}`:                      {{Field: "/Bytes", Detail: `"?" is not base64 (RFC 4648)`}},
		`{"Bytes":[1]}`:                      {{Field: "/Bytes", Detail: "a JSON array where the type must be string"}},
		`{"Array":[1,2,3,4]}`:                {{Field: "/Array", Detail: "the list has 4 items, the maximum is 3"}},
		`{"IDs":["11111111-2222-3333-4444-555555555555","x"]}`: {{Field: "/IDs/1", Detail: "invalid UUID length: 1"}},
		`{"ID":7}`: {{Field: "/ID", Detail: "a JSON number where the type must be string"}},
		`{"Levels":[null,"level-13"],"Level":"level-13"}`: {{Field: "/Level", Detail: "there is no thirteenth"}, {Field: "/Levels/1", Detail: "there is no thirteenth"}},
		`{"ByLevel":{"level-13":true}}`:                   {{Field: "/ByLevel/level-13", Detail: "there is no thirteenth"}},
		`{"Addr":"1.2.3"}`:                                {{Field: "/Addr", Detail: `ParseAddr("1.2.3"): IPv4 address too short`}},
		`{"Big":"7"}`:                                     {{Field: "/Big", Detail: "a JSON string where the type must be integer"}},
		`{"Quoted":5}`:                                    {{Field: "/Quoted", Detail: "a JSON number where the type must be string"}},
		`{"Tree":{"Below":[{"Nam":"x"}]}}`:                {{Field: "/Tree/Below/0/Nam", Detail: `unknown field "Nam"`}},
		`{"hidden":1}`:                                    {{Field: "/hidden", Detail: "the job has no such argument"}},
		`{"Both":1}`:                                      {{Field: "/Both", Detail: "the job has no such argument"}},
		`{"Common":{}}`:                                   {{Field: "/Common", Detail: "the job has no such argument"}},
		`{"Small":300}`:                                   {{Field: "/Small", Detail: "a JSON number 300 where the type must be int8"}},
		`{"Lists":[["a"],[1]]}`:                           {{Field: "/Lists/1/0", Detail: "a JSON number where the type must be string"}},
	} {
		_, _, err := take(given)
		var refused *cron.ArgsError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", given, err)
			continue
		}
		for i := range refused.Fields { // of which the job has many, some alike
			refused.Fields[i].Detail, _, _ = strings.Cut(refused.Fields[i].Detail, "; did you mean")
		}
		if !reflect.DeepEqual(refused.Fields, want) {
			t.Errorf("%s:\n got %v\nwant %v", given, refused.Fields, want)
		}
	}
}

// What has no JSON is a mistake of the registration.
func TestArgsWithoutJSON(t *testing.T) {
	for _, option := range []cron.Option{
		cron.Args(struct{ C chan int }{}), cron.Args(struct{ F func() }{}), cron.Args(struct{ F float64 }{math.NaN()}),
		cron.Args(struct{ time.Time }{}), cron.Args(struct{ M map[struct{}]int }{}),
	} {
		r := cron.NewRegistry()
		r.Register("job", "@yearly", bubble.Nothing, option)
		if _, err := r.Jobs(bubble.Defaults); err == nil || !strings.Contains(err.Error(), "JSON") {
			t.Errorf("%v", err)
		}
	}
}

// FuzzArgs gives a job anything: it is refused, or recorded in a way that is taken again and says the same.
func FuzzArgs(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"Timeout":"5m","Pauses":[1,"1s"]}`, `{"IDs":["x"]}`, `{"Tree":{"Below":[{"Wait":1}]}}`, `{"Message":{"a":1},"Any":[{}]}`,
		`{"Big":1e3}`, `{"Bytes":"aGk="}`, `{"ByNames":[{"a":"5m"},null]}`, `{"Ports":{"::1":[1]}}`, `{"Number":"1"}`, `{"Quoted":"1"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		take := argued(t, wide{})
		got, kept, err := take(given)
		if refused := (*cron.ArgsError)(nil); errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", given, err)
		}
		again, kept2, err := take(string(kept))
		if err != nil || text(t, &got) != text(t, &again) || !bytes.Equal(kept, kept2) {
			t.Fatalf("%s is kept as %s: %v, then as %s", given, kept, err, kept2)
		}
	})
}
