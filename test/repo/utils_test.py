"""Tests of files/image/utils.py. go test runs them; so does python3 on this file."""

import contextlib
import fcntl
import importlib.util
import io
import os
import re
import stat
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.abspath(__file__))


def load_utils():
    path = os.path.join(HERE, "..", "..", "files", "image", "utils.py")
    spec = importlib.util.spec_from_file_location("utils", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


utils = load_utils()


class Case(unittest.TestCase):
    """Gives each test a directory and an environment of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name
        environ = mock.patch.dict(os.environ, {"IMAGE_RUN_DIR": self.dir})
        environ.start()
        self.addCleanup(environ.stop)
        self.unset("PROCESS_STATE_DIR", "STORAGE_BASE_DIR", "STORAGE_BACKUP_DIR")

    def unset(self, *names):
        for name in names:
            os.environ.pop(name, None)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, content, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def become_another(self, path):
        """Takes from the process what lets it read a file."""
        os.chmod(path, 0)
        if os.geteuid() == 0:
            os.seteuid(500)
            self.addCleanup(os.seteuid, 0)

    def command(self, name, body):
        """Puts an executable first in PATH."""
        self.write("bin/" + name, "#!/bin/sh\n" + body, 0o755)
        os.environ["PATH"] = self.path("bin") + os.pathsep + os.environ["PATH"]

    @contextlib.contextmanager
    def output(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            yield out.getvalue


class WriteLog(Case):
    def test_line(self):
        with self.output() as output:
            utils.write_log("INFO", "check-app", "all is well;")
        self.assertRegex(
            output(),
            r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\t\x1b\[1;32mINFO\x1b\[0m\t\x1b\[1;37mcheck-app\x1b\[0m all is well;\n$",
        )

    def test_any_level_is_printed(self):
        for level in "ERROR", "WARN", "WARNING", "DEBUG", "error", "Info", "notice":
            with self.output() as output:
                utils.write_log(level, "x", "y")
            plain = re.sub(r"\x1b\[[0-9;]*m", "", output())
            self.assertRegex(plain, r"\t{}\tx y\n$".format(level.upper()))

    def test_bytes_that_cannot_be_printed(self):
        code = "import utils; utils.write_log('INFO', 'x', 'name \\udcff \\u20ac')"
        done = subprocess.run(
            [sys.executable, "-B", "-c", code], stdout=subprocess.PIPE, check=True,
            env=dict(os.environ, PYTHONPATH=os.path.dirname(utils.__file__), PYTHONIOENCODING="ascii"),
        )
        self.assertTrue(done.stdout.endswith(b" name \\udcff \\u20ac\n"), done.stdout)


class SavedEnvironment(Case):
    ENV = (
        'APP_DIR_HINT="x"\n'
        'IMAGE_APP_DIR="/srv/an app"\n'
        'QUOTED="a \\"b\\" \\$c \\`d\\` \\\\ e=f"\n'
        'SECRET="from its file"\n'
        'STORAGE_BASE_DIR="/data"\n'
        'LINES="one\nFAKE=\\"no\\"\nIMAGE_FAKE_DIR=three"\n'
    )

    def setUp(self):
        super().setUp()
        self.write("env", self.ENV)
        self.unset("IMAGE_APP_DIR", "QUOTED", "SECRET", "FILE__SECRET", "LINES", "FAKE", "MISSING")

    def test_the_process_environment_comes_first(self):
        os.environ["IMAGE_APP_DIR"] = "/mine"
        self.assertEqual(utils.get_env_variable("IMAGE_APP_DIR"), "/mine")

    def test_what_is_missing_or_empty_comes_from_the_saved_one(self):
        self.assertEqual(utils.get_env_variable("IMAGE_APP_DIR"), "/srv/an app")
        os.environ["IMAGE_APP_DIR"] = ""
        self.assertEqual(utils.get_env_variable("IMAGE_APP_DIR"), "/srv/an app")

    def test_quotes_are_undone(self):
        self.assertEqual(utils.get_env_variable("QUOTED"), 'a "b" $c `d` \\ e=f')

    def test_values_of_several_lines(self):
        self.assertEqual(utils.get_env_variable("LINES"), 'one\nFAKE="no"\nIMAGE_FAKE_DIR=three')
        self.assertEqual(utils.get_env_variable("FAKE"), "")

    def test_a_secret_from_a_file_wins(self):
        os.environ["SECRET"] = "overridden"
        self.assertEqual(utils.get_env_variable("SECRET"), "overridden")
        os.environ["FILE__SECRET"] = "/run/secrets/secret"
        self.assertEqual(utils.get_env_variable("SECRET"), "from its file")

    def test_unset(self):
        self.assertEqual(utils.get_env_variable("MISSING"), "")
        os.remove(self.path("env"))
        self.assertEqual(utils.get_env_variable("IMAGE_APP_DIR"), "")

    def test_bytes_that_are_not_utf8(self):
        self.write("env", b'RAW="\xff\r"\nRAW_DIR="/\xfe\r"\n')
        self.assertEqual(os.fsencode(utils.get_env_variable("RAW")), b"\xff\r")
        self.assertEqual([os.fsencode(line) for line in utils.extract_dir_env_vars()], [b'RAW_DIR="/\xfe\r"\n'])

    def test_dir_lines(self):
        self.write("env", 'APP_DIR_HINT="x"\nIMAGE_APP_DIR="/srv/an app"\nMY_DIRS="y"\nSTORAGE_LOGS_DIR="/l"\n')
        self.assertEqual(
            utils.extract_dir_env_vars(),
            ['IMAGE_APP_DIR="/srv/an app"\n', 'STORAGE_LOGS_DIR="/l"\n'],
        )

    def test_dir_lines_before_the_start_saved_any(self):
        os.remove(self.path("env"))
        with self.assertRaisesRegex(FileNotFoundError, re.escape(self.path("env"))):
            utils.extract_dir_env_vars()


    def test_dir_lines_of_another_user(self):
        self.become_another(self.path("env"))
        self.assertEqual(utils.extract_dir_env_vars(), [])


class ProgramStates(Case):
    def test_only_running_counts(self):
        os.environ["PROCESS_STATE_DIR"] = self.path("state")
        for state, want in {"RUNNING": True, "RUNNING\n": True, "STARTING": False, "": False, "NOT RUNNING": False}.items():
            self.write("state/supervisor.app.state", state)
            self.assertIs(utils.is_supervisor_process_running("app"), want, repr(state))

    def test_no_state_yet(self):
        os.environ["PROCESS_STATE_DIR"] = self.path("nowhere")
        self.assertIs(utils.is_supervisor_process_running("app"), False)

    def test_the_directory_comes_from_the_saved_environment(self):
        self.write("env", 'PROCESS_STATE_DIR="{}"\n'.format(self.path("state")))
        self.write("state/supervisor.app.state", "RUNNING")
        self.assertIs(utils.is_supervisor_process_running("app"), True)


class Processes(Case):
    def sleeper(self, name):
        """Starts a process whose command line contains name."""
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", name], stdin=subprocess.PIPE)
        self.addCleanup(child.wait)
        self.addCleanup(child.stdin.close)
        return child

    def test_a_process(self):
        name = "utils-test-{}".format(os.getpid())
        self.assertIs(utils.is_process_running(name), False)
        self.sleeper(name)
        self.assertIs(utils.is_process_running(name), True)

    def test_a_process_of_busybox_ps(self):
        self.command("ps", 'exec busybox ps "$@"\n')
        name = "utils-test-{}-".format(os.getpid()) + "x" * 300
        self.assertIs(utils.is_process_running(name), False)
        self.sleeper(name)
        self.assertIs(utils.is_process_running(name), True)

    def test_not_its_own(self):
        code = "import sys, utils; sys.exit(utils.is_process_running(sys.argv[1]))"
        done = subprocess.run(
            [sys.executable, "-B", "-c", code, "utils-test-own-{}".format(os.getpid())],
            env=dict(os.environ, PYTHONPATH=os.path.dirname(utils.__file__)),
        )
        self.assertEqual(done.returncode, 0)

    def test_a_pattern_of_grep(self):
        self.command("ps", "printf '  PID STAT COMMAND\\n    8 Ss   /usr/bin/java -jar app.jar --port 8080\\n'\n")
        for pattern in "java.*app", "[j]ava", "^/usr/bin/java", "8080$", "-jar":
            self.assertIs(utils.is_process_running(pattern), True, pattern)
        for pattern in "java.*other", "^java", "[", "j.v.a":
            self.assertIs(utils.is_process_running(pattern), False, pattern)

    def test_what_has_ended_does_not_run(self):
        self.command("ps", "printf '  PID STAT COMMAND\\n    7 Z    [mongod] <defunct>\\n    8 Ss   nginx: master\\n'\n")
        self.assertIs(utils.is_process_running("mongod"), False)
        self.assertIs(utils.is_process_running("nginx"), True)


class Backups(Case):
    def setUp(self):
        super().setUp()
        os.environ["STORAGE_BACKUP_DIR"] = self.dir

    def test_none_ever(self):
        self.assertIs(utils.is_backup_running(), False)

    def test_the_lock(self):
        lock = open(self.write(".lock", ""), "w")
        self.addCleanup(lock.close)
        self.assertIs(utils.is_backup_running(), False)
        fcntl.flock(lock, fcntl.LOCK_EX)
        self.assertIs(utils.is_backup_running(), True)
        fcntl.flock(lock, fcntl.LOCK_UN)
        self.assertIs(utils.is_backup_running(), False)

    def test_asking_takes_no_lock(self):
        lock = open(self.write(".lock", ""), "w")
        self.addCleanup(lock.close)
        self.assertIs(utils.is_backup_running(), False)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_the_lock_of_another_user(self):
        self.become_another(self.write(".lock", ""))
        self.assertIs(utils.is_backup_running(), False)

    def test_the_directory_follows_the_base(self):
        self.unset("STORAGE_BACKUP_DIR")
        os.environ["STORAGE_BASE_DIR"] = self.dir
        with open(self.write("backup/.lock", ""), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIs(utils.is_backup_running(), True)


class Restarts(Case):
    def restart(self, *args):
        with self.output() as output:
            result = utils.restart_process(*args)
        return result, output()

    def binary(self, body):
        self.command("container-manager", 'printf "%s|" "$@" >>"{}"\n{}'.format(self.path("argv"), body))

    def argv(self):
        with open(self.path("argv")) as f:
            return f.read()

    def test_restarted(self):
        self.binary("exit 0")
        result, output = self.restart("app")
        self.assertIs(result, True)
        self.assertIn("restarted app", output)
        self.assertEqual(self.argv(), "restart|--timeout|60s|app|")

    def test_wait_seconds_only_adds_time(self):
        for wait, want in (3, "60s"), (90, "90s"), (90.5, "91s"), ("120", "120s"), (None, "60s"), ("soon", "60s"), (float("inf"), "60s"):
            self.binary("exit 0")
            self.assertIs(self.restart("app", wait)[0], True, wait)
            self.assertEqual(self.argv(), "restart|--timeout|{}|app|".format(want))
            os.remove(self.path("argv"))

    def test_refused(self):
        self.binary("echo 'there is no program \"ghost\"' >&2; exit 1")
        result, output = self.restart("ghost")
        self.assertIsNone(result)
        self.assertIn('cannot restart ghost: there is no program "ghost"', output)

    def test_refused_without_a_word(self):
        self.binary("exit 3")
        result, output = self.restart("app")
        self.assertIsNone(result)
        self.assertIn("cannot restart app: exit status 3", output)

    def test_no_binary(self):
        os.environ["PATH"] = self.dir
        result, output = self.restart("app")
        self.assertIsNone(result)
        self.assertIn("cannot restart app: ", output)
        self.assertIn("container-manager", output)

    def test_no_name(self):
        self.binary("exit 0")
        for name in "", "  ", None:
            result, output = self.restart(name)
            self.assertEqual(result, "error")
            self.assertIn("no name", output)
        self.assertFalse(os.path.exists(self.path("argv")))

    def test_a_name_that_no_program_can_have(self):
        self.binary("exit 0")
        self.assertIsNone(self.restart("a\0b")[0])


class Scripts(Case):
    def script(self, name, body):
        return self.write(name, "#!/bin/sh\n" + body, 0o755)

    def test_in_turn_with_the_directory(self):
        log = self.path("log")
        scripts = [self.script(name, 'echo "{} $#$1" >>"{}"'.format(name, log)) for name in ("b", "a")]
        utils.execute_scripts(scripts)
        utils.execute_scripts(scripts, "/stage dir")
        with open(log) as f:
            self.assertEqual(f.read(), "b 0\na 0\nb 1/stage dir\na 1/stage dir\n")

    def test_a_failure_ends_it(self):
        after = self.script("after", "touch {}".format(self.path("ran")))
        for body, why in ("exit 7", "exit status 7"), ("kill -9 $$", "signal 9"):
            with self.output() as output, self.assertRaises(SystemExit) as exit:
                utils.execute_scripts([self.script("bad", body), after])
            self.assertEqual(exit.exception.code, 1)
            self.assertIn("{} failed: {}".format(self.path("bad"), why), output())
        self.assertFalse(os.path.exists(self.path("ran")))

    def test_what_cannot_be_run(self):
        for script, why in (self.path("missing"), "No such file"), (self.write("plain", "x"), "Permission denied"):
            with self.output() as output, self.assertRaises(SystemExit) as exit:
                utils.execute_scripts([script])
            self.assertEqual(exit.exception.code, 1)
            self.assertIn("{} failed: {}".format(script, why), output())


class Permissions(Case):
    def mode(self, *parts):
        return stat.S_IMODE(os.stat(self.path(*parts)).st_mode)

    def test_tree(self):
        self.write("tree/sub/script.py", "")
        self.write("tree/sub/__pycache__/script.pyc", "")
        self.write("outside", "")
        os.symlink(self.path("outside"), self.path("tree", "link"))
        os.symlink(self.path("gone"), self.path("tree", "dangling"))
        utils.set_permissions_recursive(self.path("tree"), 0o500)
        self.assertEqual([self.mode("tree"), self.mode("tree/sub"), self.mode("tree/sub/script.py")], [0o500] * 3)
        self.assertEqual(self.mode("tree/sub/__pycache__/script.pyc"), 0o644)
        self.assertEqual(self.mode("outside"), 0o644)
        utils.set_permissions_recursive(self.path("tree"), 0o700)

    def test_a_file(self):
        utils.set_permissions_recursive(self.write("script.py", ""), 0o755)
        self.assertEqual(self.mode("script.py"), 0o755)

    def test_a_mode_that_closes_directories(self):
        self.write("tree/sub/file", "")
        self.addCleanup(os.chmod, self.path("tree/sub"), 0o700)
        self.addCleanup(os.chmod, self.path("tree"), 0o700)
        utils.set_permissions_recursive(self.path("tree"), 0o000)
        self.assertEqual(self.mode("tree"), 0)

    def test_missing(self):
        with self.assertRaises(FileNotFoundError):
            utils.set_permissions_recursive(self.path("missing"), 0o755)


if __name__ == "__main__":
    unittest.main()
