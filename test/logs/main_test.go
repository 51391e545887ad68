// Package logs rotates, follows and loses nothing of what programs log, with the
// real binary and real programs.
package logs

import (
	"testing"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, nil) }
