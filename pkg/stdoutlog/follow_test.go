package stdoutlog

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ZPascal/container-manager/test/testenv"
)

func TestLinesOfThisLife(t *testing.T) {
	r := newRig(t, "app", "db")
	r.write("app.log", "of a former life\nunfinished")
	r.begin()
	r.write("app.log", " then\n")
	r.write("db.log", "new\n")
	r.read()
	defer r.follow()()
	r.shows("app |  then\ndb | new\n")
	r.write("app.log", "\nmore\n")
	r.shows("app |  then\ndb | new\napp | \napp | more\n")
}

// Without a record of where the logs ended nothing is written twice.
func TestWithoutPositions(t *testing.T) {
	r := newRig(t, "app")
	r.write("app.log", "before\n")
	r.read()
	defer r.follow()()
	testenv.WaitFor(t, "the follower begins", func() bool { return testenv.Exists(r.path("positions")) })
	r.write("app.log", "after\n")
	r.shows("app | after\n")
}

func TestRotations(t *testing.T) {
	r := newRig(t, "app")
	r.begin()
	r.read()
	defer r.follow()()
	_, want := lines(1, 600)
	for n := 1; n <= 600; n += 10 { // faster than anybody looks
		plain, _ := lines(n, n+9)
		r.write("app.log", plain)
		if n%30 == 1 {
			r.rotate("app.log", 100)
		}
	}
	r.shows(want)
}

// The file goes at once: only who has it open by then can still read it.
func TestRotationsWithoutBackups(t *testing.T) {
	r := newRig(t, "app")
	r.begin()
	r.read()
	defer r.follow()()
	var all string
	for n := range 5 {
		plain, shown := lines(n*100+1, n*100+100)
		r.write("app.log", plain[:len(plain)/2])
		testenv.WaitFor(t, "the follower has it open", func() bool { return len(r.output()) > len(all) })
		all += shown
		r.write("app.log", plain[len(plain)/2:])
		r.must(os.Remove(r.path("app.log")))
	}
	r.write("app.log", "end\n")
	r.shows(all + "app | end\n")
}

// logrotate's `create` makes the new file while the old one is still written to.
func TestTheOldFileGrowsBesideTheNew(t *testing.T) {
	r := newRig(t, "app")
	r.begin()
	r.read()
	defer r.follow()()
	r.write("app.log", "one\n")
	r.shows("app | one\n")
	r.rotate("app.log", 2)
	r.write("app.log", "")
	r.write("app.log.1", "two\nthr")
	r.shows("app | one\napp | two\n")
	r.write("app.log.1", "ee\nfo")
	r.write("app.log", "ur\nfive\n")
	r.shows("app | one\napp | two\napp | three\napp | four\napp | five\n")
}

func TestTruncated(t *testing.T) {
	r := newRig(t, "app")
	r.begin()
	r.read()
	defer r.follow()()
	r.write("app.log", "before, and longer\n")
	r.shows("app | before, and longer\n")
	r.must(os.Truncate(r.path("app.log"), 0))
	r.write("app.log", "after\n")
	r.shows("app | before, and longer\napp | after\n")
}

// At the end of the container nothing waits any more.
func TestEnd(t *testing.T) {
	r := newRig(t, "app", "db")
	r.begin()
	r.read()
	end := r.follow()
	plain, shown := lines(1, 50_000)
	r.write("app.log", plain+"the la")
	r.write("db.log", "st")
	end()
	r.shows(shown + "app | the la\ndb | st\n")
}

// One that was killed has written what it recorded, and at most a batch more.
func TestAnotherTakesOver(t *testing.T) {
	r := newRig(t, "app")
	r.begin()
	r.read()
	end := r.follow()
	plain, shown := lines(1, 100)
	r.write("app.log", plain+"unfin")
	r.shows(shown)
	end()
	shown += "app | unfin\n" // the end of the first is orderly here
	r.write("app.log", "ished\n")
	r.rotate("app.log", 9)
	r.write("app.log", "two\n")
	r.rotate("app.log", 9)
	r.write("app.log", "three\n")
	defer r.follow()()
	r.shows(shown + "app | ished\napp | two\napp | three\n")
}

func TestTakingOverWhereTheLogIsGone(t *testing.T) {
	r := newRig(t, "app")
	r.write("app.log.2", "of long ago\n")
	r.must(os.Chtimes(r.path("app.log.2"), time.Unix(1e9, 0), time.Unix(1e9, 0)))
	r.write("app.log", "one\n")
	r.begin()
	r.rotate("app.log", 2)
	r.must(os.Rename(r.path("app.log.1"), r.path("app.log.1.gz"))) // packed
	r.write("app.log", "two\n")
	r.read()
	defer r.follow()()
	r.shows("app | two\n")
}

// Nobody reads: nothing is lost as long as the files are there, and what is lost
// in the end is counted.
func TestNobodyReads(t *testing.T) {
	r := newRig(t, "app")
	r.begin()
	end := r.follow()
	defer end()
	var want string
	for n := range 20 {
		plain, shown := lines(n*2000+1, n*2000+2000)
		r.write("app.log", plain)
		want += shown
		r.rotate("app.log", 100)
	}
	r.read()
	r.shows(want)
}

func TestDeletedFilesTakeBoundedSpace(t *testing.T) {
	r := newRig(t, "app")
	s := &stream{Source: r.sources[0]}
	for n := range 4 {
		r.write("app.log", "x")
		r.must(os.Truncate(r.path("app.log"), maxDeleted/2+1))
		s.catchUp()
		if len(s.files) == 0 {
			t.Fatal("no file")
		}
		r.must(os.Remove(r.path("app.log")))
		if n == 3 {
			s.catchUp()
		}
	}
	if len(s.files) != 2 || s.lost != 2*(maxDeleted/2+1) {
		t.Errorf("has %d files, gave %d bytes up", len(s.files), s.lost)
	}
	for _, f := range s.files {
		_ = f.Close()
	}
}

func TestLogsThatCannotBeRead(t *testing.T) {
	r := newRig(t, "app", "db")
	r.must(os.Mkdir(r.path("app.log"), 0o755))
	r.sources = append(r.sources, Source{Program: "none", Stream: "stdout", Path: r.path("missing/none.log")})
	r.must(syscall.Mkfifo(r.path("fifo"), 0o600))
	r.sources = append(r.sources, Source{Program: "fifo", Stream: "stdout", Path: r.path("fifo")})
	r.begin()
	r.read()
	end := r.follow()
	r.write("db.log", "one\n")
	r.shows("db | one\n")
	r.must(os.Mkdir(r.path("missing"), 0o755))
	r.write("missing/none.log", "two\n")
	r.shows("db | one\nnone | two\n")
	end()
	if got := r.messages.String(); strings.Count(got, "logs are looked at 250ms apart, as the kernel does not tell of changes: inotify_add_watch "+r.path("missing")+": no such file or directory") != 1 {
		t.Errorf("it says %s", got)
	}
}

func TestLogsOfAnotherUser(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		testenv.Write(t, dir+"/app.log", "secret\n", 0o600)
		testenv.Become(t, 500)
		var warnings []string
		s := &stream{Source: Source{Program: "app", Path: dir + "/app.log"}, warn: func(err error) { warnings = append(warnings, err.Error()) }}
		s.catchUp()
		s.catchUp()
		if want := "open " + dir + "/app.log: permission denied"; len(s.files) != 0 || len(warnings) != 1 || warnings[0] != want {
			t.Errorf("%d files, %q, want %q", len(s.files), warnings, want)
		}
	})
}

// A full disk behind standard output keeps what is to come in the log files.
func TestOutputToAFullDisk(t *testing.T) {
	testenv.Isolated(t, func(t *testing.T, dir string) {
		small := dir + "/small"
		testenv.Mount(t, "tmpfs", small, "tmpfs", 0, "size=64k")
		r := newRig(t, "app")
		testenv.Write(t, small+"/other", strings.Repeat("x", 60<<10), 0o644)
		f, err := os.Create(small + "/stdout")
		r.must(err)
		_, r.w = r.w, f
		r.begin()
		end := r.follow()
		plain, shown := lines(1, 1000)
		r.write("app.log", plain)
		testenv.WaitFor(t, "the disk is full", func() bool { return len(testenv.Read(t, small+"/stdout")) >= 4096 })
		r.must(os.Remove(small + "/other"))
		testenv.WaitFor(t, "all lines", func() bool { return len(testenv.Read(t, small+"/stdout")) >= len(shown) })
		end()
		if got := testenv.Read(t, small+"/stdout"); got != shown {
			t.Errorf("output is %s", brief(got))
		}
	})
}
