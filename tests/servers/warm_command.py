"""The command `cultiva` as tests/servers/warm.py writes it: gives all that it was given to the server, and waits."""

import array
import json
import os
import signal
import socket
import sys

PLACE = "SOCKET_OF_THE_SERVER"


def ask() -> int:
    """Runs the command with our arguments, folder, environment and streams; its exit code."""
    request = {"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(PLACE)
        streams = array.array("i", [0, 1, 2])
        text = json.dumps(request).encode() + b"\n"
        sent = server.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
        server.sendall(text[sent:])
        answer = server.makefile()
        process = int(answer.readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda given, _frame: os.kill(process, given))
        return int(answer.readline() or 128 + signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(ask())
