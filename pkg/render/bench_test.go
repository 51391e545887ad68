package render_test

import (
	"path/filepath"
	"testing"

	"github.com/ZPascal/container-manager/pkg/config"
	"github.com/ZPascal/container-manager/pkg/render"
	"github.com/ZPascal/container-manager/pkg/setup"
	"github.com/ZPascal/container-manager/test/testenv"
)

// BenchmarkAll renders what every image has, as the second start of a container does.
func BenchmarkAll(b *testing.B) {
	tree := testenv.NewTree(b)
	testenv.SetEnviron(b, tree.Environ()...)
	c, err := config.Load()
	if err != nil {
		b.Fatal(err)
	}
	for _, dir := range []string{"logging", "supervisord"} {
		testenv.Mkdir(b, filepath.Join(c.RunDir, dir))
	}
	if err := setup.CreateStorageDirs(c); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := render.All(c); err != nil {
			b.Fatal(err)
		}
	}
}
