package objects

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// The files that are read. SFTP servers keep CSV files alone (S-75).
var (
	extensions     = []string{".csv", ".json", ".parquet"}
	sftpExtensions = []string{".csv"}
)

func extension(name string) string { return strings.ToLower(path.Ext(name)) }

// choose returns the path of the file that a model reads.
func (s *source) choose(ctx context.Context, f connector.File) (string, error) {
	if f.Newest {
		return s.newest(ctx, f.Path)
	}
	switch {
	case strings.Contains(f.Path, "://"):
		return "", fault.New(fault.CodeSourceFile, "%s is an address: a model names the path of a file", f.Path).
			WithSuggestion("Write the path without the name of the bucket or server, such as exports/people.csv.")
	case strings.Trim(f.Path, "/") == "":
		return "", fault.New(fault.CodeSourceFile, "the model names no file").WithSuggestion("Choose a file, such as exports/people.csv.")
	case !s.info.Files.Readable(f.Path):
		return "", fault.New(fault.CodeSourceFile, "%s has none of the extensions %s", f.Path, strings.Join(s.info.Files.Extensions, ", ")).
			WithSuggestion("Choose a file whose name ends in %s.", strings.Join(s.info.Files.Extensions, " or "))
	}
	return f.Path, nil
}

// newest returns the file with the prefix that was changed last; of several of one moment, the last by its path (S-78).
func (s *source) newest(ctx context.Context, prefix string) (string, error) {
	if !s.info.Files.Newest {
		return "", fault.New(fault.CodeSourceFile, "%s has no newest file: a model names one", s.info.Name).WithSuggestion("Choose a file.")
	}
	var found connector.FileEntry
	for f, err := range s.store.list(ctx, prefix) {
		if err != nil {
			return "", err
		}
		if s.info.Files.Readable(f.Path) && !f.Modified.Before(found.Modified) {
			found = f
		}
	}
	if found.Path == "" {
		return "", fault.New(fault.CodeSourceFile, "there is no file to read whose path begins with %q", prefix).
			WithSuggestion("Check the prefix. Files with the extensions %s count.", strings.Join(s.info.Files.Extensions, ", "))
	}
	return found.Path, nil
}

// errTooMany ends a list that would take too long.
var errTooMany = errors.New("there are too many folders")

// ListFiles lists files to choose from.
func (s *source) ListFiles(ctx context.Context, prefix string, limit int) ([]connector.FileEntry, bool, error) {
	files := []connector.FileEntry{}
	for f, err := range s.store.list(ctx, prefix) {
		switch {
		case errors.Is(err, errTooMany):
			return files, true, nil
		case err != nil:
			return nil, false, stopped(ctx, err)
		case !s.info.Files.Readable(f.Path):
		case len(files) == limit:
			return files, true, nil
		default:
			files = append(files, f)
		}
	}
	return files, false, nil
}
