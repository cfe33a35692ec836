// Package identifier makes personal identifiers (email addresses, phone numbers, names, places, dates of birth, device
// ids) into what an ad platform matches people by: normalised as the platform asks, then hashed.
//
// A Spec says it in data, so that a destination's manifest can name it:
//
//	identifier: {kind: meta.ph, country: US}
//	identifier: {kind: email, normalize: [trim, lower, email], hash: sha1}
//
// Three rules hold for each of them:
//
//   - Nothing that could not be normalised is hashed. A phone number that no numbering plan knows is an error about the
//     row, since its hash would match nobody and nobody would ever learn why.
//   - A value that is a hash already is never hashed again. One of another algorithm is an error that names it.
//   - Where a hash is asked for, plain text never leaves: the result is a hash, null, or an error.
//
// No error tells the value it is about.
package identifier
