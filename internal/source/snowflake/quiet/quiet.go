// Package quiet switches off what the Snowflake driver does behind our back as soon as it is loaded: it would write a
// native library to a temporary folder and run it, and ask the cloud's metadata address who we are, past every network
// policy (https://github.com/snowflakedb/gosnowflake/blob/v1.19.1/doc.go, platform_detection.go, minicore.go).
//
// The driver reads these variables in its own initialization. Go initializes packages in the order of their import
// paths as far as their imports allow (https://go.dev/doc/go1.21#language), and this one needs nothing but the
// standard library, so that it comes first.
package quiet

import "os"

func init() {
	for _, name := range []string{"SF_DISABLE_MINICORE", "SNOWFLAKE_DISABLE_PLATFORM_DETECTION"} {
		_ = os.Setenv(name, "true") //nolint:errcheck // a name without = and NUL can be set
	}
}

// Done reports whether the driver was kept quiet.
func Done() bool {
	return os.Getenv("SF_DISABLE_MINICORE") == "true" && os.Getenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION") == "true"
}
