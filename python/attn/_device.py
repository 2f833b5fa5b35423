# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels for GPUs: on a GPU, or on the emulator, whose memory is the
process's own."""

import ctypes
import re

import numpy as np

from . import _arrays, _library
from ._library import LIBRARY, check
from .errors import AttnError

_POINTER = ctypes.c_void_p
_HANDLE = ctypes.POINTER(ctypes.c_void_p)

#: Workspace begins at a multiple of this.
_ALIGNMENT = 256


#: Kinds of devices, and what DLPack calls their arrays.
_KINDS = {
    "emulator": _arrays.CPU[0],
    "cuda": _arrays.CUDA,
    "hip": _arrays.HIP,
}


class _DeviceOptions(ctypes.Structure):
    """AttnDeviceOptions."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("ordinal", ctypes.c_int),
        ("seed", ctypes.c_uint64),
        ("ignore_races", ctypes.c_int),
        ("eager_copies", ctypes.c_int),
    ]


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
        ("attnDeviceGetName", ctypes.c_char_p, [_POINTER]),
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

#: Open devices by kind and number; they stay open.
_devices: dict = {}


def _open(kind, ordinal):
    if (kind, ordinal) not in _devices:
        options = _DeviceOptions(ctypes.sizeof(_DeviceOptions), ordinal)
        handle = ctypes.c_void_p()
        check(
            LIBRARY.attnDeviceOpen(
                kind.encode(), ctypes.byref(options), ctypes.byref(handle)
            )
        )
        _devices[kind, ordinal] = handle
    return _devices[kind, ordinal]


def find_place(call):
    """Where the arrays of a call are, as DLPack says it: where q is."""
    kind = call["device"]
    if kind in (None, "cpu"):
        return _arrays.CPU
    if kind not in _KINDS:
        raise AttnError(
            f"device: given {kind!r}, expected None, 'cpu' or, with a GPU as "
            "target, 'cuda', 'hip' or 'emulator'"
        )
    place = _arrays.get_device(call["q"])
    if place[0] != _KINDS[kind]:
        # Without a driver that is what is wrong.
        _open(kind, 0)
        where = "in host memory" if place == _arrays.CPU else "on another one"
        expected = "on a GPU" if kind != "emulator" else "in host memory"
        raise AttnError(
            f"q: is {where}; device={kind!r} takes arrays {expected}"
        )
    return place


def find_target(call, place):
    """The target of a call: that of the device, if it says one."""
    if call["device"] != "cuda" or call["target"] != "native":
        return call["target"]
    name = LIBRARY.attnDeviceGetName(_open("cuda", place[1])).decode()
    capability = re.search(r"compute capability (\d+)\.(\d+)", name)
    return "sm_" + "".join(capability.groups())


class DeviceKernel:
    """A kernel loaded on a device."""

    def __init__(self, kind, place, binary):
        ordinal = 0 if place == _arrays.CPU else place[1]
        self.place = place
        self.handle = ctypes.c_void_p()
        check(
            LIBRARY.attnDeviceKernelCreate(
                _open(kind, ordinal), binary.handle, ctypes.byref(self.handle)
            )
        )

    def __del__(self):
        LIBRARY.attnDeviceKernelDestroy(self.handle)

    def run(self, arrays, count, like):
        """Runs on `count` arrays at the address `arrays`: on the emulator to
        the end, on a GPU behind what is on the current stream. `like` is a view
        of one of them."""
        size = ctypes.c_size_t()
        check(
            LIBRARY.attnDeviceKernelGetWorkspaceSize(
                self.handle, arrays, count, ctypes.byref(size)
            )
        )
        options = _RunOptions(ctypes.sizeof(_RunOptions))
        memory, begin = self._allocate(size.value, like)
        options.workspace = begin
        options.workspace_size = size.value
        if like.kind == "torch" and self.place != _arrays.CPU:
            import torch

            stream = torch.cuda.current_stream(self.place[1])
            options.stream = stream.cuda_stream
        check(
            LIBRARY.attnDeviceKernelRun(
                self.handle, arrays, count, ctypes.byref(options)
            )
        )
        # PyTorch gives it away behind the call on this stream.
        del memory

    def _allocate(self, size, like):
        """Memory of `size` bytes and where it begins."""
        if self.place == _arrays.CPU:
            memory = np.empty(size + _ALIGNMENT, np.uint8)
            begin = memory.ctypes.data
            return memory, begin + -begin % _ALIGNMENT
        if size == 0:
            return None, None
        if like.kind != "torch":
            raise AttnError(
                f"q: the call needs {size} bytes of memory on the device, which "
                "are taken for PyTorch tensors only"
            )
        import torch

        memory = torch.empty(
            size + _ALIGNMENT, dtype=torch.uint8, device=like.owner.device
        )
        begin = memory.data_ptr()
        return memory, begin + -begin % _ALIGNMENT
