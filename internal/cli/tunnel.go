package cli

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// tunnelCommand is what of tunnels is no document: how they stand, and their keys.
func tunnelCommand() *cobra.Command {
	parent := &cobra.Command{Use: "tunnel", Short: "Test tunnels and make keys for them"}
	parent.AddCommand(tunnelTestCommand(), tunnelKeyCommand())
	return parent
}

func tunnelTestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "test TUNNEL", Short: "Open a tunnel anew, and a connection through it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var result struct {
				OK    bool
				Error *APIError
			}
			if err := clientOf(cmd).Do(cmd.Context(), http.MethodPost, tunnelPath(args[0], "test"), nil, &result); err != nil {
				return err
			}
			if result.Error != nil {
				return result.Error
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the tunnel works")
			return nil
		},
	}
}

func tunnelKeyCommand() *cobra.Command {
	var now bool
	c := &cobra.Command{
		Use: "key TUNNEL", Short: "Make a new key for a tunnel", Args: cobra.ExactArgs(1),
		Long: `Makes a new key. The old one works until the new one is used, or with --now no longer.
Of a standard tunnel it prints the public key, for authorized_keys on the SSH host. Of a reverse tunnel it prints the
private key, which is not stored: send it to a file that only its owner reads.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var key struct{ PublicKey, PrivateKey string }
			if err := clientOf(cmd).Do(cmd.Context(), http.MethodPost, tunnelPath(args[0], "rotate"), map[string]bool{"immediately": now}, &key); err != nil {
				return err
			}
			if key.PrivateKey != "" {
				fmt.Fprint(cmd.OutOrStdout(), key.PrivateKey)
				return nil
			}
			fmt.Fprintln(cmd.OutOrStdout(), key.PublicKey)
			return nil
		},
	}
	c.Flags().BoolVar(&now, "now", false, "the old key stops working at once")
	return c
}

func tunnelPath(slug, what string) string { return "/api/tunnels/" + url.PathEscape(slug) + "/" + what }
