package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/ZPascal/container-manager/test/internal/containertest"
)

// imageRuns is how many containers of either kind are timed.
const imageRuns = 15

// stampDockerfile is an app that does nothing but say when it began.
const stampDockerfile = `FROM container-manager
RUN printf '%%s\n' '[program:stamp]' 'command = %[1]s' 'startsecs = 0' 'autorestart = false' >/image/supervisord/conf.d/stamp.conf
`

// plainDockerfile is the same app below nothing but supervisord, which is woken as
// soon as its socket is there.
const plainDockerfile = `FROM container-manager
RUN mkdir -p /plain && printf '%%s\n' '[supervisord]' 'nodaemon = true' 'logfile = /dev/null' 'logfile_maxbytes = 0' 'pidfile = /tmp/plain.pid' \
        '[unix_http_server]' 'file = /tmp/supervisord.sock' \
        '[rpcinterface:supervisor]' 'supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface' \
        '[program:stamp]' 'command = %[1]s' 'startsecs = 0' 'autorestart = false' >/plain/supervisord.conf
ENTRYPOINT ["/bin/sh", "-c", "{ until [ -S /tmp/supervisord.sock ]; do sleep 0.01; done; curl -so /dev/null --unix-socket /tmp/supervisord.sock http://x/; } & exec supervisord -c /plain/supervisord.conf"]
`

// stampCommand writes the time of its first instruction to the volume.
const stampCommand = `/bench stamp /storage/stamp`

// benchImage measures the image with podman: the size of its own layers, and the
// time from `podman run` to the app's first instruction.
func benchImage(b *bench) error {
	ctx := context.Background()
	return containertest.Use(func(p *containertest.Podman) error {
		if err := benchLayers(ctx, b, p); err != nil {
			return err
		}
		for name, dockerfile := range map[string]string{"ours": stampDockerfile, "plain": plainDockerfile} {
			file := filepath.Join(b.dir, name+".Dockerfile")
			if err := os.WriteFile(file, fmt.Appendf(nil, dockerfile, stampCommand), 0o644); err != nil {
				return err
			}
			if _, err := p.Output(ctx, "build", "--pull=never", "--tag="+name, "--file="+file, b.dir); err != nil {
				return err
			}
		}
		var ours, plain []time.Duration
		for i := range imageRuns + 1 {
			o, err := b.untilApp(ctx, p, "ours")
			if err != nil {
				return err
			}
			r, err := b.untilApp(ctx, p, "plain")
			if err != nil {
				return err
			}
			if i > 0 { // the first round is a warm-up
				ours, plain = append(ours, o), append(plain, r)
			}
		}
		b.ratio("podman run to the app : plain supervisord, woken", ours, plain, 1.25)
		return nil
	})
}

var ownLayer = regexp.MustCompile(` in /(usr/bin/container-manager|run\.py|image) *$`)

// benchLayers adds up the layers of the last stage that hold what is ours: the
// binary, the entry point and the tree.
func benchLayers(ctx context.Context, b *bench, p *containertest.Podman) error {
	out, err := p.Output(ctx, "history", "--no-trunc", "--format=json", containertest.BaseImage)
	if err != nil {
		return err
	}
	var history []struct {
		Size      float64
		CreatedBy string
	}
	if err := json.Unmarshal([]byte(out), &history); err != nil {
		return fmt.Errorf("podman history: %w", err)
	}
	var size float64
	layers := 0
	for _, layer := range history {
		if ownLayer.MatchString(layer.CreatedBy) {
			size += layer.Size
			layers++
		}
	}
	if layers != 3 {
		return fmt.Errorf("the image has %d layers of ours, expected 3:\n%s", layers, out)
	}
	b.atMost("layers of our own in the image, MB", fmt.Sprintf("%.2f MB", size/1e6), size/1e6, 12)
	return nil
}

// untilApp runs a container and returns how long it took to the app's first
// instruction.
func (b *bench) untilApp(ctx context.Context, p *containertest.Podman, image string) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	storage, err := os.MkdirTemp(b.dir, "storage-")
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	run := p.Command(ctx, "run", "--detach", "--name=bench", "--pull=never", "--volume="+self+":/bench:ro", "--volume="+storage+":/storage", image)
	if out, err := run.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("podman run %s: %w\n%s", image, err, out)
	}
	at, waitErr := waitStamp(filepath.Join(storage, "stamp"))
	logs, _ := p.Command(ctx, "logs", "bench").CombinedOutput()
	if _, err := p.Output(ctx, "rm", "--force", "--time=0", "bench"); err != nil {
		return 0, err
	}
	if waitErr != nil {
		return 0, fmt.Errorf("%s: %w\n%s", image, waitErr, logs)
	}
	return at.Sub(begin), nil
}

func waitStamp(file string) (time.Time, error) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if data, err := os.ReadFile(file); err == nil {
			n, err := strconv.ParseInt(string(data), 10, 64)
			return time.Unix(0, n), err
		}
	}
	return time.Time{}, fmt.Errorf("the app never began")
}
