"""What the scripts of this image share."""

import contextlib
import os
import pathlib
import socket
import subprocess
import time

START_TIMEOUT = 120  # seconds; a server that was killed repairs its files first


def port():
    return os.environ.get("MONGODB_PORT") or "27017"


def tools_config():
    """The file with the address and the password, for mongodump and its siblings."""
    return os.path.expandvars("$IMAGE_RUN_DIR/mongodb/tools.yml")


def answers():
    try:
        socket.create_connection(("127.0.0.1", int(port())), timeout=1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def server():
    """A server that answers: the one that runs, else one of our own for so long.

    Raises RuntimeError when it does not start.
    """
    if answers():
        yield
        return
    start = os.path.expandvars("$IMAGE_APP_DIR/start-mongodb.sh")
    log = pathlib.Path(os.environ["STORAGE_LOGS_DIR"], "mongodb-setup.log")
    with log.open("ab") as output:
        process = subprocess.Popen([start, "--bind_ip", "127.0.0.1"], stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mongod does not answer on port {port()}; {log} says why")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def run_file(path):
    """Runs a file of statements. Secrets reach it as process.env, never as arguments."""
    address = f"mongodb://127.0.0.1:{port()}/admin"
    subprocess.run(["mongosh", "--quiet", address, "--file", str(path)], check=True)
