"""What the Python scripts of child images import.

Probes, set-up steps and backup scripts find it at $IMAGE_BASE_DIR/utils.py.
Names, arguments and results stay as they are; all else is the
container-manager binary's. Python 3.8 and later, standard library only.
"""

import fcntl
import math
import os
import re
import subprocess
import sys
import time

_BOLD = "37"
_COLOURS = {"ERROR": "31", "WARN": "33", "WARNING": "33", "INFO": "32"}

# NAME="value" of the saved environment, where a backslash quotes one character
# and a value may span lines.
_SAVED = re.compile(r'^([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"$', re.MULTILINE | re.DOTALL)

# The least time that a restart is given, in seconds: stopping and starting a
# program take supervisord 10 s and 1 s with its defaults, and images raise both.
_LEAST_RESTART = 60


def write_log(log_level, logger, message):
    """Print a line of the form `YYYY-mm-dd HH:MM:SS<TAB>LEVEL<TAB>LOGGER MESSAGE`."""
    level = str(log_level).upper()
    level = _paint(_COLOURS.get(level, _BOLD), level)
    line = "{}\t{}\t{} {}".format(time.strftime("%Y-%m-%d %H:%M:%S"), level, _paint(_BOLD, logger), message)
    # File names may hold bytes that no encoding can print.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def is_supervisor_process_running(name):
    """Tell whether supervisord says that a program is RUNNING.

    The event listener keeps a file with each program's state; without one, the
    program has never been started.
    """
    directory = get_env_variable("PROCESS_STATE_DIR") or "/tmp"
    path = os.path.join(directory, "supervisor.{}.state".format(name))
    try:
        with open(path, errors="replace") as state:
            return state.read().strip() == "RUNNING"
    except OSError:
        return False


def is_process_running(name):
    """Tell whether a command line in `ps` contains name, or matches it as a pattern of `grep`.

    The caller's own does not count, nor does a process that has ended and waits for
    its parent to notice.
    """
    # These options mean the same to procps and to busybox.
    listing = subprocess.run(
        ["ps", "-e", "-o", "pid,stat,args"],
        stdout=subprocess.PIPE, encoding="utf-8", errors="replace", check=True,
        env=dict(os.environ, COLUMNS="100000"),  # or procps cuts lines off
    ).stdout
    commands = []
    for line in listing.split("\n"):
        pid, stat, args = (line.split(None, 2) + ["", "", ""])[:3]
        if pid != str(os.getpid()) and not stat.startswith("Z"):
            commands.append(args)
    if any(name in args for args in commands):
        return True
    matched = subprocess.run(
        ["grep", "-q", "-e", name], input="\n".join(commands), encoding="utf-8", errors="replace", stderr=subprocess.DEVNULL,
    )
    return matched.returncode == 0


def is_backup_running():
    """Tell whether a backup runs, in any container on the same volume.

    A backup locks a file of the backup directory; the kernel lets go of the lock
    when its holder dies. Who may not read that file is told that none runs.
    """
    directory = get_env_variable("STORAGE_BACKUP_DIR")
    if not directory:
        directory = os.path.join(get_env_variable("STORAGE_BASE_DIR") or "/storage", "backup")
    try:
        lock = os.open(os.path.join(directory, ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return False
    try:
        # Shared, so that two that ask do not take each other for a backup.
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def restart_process(name, wait_seconds=10):
    """Restart a program of supervisord, and wait until it is up.

    Returns True when it was restarted, None when it was not (the log says why)
    and "error" for an empty name. wait_seconds was once the pause between stop
    and start. Now stopping takes as long as it takes, and a larger number gives
    the whole of it more time than the usual minute.
    """
    if not str(name or "").strip():
        write_log("ERROR", "restart_process", "there is no name of a program to restart")
        return "error"
    seconds = _restart_time(wait_seconds)
    command = ["container-manager", "restart", "--timeout", "{}s".format(seconds), str(name)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace", timeout=seconds + 10,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        write_log("ERROR", "restart_process", "cannot restart {}: {}".format(name, error))
        return None
    if done.returncode != 0:
        why = done.stdout.strip() or "exit status {}".format(done.returncode)
        write_log("ERROR", "restart_process", "cannot restart {}: {}".format(name, why))
        return None
    write_log("INFO", "restart_process", "restarted {}".format(name))
    return True


def get_env_variable(name):
    """Return a variable of the container's environment, "" when it is unset.

    kubelet and `docker exec` start scripts with less than the whole environment:
    what is missing is taken from the one that the start saved.
    """
    value = os.environ.get(name, "")
    # A secret's file wins over the variable, and the start has read it.
    if value and not os.environ.get("FILE__" + name):
        return value
    return _saved_environment().get(name, "") or value


def extract_dir_env_vars():
    """Return the lines of the saved environment that contain `_DIR=`.

    They are as they stand in the file, with quotes and newline. There are none
    for users who may not read it.
    """
    try:
        with _open_saved() as saved:
            return [line for line in saved if "_DIR=" in line]
    except PermissionError:
        return []


def execute_scripts(scripts, temp_dir_path=""):
    """Run scripts in turn, each with temp_dir_path as its argument if there is one.

    Ends the process with status 1 when one fails.
    """
    for script in scripts:
        command = [script, temp_dir_path] if temp_dir_path else [script]
        sys.stdout.flush()
        try:
            status = subprocess.run(command).returncode
            why = "exit status {}".format(status) if status > 0 else "signal {}".format(-status)
        except OSError as error:
            status, why = 1, error.strerror
        if status != 0:
            write_log("ERROR", "execute_scripts", "{} failed: {}".format(script, why))
            sys.exit(1)


def set_permissions_recursive(path, mode):
    """Set the mode of path and of all below it, except __pycache__ and links."""
    if os.path.islink(path) or os.path.basename(path) == "__pycache__":
        return
    if os.path.isdir(path):
        # What lies in a directory comes first: the mode may close it.
        for name in os.listdir(path):
            set_permissions_recursive(os.path.join(path, name), mode)
    os.chmod(path, mode)


def _paint(colour, text):
    return "\033[1;{}m{}\033[0m".format(colour, text)


def _restart_time(wait_seconds):
    """Return how many whole seconds a restart may take."""
    try:
        return max(_LEAST_RESTART, math.ceil(float(wait_seconds)))
    except (TypeError, ValueError, OverflowError):
        return _LEAST_RESTART


def _open_saved():
    path = os.path.join(os.environ.get("IMAGE_RUN_DIR") or "/tmp/container-manager", "env")
    return open(path, encoding="utf-8", errors="surrogateescape", newline="\n")


def _saved_environment():
    """Return the saved environment; empty before the first start has saved one,
    and for users who may not read it."""
    try:
        with _open_saved() as saved:
            text = saved.read()
    except OSError:
        return {}
    return {name: re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL) for name, value in _SAVED.findall(text)}
