package file

import (
	"errors"
	"io"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/klauspost/compress/gzip"

	"github.com/millrace/millrace/internal/connector"
)

// part is one file being written: rows → format → gzip → PGP → staging file.
type part struct {
	name   string
	rows   int
	stage  *stageWriter
	seals  []io.Closer // innermost first: each completes its layer
	layout layout
}

// factory makes the parts of a run.
type factory struct {
	settings settings
	format   format
	keys     openpgp.EntityList
	stage    *stage
	job      connector.SyncJob
}

// gzipped says whether the whole file is compressed: Parquet is compressed inside.
func (f *factory) gzipped() bool { return f.settings.Gzip && f.settings.Format != formatParquet }

func (f *factory) contentType() string {
	switch {
	case f.keys != nil:
		return "application/pgp-encrypted"
	case f.gzipped():
		return "application/gzip"
	default:
		return f.format.contentType()
	}
}

// create starts a file.
func (f *factory) create(name string) (*part, error) {
	w, err := f.stage.create(f.contentType())
	if err != nil {
		return nil, err
	}
	p := &part{name: name, stage: w}
	top, err := f.seal(p)
	if err == nil {
		p.layout, err = f.format.layout(top)
	}
	if err != nil {
		return nil, errors.Join(storageFault(err, "starting the file %s", name), w.abandon())
	}
	return p, nil
}

// seal puts the layers around the staging file and returns the outermost.
func (f *factory) seal(p *part) (io.Writer, error) {
	var top io.Writer = p.stage
	if f.keys != nil {
		w, err := encrypter(top, f.keys, p.name, f.job.StartedAt)
		if err != nil {
			return nil, err
		}
		top, p.seals = w, append(p.seals, w)
	}
	if f.gzipped() {
		w := gzip.NewWriter(top)
		top, p.seals = w, append(p.seals, w)
	}
	return top, nil
}

func (p *part) append(c chunk, from, to int) error {
	if err := p.layout.append(c, from, to); err != nil {
		return storageFault(err, "writing the file %s", p.name)
	}
	p.rows += to - from
	return nil
}

// finish completes every layer.
func (p *part) finish() (*Staged, error) {
	err := p.layout.close()
	for _, seal := range slices.Backward(p.seals) {
		err = errors.Join(err, seal.Close())
	}
	if err != nil {
		return nil, storageFault(err, "completing the file %s", p.name)
	}
	return p.stage.finish()
}
