// Package blob keeps objects in a local folder or in S3, Google Cloud Storage or Azure Blob Storage. Every
// object belongs to a workspace and is sealed with that workspace's key before it leaves the process.
//
// No object of ours is empty, since a seal has a length. So an entry of a listing without a size is no object:
// stores with a hierarchical namespace list their directories that way.
package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
	"github.com/minio/sio"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob" // azblob://
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/gcsblob" // gs://
	_ "gocloud.dev/blob/s3blob"  // s3://
)

// Bucket is where objects are kept.
type Bucket struct {
	bucket  *blob.Bucket
	key     *secret.Key
	place   Place // nil for one that was opened by its URL
	options Options
	release func() error // ends what the bucket's client holds; nil where that is nothing
	hands   bool         // the client takes a reader: closing its writer after a failure can panic (Azure's)
}

// Open opens the storage at a URL such as s3://bucket?prefix=prod/ or file:///var/lib/millrace/objects. An
// empty URL is the folder objects in home.
func Open(ctx context.Context, address, home string, key *secret.Key) (*Bucket, error) {
	b, err := open(ctx, address, home)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "opening the storage")
	}
	return &Bucket{bucket: b, key: key, hands: strings.HasPrefix(address, azureblob.Scheme+"://")}, nil
}

// OpenPlace opens a place that people configured. It does not use the network; Probe does.
func OpenPlace(ctx context.Context, p Place, o Options, key *secret.Key) (*Bucket, error) {
	b := &Bucket{key: key, place: p, options: o}
	opened, release, err := p.open(ctx, o)
	if err != nil {
		return nil, b.fault(err, other, "opening the storage")
	}
	if prefix := p.prefix(); prefix != "" {
		opened = blob.PrefixedBucket(opened, prefix)
	}
	_, b.hands = p.(Azure)
	b.bucket, b.release = opened, release
	return b, nil
}

func open(ctx context.Context, address, home string) (*blob.Bucket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the storage's URL cannot be read")
	}
	if address != "" && u.Scheme != "file" {
		return blob.OpenBucket(ctx, address)
	}
	dir := u.Path
	if address == "" {
		dir = filepath.Join(home, "objects")
	}
	return fileblob.OpenBucket(dir, &fileblob.Options{
		CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite,
	})
}

// Close ends the connection.
func (b *Bucket) Close() error {
	err := b.bucket.Close()
	if b.release != nil {
		err = errors.Join(err, b.release())
	}
	return err
}

// Check reads from the storage, for the readiness probe.
func (b *Bucket) Check(ctx context.Context) error {
	if _, err := b.bucket.Exists(ctx, "w/0/ready"); err != nil {
		return b.fault(err, reading, "reaching the storage")
	}
	return nil
}

// object is the name of a workspace's object. Listing and deleting always go by such a prefix.
func object(workspaceID int64, key string) string { return fmt.Sprintf("w/%d/%s", workspaceID, key) }

func (b *Bucket) sealing(workspaceID int64) (sio.Config, error) {
	key, err := b.key.Derive(fmt.Sprintf("storage of workspace %d", workspaceID))
	return sio.Config{Key: key, MinVersion: sio.Version20}, err
}

// preamble stands before the content of every object, within the seal: the form's version, and what makes an
// empty object's seal something that can be checked.
var preamble = []byte{1}

// Upload seals a local file and stores it. The object exists when Upload returns nil, and only then.
func (b *Bucket) Upload(ctx context.Context, workspaceID int64, key, localPath string) (err error) {
	f, err := os.Open(localPath) //nolint:gosec // a path of our own
	if err != nil {
		return fault.Wrap(err, fault.CodeStorage, "reading %s", filepath.Base(localPath))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return b.put(ctx, workspaceID, key, f)
}

func (b *Bucket) put(ctx context.Context, workspaceID int64, key string, content io.Reader) error {
	config, err := b.sealing(workspaceID)
	if err != nil {
		return err
	}
	sealed, err := sio.EncryptReader(io.MultiReader(bytes.NewReader(preamble), content), config)
	if err != nil {
		return fault.Wrap(err, fault.CodeSecret, "sealing %s", key)
	}
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	if b.hands {
		return b.hand(ctx, workspaceID, key, &abortingReader{sealed, abort, nil})
	}
	w, err := b.bucket.NewWriter(ctx, object(workspaceID, key), &blob.WriterOptions{ContentType: contentType})
	if err != nil {
		return b.fault(err, writing, "storing "+key)
	}
	if _, err := io.CopyBuffer(w, sealed, make([]byte, copyBytes)); err != nil {
		abort() // closing a writer whose context ended discards the object
		return errors.Join(b.fault(err, writing, "storing "+key), ignore(w.Close()))
	}
	if err := w.Close(); err != nil {
		return b.fault(err, writing, "storing "+key)
	}
	return nil
}

const (
	copyBytes   = 1 << 20
	contentType = "application/octet-stream"
)

// hand gives the client the content to read. The object exists when hand returns nil, and only then.
func (b *Bucket) hand(ctx context.Context, workspaceID int64, key string, content *abortingReader) error {
	err := b.bucket.Upload(ctx, object(workspaceID, key), content, &blob.WriterOptions{ContentType: contentType})
	if content.err != nil {
		err = content.err
	}
	if err != nil {
		return b.fault(err, writing, "storing "+key)
	}
	return nil
}

// abortingReader ends the upload of a content that cannot be read to its end, so that no part of it is stored.
type abortingReader struct {
	io.Reader

	abort context.CancelFunc
	err   error
}

func (r *abortingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
		r.abort()
	}
	return n, err
}

// ignore drops the error of undoing something that failed already.
func ignore(error) error { return nil }

// Download opens an object and writes it to a local file, which appears only when it is whole.
func (b *Bucket) Download(ctx context.Context, workspaceID int64, key, localPath string) (err error) {
	part := localPath + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return b.fault(err, other, "writing "+filepath.Base(localPath))
	}
	err = b.read(ctx, workspaceID, key, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, localPath)
}

func (b *Bucket) read(ctx context.Context, workspaceID int64, key string, to io.Writer) error {
	r, err := b.bucket.NewReader(ctx, object(workspaceID, key), nil)
	if err != nil {
		return b.fault(err, reading, "reading "+key)
	}
	config, err := b.sealing(workspaceID)
	if err != nil {
		return errors.Join(err, r.Close())
	}
	plain, err := sio.DecryptReader(r, config)
	if err != nil {
		return errors.Join(fault.Wrap(err, fault.CodeSecret, "opening %s", key), r.Close())
	}
	first := make([]byte, len(preamble))
	if _, err := io.ReadFull(plain, first); err != nil {
		return errors.Join(b.fault(err, reading, "reading "+key), r.Close())
	}
	if !bytes.Equal(first, preamble) {
		return errors.Join(fault.New(fault.CodeStorage, "%s was stored by a newer version", key), r.Close())
	}
	if _, err := io.CopyBuffer(to, plain, make([]byte, copyBytes)); err != nil {
		return errors.Join(b.fault(err, reading, "reading "+key), r.Close())
	}
	return r.Close()
}

// List returns the keys below a prefix, in order. The prefix is empty or names a folder: a listing always goes by a
// folder of the workspace, which is all that a policy may allow.
func (b *Bucket) List(ctx context.Context, workspaceID int64, prefix string) ([]string, error) {
	var keys []string
	root := object(workspaceID, "")
	it := b.bucket.List(&blob.ListOptions{Prefix: object(workspaceID, folderOf(prefix))})
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return keys, nil
		}
		if err != nil {
			return nil, b.fault(err, listing, "listing "+prefix)
		}
		if !o.IsDir && o.Size > 0 {
			keys = append(keys, strings.TrimPrefix(o.Key, root))
		}
	}
}

// DeletePrefix removes every object below a prefix, which must not be empty and names a folder.
func (b *Bucket) DeletePrefix(ctx context.Context, workspaceID int64, prefix string) error {
	if folderOf(prefix) == "" {
		return fault.New(fault.CodeInternal, "deleting without a prefix")
	}
	keys, err := b.List(ctx, workspaceID, prefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := b.delete(ctx, workspaceID, key); err != nil {
			return err
		}
	}
	return nil
}

// delete removes an object; one that is gone already is no error.
func (b *Bucket) delete(ctx context.Context, workspaceID int64, key string) error {
	err := b.bucket.Delete(ctx, object(workspaceID, key))
	if err == nil || codeOf(err) == fault.CodeNotFound {
		return nil
	}
	return b.fault(err, deleting, "deleting "+key)
}
