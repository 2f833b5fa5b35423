# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is prepared once for calls that look alike."""

import ctypes

import numpy as np

from . import _arrays, _library
from ._build import Builder
from ._arrays import address
from ._device import DeviceKernel, find_place, find_target
from ._library import LIBRARY, check
from .compiler import RUN_OPTIONS, compile_text
from .errors import AttnError

_run = LIBRARY.attnKernelRun
_options = ctypes.byref(RUN_OPTIONS)
_torch_run_options = _library.RunOptions(RUN_OPTIONS.size)
_torch_options = ctypes.byref(_torch_run_options)


def _use_torch_threads():
    """Options for as many threads as PyTorch uses. Its OpenMP runtime and ours
    have one name, so that the process has one of them, and one pool."""
    import torch

    threads = RUN_OPTIONS.threads or torch.get_num_threads()
    _torch_run_options.threads = threads
    return _torch_options


class _Frame:
    """The array descriptors of one call in flight; only pointers change."""

    def __init__(self, operands):
        self.arrays = (_library.Array * len(operands))()
        self.keep = []
        self.pointers = []
        offset = _library.Array.data.offset
        for index, operand in enumerate(operands):
            rank = len(operand.sizes)
            sizes = (ctypes.c_int64 * rank)(*operand.sizes)
            strides = (ctypes.c_int64 * rank)(*operand.strides)
            self.keep += [sizes, strides]
            array = self.arrays[index]
            array.type = _library.DATA_TYPES[operand.dtype]
            array.rank = rank
            array.sizes = sizes
            array.strides = strides
            self.pointers.append(
                ctypes.c_void_p.from_buffer(
                    self.arrays, index * ctypes.sizeof(_library.Array) + offset
                )
            )
        self.address = ctypes.addressof(self.arrays)


class Plan:
    """A kernel, and how the arguments of a call become its arrays."""

    def __init__(self, call, binary=None):
        self.place = find_place(call)
        with _arrays.on_device(self.place):
            builder = Builder(call).build()
        self.builder = builder
        self.text = builder.text
        self.target = find_target(call, self.place)
        self.operands = builder.problem.operands
        self.like = builder.q.view
        self.has_out = call["out"] is not None
        self.return_lse = bool(call["return_lse"])
        self.binary = binary or compile_text(
            self.text, self.target, call["device"]
        )
        self.handle = self.binary.handle
        #: Runs the kernel where the target is no CPU.
        self.device_kernel = None
        if call["device"] not in (None, "cpu"):
            self.device_kernel = DeviceKernel(
                call["device"], self.place, self.binary
            )
        self.count = len(self.operands)
        self.frames = []
        self.out_shape = builder.out_shape
        self.lse_shape = builder.lse_shape if self.return_lse else None

    def bind(self, call):
        """A short way, (q, k, v) -> result, for calls with the numbers of this
        one. It is for q, k and v that are all NumPy's or all PyTorch's; calls
        with more arrays have none."""
        numbers = [o for o in self.operands if o.name in ("scale", "softcap")]
        if self.device_kernel:
            return None
        if self.has_out or self.count != 4 + len(numbers) + self.return_lse:
            return None
        builder = self.builder
        kinds = {m.view.kind for m in (builder.q, builder.k, builder.v)}
        if kinds == {"numpy"}:
            return _NumpyCall(self, numbers, call).run
        if kinds == {"torch"}:
            return _TorchCall(self, numbers, call).run
        return None

    def run(self, call):
        """Runs on the arguments of a call, by name."""
        if self.place == _arrays.CPU:
            return self._run(call)
        with _arrays.on_device(self.place):
            return self._run(call)

    def _run(self, call):
        out, lse = call["out"], None
        if not self.has_out:
            out = _arrays.allocate(
                self.out_shape, self.builder.out_dtype, self.like
            )
        elif isinstance(out, np.ndarray) and not out.flags.writeable:
            raise AttnError("out: is read-only")
        if self.return_lse:
            lse = _arrays.allocate(self.lse_shape, "float32", self.like)
        frame = self.frames.pop() if self.frames else _Frame(self.operands)
        owners = []
        for operand, pointer in zip(self.operands, frame.pointers):
            if operand.name == "lse":
                seen = _arrays.view(lse, "lse")
                pointer.value = seen.pointer
            elif operand.name == "out":
                seen = _arrays.view(out, "out")
                pointer.value = seen.pointer
            else:
                pointer.value, owner = operand.fetch(call)
                owners.append(owner)
        if self.device_kernel:
            self.device_kernel.run(frame.address, self.count, self.like)
        else:
            options = (
                _use_torch_threads() if self.like.kind == "torch" else _options
            )
            check(_run(self.handle, frame.address, self.count, options))
        self.frames.append(frame)
        if not self.has_out:
            out = _arrays.as_callers_kind(out, self.like)
        if not self.return_lse:
            return out
        return out, _arrays.as_callers_kind(lse, self.like)


class _ShortCall:
    """Calls of a plan that differ in the memory of q, k and v alone."""

    def __init__(self, plan, numbers, call):
        self.plan = plan
        self.handle = plan.handle
        self.count = plan.count
        self.out_shape = plan.out_shape
        self.lse_shape = plan.lse_shape
        self.numbers = [operand.fetch(call) for operand in numbers]
        self.out_index = 3 + len(numbers)
        self.frames = []

    def take_frame(self):
        if self.frames:
            return self.frames.pop()
        frame = _Frame(self.plan.operands)
        for pointer, (memory, _) in zip(frame.pointers[3:], self.numbers):
            pointer.value = memory
        return frame


class _NumpyCall(_ShortCall):
    def __init__(self, plan, numbers, call):
        super().__init__(plan, numbers, call)
        self.out_type = _arrays.numpy_dtype(plan.builder.out_dtype)

    def run(self, q, k, v):
        out = np.empty(self.out_shape, self.out_type)
        frame = self.take_frame()
        pointers = frame.pointers
        pointers[0].value = address(q)
        pointers[1].value = address(k)
        pointers[2].value = address(v)
        pointers[self.out_index].value = address(out)
        result = out
        if self.lse_shape is not None:
            lse = np.empty(self.lse_shape, np.float32)
            pointers[-1].value = address(lse)
            result = (out, lse)
        error = _run(self.handle, frame.address, self.count, _options)
        self.frames.append(frame)
        if error:
            check(error)
        return result


class _TorchCall(_ShortCall):
    def __init__(self, plan, numbers, call):
        super().__init__(plan, numbers, call)
        import torch

        self.torch = torch
        self.out_type = getattr(torch, plan.builder.out_dtype)

    def run(self, q, k, v):
        empty = self.torch.empty
        out = empty(self.out_shape, dtype=self.out_type)
        frame = self.take_frame()
        pointers = frame.pointers
        pointers[0].value = q.data_ptr()
        pointers[1].value = k.data_ptr()
        pointers[2].value = v.data_ptr()
        pointers[self.out_index].value = out.data_ptr()
        result = out
        if self.lse_shape is not None:
            lse = empty(self.lse_shape, dtype=self.torch.float32)
            pointers[-1].value = lse.data_ptr()
            result = (out, lse)
        _torch_run_options.threads = (
            RUN_OPTIONS.threads or self.torch.get_num_threads()
        )
        error = _run(self.handle, frame.address, self.count, _torch_options)
        self.frames.append(frame)
        if error:
            check(error)
        return result
