// Package file turns the rows of a run into files: names from a template, five formats, compression,
// encryption, splitting, and publication all at once when the run is finished. Destinations that
// keep files (a local folder, Amazon S3) share it and supply only a Place.
//
// A session is deferred (DESIGN 5.9): rows go to private, encrypted staging files, and nothing is
// visible under a final name before Finish.
package file
