package access

// DummyHash is for tests.
const DummyHash = dummyHash
