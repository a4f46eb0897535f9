"""Mounts a file system on the folder that is named, in which every look-up hangs until its process is killed.

It speaks the kernel's FUSE protocol (linux/fuse.h): it answers the first request, FUSE_INIT, those about the root
folder, and the one that asks it to give up another (FUSE_INTERRUPT), which comes when a process is killed.
"""

import ctypes
import os
import struct
import sys

FUSE_GETATTR, FUSE_STATFS, FUSE_GETXATTR, FUSE_INIT, FUSE_OPENDIR, FUSE_ACCESS = 3, 17, 22, 26, 27, 34
FUSE_INTERRUPT = 36
OUT_HEADER, EINTR, ENOSYS = struct.Struct("<IiQ"), 4, 38


def reply(fuse, unique, body=b"", error=0):
    os.write(fuse, OUT_HEADER.pack(OUT_HEADER.size + len(body), -error, unique) + body)


def root_attributes():
    attributes = struct.pack("<QQQQQQIIIIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40777, 2, 0, 0, 0, 4096, 0)
    return struct.pack("<QII", 3600, 0, 0) + attributes


def main(folder):
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hanging", folder.encode(), b"fuse", 0, options) != 0:
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    print("mounted", flush=True)
    while True:
        try:
            request = os.read(fuse, 1 << 20)
        except OSError:
            # It is unmounted.
            return
        opcode, unique = struct.unpack_from("<IQ", request, 4)
        if opcode == FUSE_INIT:
            body = struct.pack("<IIIIHHIIHHIIII", 7, 31, 0, 0, 0, 0, 4096, 0, 0, 0, 0, 0, 0, 0)
            reply(fuse, unique, body + b"\0" * (64 - len(body)))
        elif opcode == FUSE_GETATTR:
            reply(fuse, unique, root_attributes())
        elif opcode == FUSE_INTERRUPT:
            (interrupted,) = struct.unpack_from("<Q", request, 40)
            reply(fuse, interrupted, error=EINTR)
        elif opcode in (FUSE_STATFS, FUSE_GETXATTR, FUSE_OPENDIR, FUSE_ACCESS):
            reply(fuse, unique, error=ENOSYS)


main(sys.argv[1])
