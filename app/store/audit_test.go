package store_test

import (
	"context"
	"testing"
	"time"

	"fibercrons/app/contract"
)

func TestAudit(t *testing.T) {
	s, ctx := open(t, file(t)), context.Background()
	at := time.UnixMilli(1_000_000).UTC()
	for _, e := range []contract.AuditEntry{
		{At: at, Actor: "ann", Action: "pause", Target: "a", Before: []byte(`{"paused":false}`), After: []byte(`{"paused":true}`), Origin: "::1", RequestID: "r1"},
		{At: at, Actor: "bob", Action: "run", Target: "b"},
		{At: at, Actor: "ann", Action: "resume", Target: "a"},
	} {
		if err := s.Audit(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Audits(ctx, "", 0, 10)
	if err != nil || len(all) != 3 || all[0].Action != "resume" {
		t.Fatalf("all: %+v, %v", all, err)
	}
	some, err := s.Audits(ctx, "a", all[0].ID, 10)
	if err != nil || len(some) != 1 {
		t.Fatalf("some: %+v, %v", some, err)
	}
	e := some[0]
	if e.Actor != "ann" || !e.At.Equal(at) || string(e.After) != `{"paused":true}` || e.Origin != "::1" || e.RequestID != "r1" {
		t.Errorf("entry %+v", e)
	}
}
