#!/usr/bin/env python3
"""Firmware that does not start the program: what a person sees then.

usage: firmware_test.py ia32|secure|shim BUILD-FOLDER

ia32    32-bit firmware: BOOTIA32.EFI on the stick of `make dist` says what is wrong, waits for a key
        and gives the machine back; on a CPU with 64 bits, and on one without.
secure  Secure Boot with Debian's test key enrolled: a program that is not signed, or was changed
        after it was signed, is refused; the signed one boots from a stick to its verdict.
shim    Secure Boot, and shim (Debian's package shim-unsigned, signed with that key) between firmware
        and program: the signed program boots by way of it, and one without .sbat is refused.

Ends with "N passed, N failed".
"""
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "boot"))
# pylint: disable=wrong-import-position
from checks import Checks  # noqa: E402

RUN = os.path.join(ROOT, "run.sh")
KEYS = "/usr/share/ovmf/PkKek-1-snakeoil"
SHIM = "/usr/lib/shim/shimx64.efi"
LIMIT = 120  # seconds that one machine may take


class Machine:
    """A run of run.sh, read as it goes."""

    def __init__(self, *arguments):
        command = [RUN, "--no-install", "--accel", "tcg", "--timeout", str(LIMIT), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.text = ""

    def read_until(self, *marks, seconds=LIMIT):
        """Whether one of the marks came in time; what came is added to `text`."""
        start, end = len(self.text), time.monotonic() + seconds
        while not any(mark in self.text[start:] for mark in marks):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return False
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return False
            self.text += data.decode("latin-1")
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """run.sh ends its QEMU, if they are still there."""
        self.process.send_signal(signal.SIGTERM)
        self.wait()

    def wait(self):
        """run.sh's exit status."""
        self.text += self.process.stdout.read().decode("latin-1")
        return self.process.wait()


def press_key(path):
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        stream = link.makefile("rw", encoding="utf-8")
        stream.readline()  # the greeting
        for command in ('"qmp_capabilities"', '"send-key", "arguments": {"keys": [{"type": "qcode", "data": "spc"}]}'):
            stream.write('{"execute": %s}\n' % command)
            stream.flush()
            while not {"return", "error"} & set(json.loads(stream.readline())):
                pass


def check_ia32(checks, build, cpu, sentence, work):
    monitor = os.path.join(work, "qmp")
    with Machine("--firmware", "ovmf32", "--disk", f"{build}/dist/mortise.img", "--attach", "usb", "--cpu", cpu,
                 "--qemu", f"-qmp unix:{monitor},server=on,wait=off") as machine:  # fmt: skip
        checks.check(machine.read_until("press any key."), f"{cpu}: it asks for a key")
        checks.check("its firmware is 32-bit UEFI" in machine.text, f"{cpu}: it says what is wrong")
        checks.check(sentence in machine.text, f"{cpu}: '{sentence}'")
        checks.check(not machine.read_until("BdsDxe", seconds=1), f"{cpu}: it waits")
        press_key(monitor)
        checks.check(machine.read_until("Unsupported", seconds=30), f"{cpu}: after the key the firmware goes on")
    if checks.failed:
        print(machine.text)


def test_ia32(checks, build, work):
    check_ia32(checks, build, "max", "The processor has 64 bits", work)
    check_ia32(checks, build, "max,-lm", "has only 32 bits too", work)


def test_key(work):
    """Debian's test key, without its pass phrase, which is `snakeoil`."""
    key = os.path.join(work, "snakeoil.key")
    subprocess.run(["openssl", "rsa", "-in", KEYS + ".key", "-passin", "pass:snakeoil", "-out", key], check=True)
    return key


def sign(build, work):
    """The path of the program, signed with Debian's test key."""
    key = test_key(work)
    # What was built is signed as it is: other tests boot it at this moment.
    ready = [word for name in ("X64", "AA64", "IA32") for word in ("-o", f"{build}/BOOT{name}.EFI")]
    subprocess.run(["make", "-s", "-C", ROOT, "BUILD=" + build, *ready, "sign", "KEY=" + key, f"CERT={KEYS}.pem"], check=True)
    return os.path.join(build, "signed", "BOOTX64.EFI")


CONFIG = os.path.join(ROOT, "efi", "dist", "mortise.cfg")


def make_stick(program, path, *more, config=CONFIG):
    maker = os.path.join(ROOT, "efi", "dist", "disk.py")
    words = [program + "=EFI/BOOT/BOOTX64.EFI", config + "=EFI/BOOT/mortise.cfg", *more]
    subprocess.run([sys.executable, maker, "gpt", path, *words], check=True)
    return path


def check_accepted(checks, stick, *more):
    """What the firmware said before the program."""
    with Machine("--firmware", "snakeoil", "--disk", stick, "--attach", "usb", *more) as machine:
        status = machine.wait()
    checks.check(status == 0 and "verdict: pass" in machine.text, f"the signed program boots to its verdict (status {status})")
    if status != 0:
        print(machine.text)
    return machine.text.partition("Mortise ")[0]


def more_sticks(sticks):
    """To be tried after the first, in this order."""
    words = []
    for number, path in enumerate(sticks, 1):
        words += [f"-drive if=none,id=stick{number},format=raw,file={path}", f"-device usb-storage,drive=stick{number},bootindex={number}"]
    return "--qemu", " ".join(words)


def test_secure(checks, build, work):
    """Three sticks in one machine: the firmware must refuse the first and the second."""
    program, changed = sign(build, work), os.path.join(work, "changed.efi")
    with open(program, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    with open(changed, "wb") as file:
        file.write(data)
    ending = os.path.join(work, "mortise.cfg")  # run.sh says exit=1 to the first stick alone
    with open(ending, "w", encoding="ascii") as file:
        file.write("exit=1\n")
    programs = os.path.join(build, "BOOTX64.EFI"), changed, program
    sticks = [make_stick(path, os.path.join(work, f"stick{number}.img"), config=ending) for number, path in enumerate(programs)]
    said = check_accepted(checks, sticks[0], *more_sticks(sticks[1:]))
    refused = re.findall(r"BdsDxe: failed to load .*/USB\(0x(\d),0x0\): (Access Denied|Security Violation)\r*\n", said)
    for number, what in enumerate(("a program that is not signed", "a signed program that was changed")):
        checks.check(str(number) in dict(refused), f"{what}: refused: {said[-600:]}")


def sign_file(work, source, name):
    target = os.path.join(work, name)
    subprocess.run(["sbsign", "--key", test_key(work), "--cert", KEYS + ".pem", "--output", target, source], check=True)
    return target


def without_sbat(work, program):
    with open(program, "rb") as file:
        data = file.read()
    path = os.path.join(work, "plain.efi")
    with open(path, "wb") as file:
        file.write(data.replace(b".sbat\0\0\0", b".zbat\0\0\0", 1))
    return path


def test_shim(checks, build, work):
    """shim starts what is called grubx64.efi beside it."""
    program, stick = os.path.join(build, "BOOTX64.EFI"), os.path.join(work, "stick.img")
    shim, signed = sign_file(work, SHIM, "shim.efi"), sign_file(work, program, "signed.efi")
    plain = sign_file(work, without_sbat(work, program), "refused.efi")
    check_accepted(checks, make_stick(shim, stick, signed + "=EFI/BOOT/grubx64.efi"))
    with Machine("--firmware", "snakeoil", "--disk", make_stick(shim, stick, plain + "=EFI/BOOT/grubx64.efi"),
                 "--attach", "usb") as machine:  # fmt: skip
        refused = machine.read_until("Security Policy Violation", "Security Violation", "Mortise ")
        checks.check(refused and "Mortise " not in machine.text, "a signed program without .sbat: refused by shim")


def main():
    tests = {"ia32": test_ia32, "secure": test_secure, "shim": test_shim}
    if len(sys.argv) != 3 or sys.argv[1] not in tests:
        sys.exit("usage: firmware_test.py ia32|secure|shim BUILD-FOLDER")
    checks = Checks()
    with tempfile.TemporaryDirectory() as work:
        tests[sys.argv[1]](checks, os.path.abspath(sys.argv[2]), work)
    sys.exit(checks.end())


if __name__ == "__main__":
    main()
