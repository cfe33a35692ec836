package run

// NoteDeleted is noteDeleted for tests, which have no documents.
var NoteDeleted = (*Store).noteDeleted
