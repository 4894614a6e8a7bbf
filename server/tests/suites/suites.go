//go:build tools

// Package suites pins the programs that the server's tests run. `just setup-tests` builds them into .programs.
package suites

import _ "github.com/summerwind/h2spec/cmd/h2spec"
