// Package blob keeps objects in a local folder or in S3, Google Cloud Storage or Azure Blob Storage. Every
// object belongs to a workspace and is sealed with that workspace's key before it leaves the process.
package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/secret"
	"github.com/minio/sio"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/gcsblob" // gs://
	_ "gocloud.dev/blob/s3blob"  // s3://
	"gocloud.dev/gcerrors"
)

// Bucket is where objects are kept.
type Bucket struct {
	bucket *blob.Bucket
	key    *secret.Key
}

// Open opens the storage at a URL such as s3://bucket?prefix=prod/ or file:///var/lib/millrace/objects. An
// empty URL is the folder objects in home.
func Open(ctx context.Context, address, home string, key *secret.Key) (*Bucket, error) {
	b, err := open(ctx, address, home)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeConfig, "opening the storage")
	}
	return &Bucket{bucket: b, key: key}, nil
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
func (b *Bucket) Close() error { return b.bucket.Close() }

// Check reads from the storage, for the readiness probe.
func (b *Bucket) Check(ctx context.Context) error {
	if _, err := b.bucket.Exists(ctx, "w/0/ready"); err != nil {
		return b.fault(err, "reaching the storage")
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
	config, err := b.sealing(workspaceID)
	if err != nil {
		return err
	}
	sealed, err := sio.EncryptReader(io.MultiReader(bytes.NewReader(preamble), f), config)
	if err != nil {
		return fault.Wrap(err, fault.CodeSecret, "sealing %s", key)
	}
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	w, err := b.bucket.NewWriter(ctx, object(workspaceID, key), &blob.WriterOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return b.fault(err, "storing "+key)
	}
	if _, err := io.CopyBuffer(w, sealed, make([]byte, copyBytes)); err != nil {
		abort() // closing a writer whose context ended discards the object
		return errors.Join(b.fault(err, "storing "+key), ignore(w.Close()))
	}
	if err := w.Close(); err != nil {
		return b.fault(err, "storing "+key)
	}
	return nil
}

const copyBytes = 1 << 20

// ignore drops the error of undoing something that failed already.
func ignore(error) error { return nil }

// Download opens an object and writes it to a local file, which appears only when it is whole.
func (b *Bucket) Download(ctx context.Context, workspaceID int64, key, localPath string) (err error) {
	part := localPath + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return b.fault(err, "writing "+filepath.Base(localPath))
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
		return b.fault(err, "reading "+key)
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
		return errors.Join(b.fault(err, "reading "+key), r.Close())
	}
	if !bytes.Equal(first, preamble) {
		return errors.Join(fault.New(fault.CodeStorage, "%s was stored by a newer version", key), r.Close())
	}
	if _, err := io.CopyBuffer(to, plain, make([]byte, copyBytes)); err != nil {
		return errors.Join(b.fault(err, "reading "+key), r.Close())
	}
	return r.Close()
}

// List returns the keys below a prefix, in order.
func (b *Bucket) List(ctx context.Context, workspaceID int64, prefix string) ([]string, error) {
	var keys []string
	root := object(workspaceID, "")
	it := b.bucket.List(&blob.ListOptions{Prefix: object(workspaceID, prefix)})
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return keys, nil
		}
		if err != nil {
			return nil, b.fault(err, "listing "+prefix)
		}
		if !o.IsDir {
			keys = append(keys, strings.TrimPrefix(o.Key, root))
		}
	}
}

// DeletePrefix removes every object below a prefix, which must not be empty.
func (b *Bucket) DeletePrefix(ctx context.Context, workspaceID int64, prefix string) error {
	if prefix == "" {
		return fault.New(fault.CodeInternal, "deleting without a prefix")
	}
	keys, err := b.List(ctx, workspaceID, prefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		err := b.bucket.Delete(ctx, object(workspaceID, key))
		if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return b.fault(err, "deleting "+key)
		}
	}
	return nil
}

// fault gives a storage error its code.
func (b *Bucket) fault(err error, doing string) error {
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound || errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.CodeNotFound, "%s: there is no such object", doing)
	case errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), syscall.ENOSPC.Error()):
		return fault.Wrap(err, fault.CodeDiskFull, "%s", doing)
	default:
		return fault.Wrap(err, fault.CodeStorage, "%s", doing)
	}
}
