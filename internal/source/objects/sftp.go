package objects

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sftpserver"
	"github.com/millrace/millrace/internal/fault"
	"github.com/pkg/sftp"
)

// SFTP describes the source of files on an SFTP server (S-34).
func SFTP() connector.SourceInfo {
	info := connector.SourceInfo{
		Slug: "sftp", Name: "SFTP", Category: "file", Summary: "CSV files on an SFTP server",
		Fields:  sftpserver.Fields("A user who may read the files."),
		Methods: []string{"file"}, Engines: []string{connector.EngineBasic},
		Files: &connector.FileRules{Extensions: sftpExtensions},
	}
	info.Open = func(o connector.SourceOptions) (connector.Source, error) {
		s := &sftpServer{Server: sftpserver.Server{Network: o.Network, Codes: sftpCodes}}
		if err := o.Settings.Decode(&s.Server); err != nil {
			return nil, err
		}
		if err := s.Prepare(); err != nil {
			return nil, err
		}
		return newSource(info, s, o.Dir), nil
	}
	return info
}

var sftpCodes = sftpserver.Codes{
	Unreachable: fault.CodeSourceUnreachable, Auth: fault.CodeSourceAuth, Denied: fault.CodeSourceDenied, File: fault.CodeSourceFile,
}

// sftpServer is a server that is reached over SSH. Every reading has a connection of its own, which ends with it.
type sftpServer struct{ sftpserver.Server }

var _ store = (*sftpServer)(nil)

func (s *sftpServer) close() error { return nil }

func (s *sftpServer) test(ctx context.Context) error {
	client, done, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, err = client.Getwd()
	return s.Fault(err, "asking for the folder")
}

// maxFolders is how many folders are looked through for files to choose from.
const maxFolders = 200

// list goes through the folders below the one that the prefix names. Links to folders are not followed.
func (s *sftpServer) list(ctx context.Context, prefix string) iter.Seq2[connector.FileEntry, error] {
	return func(yield func(connector.FileEntry, error) bool) {
		client, done, err := s.Connect(ctx)
		if err != nil {
			yield(connector.FileEntry{}, err)
			return
		}
		defer done()
		dir, _ := path.Split(prefix)
		w := walk{server: s, client: client, prefix: prefix, left: maxFolders}
		w.folder(ctx, dir, yield)
	}
}

// walk is a way through the folders of a server.
type walk struct {
	server *sftpServer
	client *sftp.Client
	prefix string
	left   int // folders that may still be looked into
}

// folder yields the files of a folder and of those within; dir is empty or ends in a slash. It reports whether more
// are wanted.
func (w *walk) folder(ctx context.Context, dir string, yield func(connector.FileEntry, error) bool) bool {
	if w.left--; w.left < 0 {
		return yield(connector.FileEntry{}, errTooMany)
	}
	entries, err := w.client.ReadDirContext(ctx, path.Clean(dir))
	if err != nil {
		if dir != w.root() && errors.Is(err, fs.ErrPermission) {
			return true // a folder of somebody else
		}
		return yield(connector.FileEntry{}, w.server.Fault(err, "listing the folder "+path.Clean(dir)))
	}
	slices.SortFunc(entries, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if !w.entry(ctx, dir, e, yield) {
			return false
		}
	}
	return true
}

func (w *walk) root() string {
	dir, _ := path.Split(w.prefix)
	return dir
}

func (w *walk) entry(ctx context.Context, dir string, e fs.FileInfo, yield func(connector.FileEntry, error) bool) bool {
	name := dir + e.Name()
	if e.Mode()&fs.ModeSymlink != 0 {
		target, err := w.client.Stat(name)
		if err != nil || target.IsDir() {
			return true
		}
		e = target
	}
	switch {
	case e.IsDir() && (strings.HasPrefix(name, w.prefix) || strings.HasPrefix(w.prefix, name+"/")):
		return w.folder(ctx, name+"/", yield)
	case e.Mode().IsRegular() && strings.HasPrefix(name, w.prefix):
		return yield(connector.FileEntry{Path: name, Size: e.Size(), Modified: e.ModTime().UTC()}, nil)
	default:
		return true
	}
}

func (s *sftpServer) open(ctx context.Context, name string) (io.ReadCloser, error) {
	client, done, err := s.Connect(ctx)
	if err != nil {
		return nil, err
	}
	f, info, err := openRegular(client, name)
	if err != nil {
		done()
		return nil, s.Fault(err, "reading "+name)
	}
	return &body{ReadCloser: closing{f, done}, want: info.Size(), path: name, network: s.Network}, nil
}

func openRegular(client *sftp.Client, name string) (*sftp.File, fs.FileInfo, error) {
	info, err := client.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fault.New(fault.CodeSourceFile, "it is no file").WithSuggestion("Choose a file.")
	}
	f, err := client.Open(name)
	return f, info, err
}

// closing ends the connection with the file.
type closing struct {
	*sftp.File

	done func()
}

// Close ends the connection.
func (c closing) Close() error {
	c.done()
	return nil
}
