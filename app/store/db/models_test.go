package db_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/internal/testdb"
	"fibercrons/app/store/db"
	"fibercrons/app/store/row"
)

type bill struct {
	ID    string `gorm:"primaryKey;size:64"`
	Cents int64
	Paid  row.Millis
}

type customer struct {
	ID   int64 `gorm:"primaryKey"`
	Name string
}

func TestMigrationsOfModels(t *testing.T) {
	testdb.OnAll(t, func(t *testing.T, _, url string) {
		var runs atomic.Int64
		list := []row.Migration{
			{ID: "bills", Up: func(tx *gorm.DB) error { runs.Add(1); return tx.AutoMigrate(&bill{}) }},
			{ID: "a first bill", Up: func(tx *gorm.DB) error {
				return tx.Transaction(func(tx *gorm.DB) error { return tx.Create(&bill{ID: "b1", Cents: 5}).Error })
			}},
			{ID: "a note", Up: func(tx *gorm.DB) error { return tx.Exec("ALTER TABLE bills ADD COLUMN note VARCHAR(20)").Error }},
			{ID: "again", Up: func(tx *gorm.DB) error { return tx.AutoMigrate(&bill{}, &customer{}) }},
		}
		with := func(list []row.Migration) (*db.Database, error) {
			return db.Open(context.Background(), db.Options{URL: url, RetryFor: time.Minute, Migrations: list})
		}
		opened := make(chan error)
		for range 3 { // at once
			go func() {
				s, err := with(list)
				if err == nil {
					err = s.Close()
				}
				opened <- err
			}()
		}
		for range 3 {
			if err := <-opened; err != nil {
				t.Fatal(err)
			}
		}
		if n := runs.Load(); n != 1 {
			t.Errorf("it ran %d times", n)
		}
		// One is removed, the others change places, and a new one comes first and fails.
		broken := errors.New("no such luck")
		next := []row.Migration{
			{ID: "broken", Up: func(tx *gorm.DB) error {
				if err := tx.Create(&bill{ID: "b2"}).Error; err != nil {
					return err
				}
				return broken
			}},
			list[2], list[0],
		}
		if _, err := with(next); !errors.Is(err, broken) || !strings.Contains(err.Error(), `"broken"`) {
			t.Errorf("open: %v", err)
		}
		look, err := db.Open(t.Context(), db.Options{URL: url, ReadOnly: true, Migrations: next})
		if err != nil {
			t.Fatal(err)
		}
		applied, pending, err := look.Models(t.Context())
		if err != nil || len(applied) != 4 || !slices.Equal(pending, []string{"broken"}) {
			t.Errorf("applied %v, pending %v, %v", applied, pending, err)
		}
		look.Close()
		next[0].Up = func(tx *gorm.DB) error {
			if !tx.Migrator().HasTable(&customer{}) || !tx.Migrator().HasColumn(&bill{}, "note") {
				t.Error("the tables are not seen")
			}
			return tx.Create(&customer{ID: 1, Name: "ann"}).Error
		}
		s, err := with(next)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var bills, customers int64
		if err := errors.Join(s.Users().Model(&bill{}).Count(&bills).Error, s.Users().Model(&customer{}).Count(&customers).Error); err != nil || bills != 1 || customers != 1 {
			t.Errorf("%d bills, %d customers, %v", bills, customers, err)
		}
	})
}

func TestMistakesInMigrationsOfModels(t *testing.T) {
	up := func(*gorm.DB) error { return nil }
	path := testdb.File(t)
	_, err := db.Open(t.Context(), db.Options{URL: "sqlite://" + path, Migrations: []row.Migration{{ID: "a", Up: up}, {ID: "", Up: up}, {ID: "a", Up: up}, {ID: "b", Up: nil}}})
	for _, want := range []string{"migration 2 needs an ID", `migrations 1 and 3 have the same ID "a"`, `"b" has no function Up`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}
