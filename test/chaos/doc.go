// Package chaos drives the engine through random histories in which everything fails that can: workers die and come
// back, the database goes away, storage refuses or cuts what it is given, destinations throttle, break and answer
// nonsense, clocks jump. When a history has calmed down, what the engine promises must hold (docs/architecture.md, R1
// to R7 and D1 to D6).
package chaos
