# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels for GPUs on the emulator, whose memory is the process's own."""

import ctypes

import numpy as np

from . import _library
from ._library import LIBRARY, check

_POINTER = ctypes.c_void_p
_HANDLE = ctypes.POINTER(ctypes.c_void_p)

#: Workspace begins at a multiple of this.
_ALIGNMENT = 256


class _RunOptions(ctypes.Structure):
    """AttnDeviceRunOptions."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("stream", ctypes.c_void_p),
        ("workspace", ctypes.c_void_p),
        ("workspace_size", ctypes.c_size_t),
    ]


_library.bind(
    LIBRARY,
    [
        (
            "attnDeviceOpen",
            _POINTER,
            [ctypes.c_char_p, _POINTER, _HANDLE],
        ),
        ("attnDeviceKernelCreate", _POINTER, [_POINTER, _POINTER, _HANDLE]),
        ("attnDeviceKernelDestroy", None, [_POINTER]),
        (
            "attnDeviceKernelGetWorkspaceSize",
            _POINTER,
            [
                _POINTER,
                _POINTER,
                ctypes.c_size_t,
                ctypes.POINTER(ctypes.c_size_t),
            ],
        ),
        (
            "attnDeviceKernelRun",
            _POINTER,
            [_POINTER, _POINTER, ctypes.c_size_t, _POINTER],
        ),
    ],
)

#: Open devices by name; they stay open.
_devices: dict = {}


def _open(name):
    if name not in _devices:
        handle = ctypes.c_void_p()
        check(LIBRARY.attnDeviceOpen(name.encode(), None, ctypes.byref(handle)))
        _devices[name] = handle
    return _devices[name]


class DeviceKernel:
    """A kernel loaded on a device."""

    def __init__(self, device, binary):
        self.handle = ctypes.c_void_p()
        check(
            LIBRARY.attnDeviceKernelCreate(
                _open(device), binary.handle, ctypes.byref(self.handle)
            )
        )

    def __del__(self):
        LIBRARY.attnDeviceKernelDestroy(self.handle)

    def run(self, arrays, count):
        """Runs on `count` arrays at the address `arrays` to the end."""
        size = ctypes.c_size_t()
        check(
            LIBRARY.attnDeviceKernelGetWorkspaceSize(
                self.handle, arrays, count, ctypes.byref(size)
            )
        )
        options = _RunOptions(ctypes.sizeof(_RunOptions))
        memory = np.empty(size.value + _ALIGNMENT, np.uint8)
        begin = memory.ctypes.data
        options.workspace = begin + -begin % _ALIGNMENT
        options.workspace_size = size.value
        check(
            LIBRARY.attnDeviceKernelRun(
                self.handle, arrays, count, ctypes.byref(options)
            )
        )
