package sqltable

import (
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
)

// Settings become limits, and what is out of reach is not asked of a server.
//
// Req: SY-39
func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		settings          Batching
		rows, concurrency int
		pause             time.Duration
	}{
		{Batching{BatchSize: 500, Parallel: 4, Pause: 20}, 500, 4, 20 * time.Millisecond},
		{Batching{}, 1, 1, 0},
		{Batching{BatchSize: 10, Parallel: 99}, 10, MaxParallel, 0},
	} {
		l := c.settings.Limits()
		if l.Rows != c.rows || l.Concurrency != c.concurrency || l.Pause != c.pause || !l.Split || l.Bytes != maxBatchBytes {
			t.Errorf("%+v: %+v", c.settings, l)
		}
	}
}

// Rows that are only added are sent again nowhere, unless receipts say that they were not taken.
//
// Req: SY-39
func TestPromise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode     connector.Mode
		receipts bool
		want     connector.Idempotency
	}{
		{connector.ModeUpsert, false, connector.Idempotent},
		{connector.ModeUpdate, false, connector.Idempotent},
		{connector.ModeInsert, false, connector.NotIdempotent},
		{connector.ModeInsert, true, connector.Transactional},
		{connector.ModeUpsert, true, connector.Transactional},
	} {
		if got := Promise(connector.SyncJob{Mode: c.mode}, c.receipts); got != c.want {
			t.Errorf("%s, receipts %v: %s, want %s", c.mode, c.receipts, got, c.want)
		}
	}
}
