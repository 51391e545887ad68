package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// benchOverlay measures the same starts as benchStart on the file system that containers
// have, in one.
func benchOverlay(b *bench) error {
	ctx := context.Background()
	floor, err := buildFloor(b.dir)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	second, err := b.newTree("overlay-second")
	if err != nil {
		return err
	}
	first, err := b.newTree("overlay-first")
	if err != nil {
		return err
	}
	for _, t := range []*tree{second, first} {
		t.set("IMAGE_CRON_ENABLED", "1")
	}
	lists, err := b.fileLists(first, second)
	if err != nil {
		return err
	}
	return containertest.Use(func(p *containertest.Podman) error {
		args := []string{"run", "--rm", "--pull=never", "--user=0:0", "--entrypoint=/bench", "--env=" + floorVariable + "=/floor"}
		for to, from := range map[string]string{"/bench": self, "/floor": floor, "/manager": b.binary, "/files": b.files, "/lists": lists} {
			args = append(args, "--volume="+from+":"+to+":ro")
		}
		out, err := p.Output(ctx, append(args, containertest.BaseImage, "starts", "/var/tmp", "/manager", "/files", "/lists")...)
		if err != nil {
			return err
		}
		var s starts
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			return fmt.Errorf("what the container says: %w\n%s", err, out)
		}
		b.startLines(s, ", overlayfs")
		return nil
	})
}
