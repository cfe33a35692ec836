package model

import (
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/resource/resourcetest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	resourcetest.Golden(t, Kind(connector.New(nil, nil)), "testdata/golden.json")
}
