#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Records what NVIDIA hardware computes, for the tests of the emulator.

  scripts/record_goldens.py prepare DIR       here: PTX of every operation
  scripts/record_goldens.py run DIR FILE      on the GPU: outputs as JSON

`run` needs a CUDA driver and nothing else. The outputs that are checked in are
test/Emulator/Inputs/goldens.json; test/Emulator/hardware.test compares.
"""

import base64
import ctypes
import json
import pathlib
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "test/Emulator/Inputs"))
import gpu_operations  # noqa: E402

LLC = ["llc-22", "-mtriple=nvptx64-nvidia-cuda", "-mcpu=sm_90a", "-mattr=+ptx84"]


def prepare(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for kernel in gpu_operations.kernels():
        ptx = subprocess.run(
            LLC + ["-O3", "-o", "-"], input=kernel.text(), text=True, check=True,
            stdout=subprocess.PIPE,
        ).stdout  # fmt: skip
        (directory / f"{kernel.name}.ptx").write_text(ptx)


class Driver:
    """The few calls of the CUDA driver that are needed, with checks."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")
        self.call("cuInit", 0)
        self.device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(self.device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self.call("cuCtxSetCurrent", context)

    def call(self, function, *arguments):
        status = getattr(self.library, function)(*arguments)
        if status:
            raise SystemExit(f"{function} failed with {status}")

    def name(self):
        text = ctypes.create_string_buffer(100)
        self.call("cuDeviceGetName", text, 100, self.device)
        return text.value.decode()

    def allocate(self, size):
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address

    def run(self, ptx, kernel, words):
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), ptx)
        self.call(
            "cuModuleGetFunction", ctypes.byref(function), module, kernel.name.encode()
        )
        given = struct.pack(f"<{len(words)}I", *words)
        size = kernel.threads * kernel.stores * 4
        source, result = self.allocate(len(given)), self.allocate(size)
        self.call("cuMemcpyHtoD_v2", source, given, ctypes.c_size_t(len(given)))
        self.call("cuMemsetD8_v2", result, 0xFF, ctypes.c_size_t(size))
        parameters = (ctypes.c_void_p * 2)(
            *[ctypes.cast(ctypes.byref(p), ctypes.c_void_p) for p in (source, result)]
        )
        self.call(
            "cuLaunchKernel", function, 1, 1, 1, kernel.threads, 1, 1, kernel.shared,
            None, parameters, None,
        )  # fmt: skip
        output = ctypes.create_string_buffer(size)
        self.call("cuMemcpyDtoH_v2", output, result, ctypes.c_size_t(size))
        return output.raw


def run(directory, file):
    driver = Driver()
    outputs = {}
    for kernel in gpu_operations.kernels():
        ptx = (directory / f"{kernel.name}.ptx").read_bytes()
        for data in gpu_operations.data_of(kernel):
            output = driver.run(ptx, kernel, kernel.inputs(data))
            packed = base64.b64encode(zlib.compress(output, 9)).decode()
            outputs[f"{kernel.name} {data}"] = packed
    goldens = {"device": driver.name(), "outputs": outputs}
    file.write_text(json.dumps(goldens, indent=1) + "\n")


def main():
    arguments = [pathlib.Path(a) for a in sys.argv[2:]]
    if sys.argv[1:2] == ["prepare"] and len(arguments) == 1:
        prepare(*arguments)
    elif sys.argv[1:2] == ["run"] and len(arguments) == 2:
        run(*arguments)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
