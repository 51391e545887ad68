package render

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

func TestShippedSums(t *testing.T) {
	const dir = "../../files/image/logging"
	paths, err := filepath.Glob(dir + "/logrotate.d/*")
	if err != nil {
		t.Fatal(err)
	}
	paths = append(paths, dir+"/logrotate-global.conf")
	if len(paths) != len(shipped) {
		t.Errorf("%d files are shipped, and %d sums known", len(paths), len(shipped))
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if !isShipped(filepath.Base(path), data) {
			t.Errorf("the sum of %s is to be %q", filepath.Base(path), hex.EncodeToString(sum[:]))
		}
	}
}
