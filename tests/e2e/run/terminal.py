# SPDX-License-Identifier: Apache-2.0
"""A shell's part in job control: runs its arguments as the foreground job of a terminal of their
own, types ^Z and ^C, and says as JSON what became of them."""

import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios


# No shell, which would be stopped between vfork() and exec(): that cannot be told from outside.
JOB = """
import os, signal

def say(word):
    lines, columns = os.get_terminal_size(0)[::-1]
    os.write(1, f"{lines}x{columns} {word}\\n".encode())

signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGWINCH, lambda *_: say("RESIZED"))
say("READY")
while True:
    signal.pause()
"""


def start_job(command, terminal):
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(terminal, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        for stream in range(3):
            os.dup2(terminal, stream)
        os.execvp(command[0], command)
    return pid


def read_until(master, word):
    seen = b""
    while word not in seen:
        seen += os.read(master, 4096)
    return seen.decode()


def shell():
    """The session leader."""
    signal.alarm(60)
    master, terminal = int(sys.argv[1]), int(sys.argv[2])
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    attributes = termios.tcgetattr(terminal)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    pid = start_job([*sys.argv[3:], "-c", JOB], terminal)
    size = read_until(master, b"READY").split()[-2]
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    resized = read_until(master, b"RESIZED").split()[-2]
    os.write(master, b"\x1a")
    _, status = os.waitpid(pid, os.WUNTRACED)
    stopped = os.WIFSTOPPED(status)
    os.tcsetpgrp(terminal, pid)
    os.killpg(pid, signal.SIGCONT)
    _, status = os.waitpid(pid, os.WCONTINUED)
    continued = os.WIFCONTINUED(status)
    os.write(master, b"\x03")
    _, status = os.waitpid(pid, 0)
    return {
        "size": size,
        "resized": resized,
        "stopped": stopped,
        "continued": continued,
        "interrupted": os.WEXITSTATUS(status),
    }


def main():
    if sys.argv[1].isdigit():
        os.setsid()
        print(json.dumps(shell()))
        return
    master, terminal = pty.openpty()
    os.set_inheritable(master, True)
    os.set_inheritable(terminal, True)
    os.set_blocking(master, True)
    if os.fork() == 0:
        os.execv(
            sys.executable, [sys.executable, __file__, str(master), str(terminal), *sys.argv[1:]]
        )
    os.wait()


main()
