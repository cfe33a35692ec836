package connector

import "context"

// Results is an empty folder in a bucket of the workspace that a warehouse may write the files of one result into. Who asks
// for the result removes them afterwards. Whoever may read the bucket can read them.
type Results struct {
	Provider string // blob.ProviderS3 or blob.ProviderGCS
	Bucket   string
	Prefix   string // of the files' names, with a slash at its end
	Region   string // of a bucket of S3
	Endpoint string // of another store than the provider's own; empty means the provider's

	// Grant returns temporary credentials of S3 for this folder alone. It fails where the workspace's may not make any.
	Grant func(ctx context.Context) (Grant, error)
	// Files reads what was written.
	Files ResultFiles
	// Dir is a local folder for files on their way.
	Dir string
}

// Grant are temporary credentials of S3.
type Grant struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// ResultFiles are the files of a Results.
type ResultFiles interface {
	// List returns the names of the files, within the folder.
	List(ctx context.Context) ([]string, error)
	// Fetch writes a file to a local path.
	Fetch(ctx context.Context, name, localPath string) error
}

// URL is where the warehouse writes, as warehouses name it.
func (r *Results) URL(scheme string) string { return scheme + "://" + r.Bucket + "/" + r.Prefix }
