package containertest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/ZPascal/container-manager/test/testenv"
)

// Root returns a tar archive of this machine's distribution, with nothing but the given
// packages. It is kept.
func Root(ctx context.Context, packages string, say func(format string, args ...any)) (archive string, err error) {
	d, err := thisDistribution()
	if err != nil {
		return "", err
	}
	from, err := sources()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, d, packages)
	for _, file := range from {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(hash, file, string(text))
	}
	return testenv.Cache("root-"+hex.EncodeToString(hash.Sum(nil)[:8]), say, func(path string) error {
		return debootstrap(ctx, path, d, from, "--include="+packages)
	})
}
