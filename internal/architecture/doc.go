// Package architecture holds the rules of the source tree, as tests with their reasons.
package architecture
