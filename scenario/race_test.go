//go:build race

package scenario

// raced is set if the race detector runs, which makes a scenario take twenty times
// as long.
const raced = true
