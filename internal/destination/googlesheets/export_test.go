package googlesheets

import (
	"time"

	"github.com/millrace/millrace/internal/connector"
)

// SetLimits makes spreadsheets small, and waits short.
func SetLimits(d connector.Destination, cells int, wait time.Duration) {
	a := d.(*destination).api
	a.maxCells, a.wait = cells, wait
}
