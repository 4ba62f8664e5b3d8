package site_test

import (
	"testing"

	"fibercrons/app/internal/webtest"
)

func TestMain(m *testing.M) { webtest.Main(m) }
