package sqltable

import (
	"time"

	"github.com/millrace/millrace/internal/connector"
)

// MaxParallel is how many batches of one sync a server gets at a time, at most.
const MaxParallel = 16

// maxBatchBytes bounds the memory of a batch: rows may be wide.
const maxBatchBytes = 16 << 20

// Batching are the settings of a sync that say how its rows are brought.
type Batching struct {
	BatchSize float64 `json:"batchSize"`
	Parallel  float64 `json:"parallel"`
	Pause     float64 `json:"pause"` // milliseconds
}

// Limits are those of the settings. A batch that the server does not take, for one of its rows or for its size, is
// halved.
func (b Batching) Limits() connector.Limits {
	return connector.Limits{
		Rows: max(int(b.BatchSize), 1), Bytes: maxBatchBytes, Concurrency: min(max(int(b.Parallel), 1), MaxParallel),
		Pause: time.Duration(b.Pause) * time.Millisecond, Split: true,
	}
}

// Promise says what a second sending of a batch does, where receipts say whether it was taken, or are not kept.
func Promise(job connector.SyncJob, receipts bool) connector.Idempotency {
	switch {
	case receipts:
		return connector.Transactional
	case job.Mode == connector.ModeInsert:
		return connector.NotIdempotent
	default:
		return connector.Idempotent
	}
}
