package shipping

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ZPascal/container-manager/test/internal/redistest"
	"github.com/ZPascal/container-manager/test/testenv"
)

// says is a program that prints a line and stays.
const says = "[program:app]\ncommand = sh -c 'echo app: $STORAGE_LINE; exec sleep 1000'\nstdout_logfile = %(ENV_SUPERVISOR_LOGS_DIR)s/app.log\nredirect_stderr = true\n"

// TestEveryLog has each of the container's logs written by whoever does it.
func TestEveryLog(t *testing.T) {
	t.Parallel()
	for name, uid := range testenv.Users {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t, redistest.Options{})
			c := newContainer(t, uid, map[string]string{
				"supervisord/conf.d/app.conf":             says,
				"health/liveness.probes.d/check-none.sh":  "#!/bin/sh\necho alive\n",
				"health/readiness.probes.d/check-none.sh": "#!/bin/sh\necho ready\n",
				"logging/filebeat.d/old.yml":              "- type: log\n  paths: [\"${STORAGE_LOGS_DIR}/old-app.log\"]\n  fields: {daemon: old, app_version: \"${APP_VERSION}\"}\n",
				"setup/run.always/06-old.sh":              "#!/bin/sh\nmkdir -p \"$STORAGE_LOGS_DIR\"\necho an old line >>\"$STORAGE_LOGS_DIR/old-app.log\"\n",
			}, at(redis, "STORAGE_LINE=hello", "IMAGE_CRON_ENABLED=1", "IMAGE_BACKUP_CRON=@every 1s", "IMAGE_HEALTH_CRON=@every 1s",
				"IMAGE_HEALTH_LIVENESS_CHECK_ENABLED=true", "IMAGE_NAME=it's [an] image", "APP_VERSION=2")...)
			c.Start()
			missing := map[string]bool{"supervisor": true, "crond": true, "backup": true, "liveness": true, "readiness": true, "old": true}
			seen := 0
			testenv.WaitFor(t, "a line of each log", func() bool {
				if redis.Len("filebeat") == seen {
					return false
				}
				entries := redis.List(0, "filebeat")
				for _, entry := range entries[seen:] {
					e := parse(t, entry)
					daemon, _ := e.Fields["daemon"].(string)
					delete(missing, daemon)
					want := map[string]any{"image_name": "it's [an] image", "image_version": "", "app_name": "", "app_version": "2"}
					if daemon == "old" {
						want = map[string]any{"app_version": "2"}
					}
					for label, value := range want {
						if e.Fields[label] != value {
							t.Errorf("%s: %s is %#v, want %#v", daemon, label, e.Fields[label], value)
						}
					}
				}
				seen = len(entries)
				return len(missing) == 0
			})
			once(t, waitShipped(t, redis, "app: ", 1), "app: hello")
			once(t, shipped(t, redis, "an old"), "an old line")
		})
	}
}

// TestLives starts a container again and again. What is in its logs is shipped
// once, whether it was stopped or killed, and over a rotation in between.
func TestLives(t *testing.T) {
	t.Parallel()
	for name, uid := range testenv.Users {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t, redistest.Options{})
			c := newContainer(t, uid, nil, at(redis)...)
			want := []string{}
			write := func(log, message string) {
				c.append("logs/"+log, message+"\n")
				want = append(want, message)
			}
			first := c.Start()
			write("supervisor/app.log", "line 1")
			write("backup.log", "line 2")
			waitShipped(t, redis, "line", 2)
			first.Stop()
			write("supervisor/app.log", "line 3") // nobody looks
			second := c.Start()
			write("supervisor/app.log", "line 4")
			waitShipped(t, redis, "line", 4)
			c.waitNoted("logs/supervisor/app.log")
			c.powerFails(second)
			rotate(t, c.Path("storage/logs/supervisor/app.log"))
			write("supervisor/app.log", "line 5")
			third := c.Start()
			waitShipped(t, redis, "line", 5)
			third.Stop()
			c.Start()
			write("supervisor/app.log", "line 6")
			once(t, waitShipped(t, redis, "line", 6), want...)
		})
	}
}

// waitNoted waits until filebeat has noted that all of a log is shipped: what it
// has not noted when it is killed, it ships again.
func (c *container) waitNoted(log string) {
	c.t.Helper()
	path := c.Path("storage", log)
	info, err := os.Stat(path)
	if err != nil {
		c.t.Fatal(err)
	}
	file := fmt.Sprintf("::native::%d-", info.Sys().(*syscall.Stat_t).Ino) // others had its name before
	testenv.WaitFor(c.t, path+" is noted as shipped", func() bool {
		notes, _ := os.ReadFile(c.Path("storage/filebeat_reg/filebeat/log.json"))
		for note := range strings.Lines(string(notes)) {
			if strings.Contains(note, fmt.Sprintf(`"cursor":{"offset":%d}`, info.Size())) && strings.Contains(note, path) && strings.Contains(note, file) {
				return true
			}
		}
		return false
	})
}

func rotate(t *testing.T, path string) {
	t.Helper()
	if err := testenv.Rotate(path); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestRotatedAgainAndAgain follows a file from name to name, and knows all of them
// in the next life.
func TestRotatedAgainAndAgain(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{})
	c := newContainer(t, 0, nil, at(redis)...)
	log := c.Path("storage/logs/supervisor/app.log")
	var want []string
	write := func() {
		want = append(want, fmt.Sprintf("line %d", len(want)))
		c.append("logs/supervisor/app.log", want[len(want)-1]+"\n")
		waitShipped(t, redis, "line", len(want))
	}
	first := c.ship()
	for range 3 {
		write()
		rotate(t, log)
	}
	write()
	c.waitNoted("logs/supervisor/app.log")
	stop(first)
	c.ship()
	write()
	once(t, shipped(t, redis, "line"), want...)
}
