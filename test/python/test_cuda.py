# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""device="cuda": on a driver for tests, and on a GPU where there is one.

A machine with a GPU and PyTorch, but no compiler, runs this file with kernels
that were made elsewhere:

    python3 test_cuda.py FOLDER                              # here
    ATTN_CUDA_KERNELS=FOLDER python3 -m pytest test_cuda.py  # there
"""

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest

import attn

#: Where the build has its drivers for tests.
FAKE = os.environ.get("ATTN_FAKE_CUDA")
KERNELS = os.environ.get("ATTN_CUDA_KERNELS")


def has_driver():
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


# ---- Without a GPU -----------------------------------------------------------


@pytest.mark.skipif(has_driver(), reason="there is a driver")
@pytest.mark.parametrize("device", ["cuda", "hip"])
def test_no_driver_is_told_by_name(device):
    q = np.zeros((1, 8, 1, 16), np.float16)
    with pytest.raises((RuntimeError, OSError), match="no (CUDA|HIP) "):
        attn.attention(q, q, q, target="sm_80", device=device)


# Arrays of a fake device, whose memory is the process's own.
ON_FAKE = """
import ctypes, sys
import numpy as np
import attn

class OnDevice:
    def __init__(self, array, number=0):
        self.array, self.number = array, number
    def __dlpack_device__(self):
        return (2, self.number)
    def __dlpack__(self, stream=None):
        assert stream == 1
        return self.array.__dlpack__()

driver = ctypes.CDLL("libcuda.so.1")
driver.fakeCudaTakeLog.restype = ctypes.c_char_p

def take_launches():
    log = driver.fakeCudaTakeLog().decode(errors="replace")
    return [l.split() for l in log.splitlines() if l.startswith("launch")]

def make(*shape, dtype=np.float16):
    return OnDevice(np.zeros(shape, dtype))

def refused(*arrays, **arguments):
    try:
        attn.attention(*arrays, device="cuda", **arguments)
    except (attn.AttnError, attn.UnsupportedError) as error:
        return str(error)
    raise AssertionError("not refused")

q, k, v, out = (make(1, 70, 2, 16) for _ in range(4))
"""


def run_on_fake(script):
    if not FAKE:
        pytest.skip("ATTN_FAKE_CUDA is not set")
    environment = dict(os.environ, LD_LIBRARY_PATH=FAKE)
    # PTX alone is quicker.
    environment["PATH"] = "/nowhere"
    subprocess.run(
        [sys.executable, "-c", ON_FAKE + script], env=environment, check=True
    )


def test_dlpack_arrays_are_not_copied():
    run_on_fake("""
attn.attention(q, k, v, out=out, device="cuda")
(launch,) = take_launches()
assert "stream 0 slots" in " ".join(launch), launch
for array in (q, k, v, out):
    assert str(array.array.ctypes.data) in launch
# The same plan again, and lengths of the device.
again, lens = make(1, 70, 2, 16), make(1, dtype=np.int32)
attn.attention(again, k, v, out=out, kv_lens=lens, device="cuda")
(launch,) = take_launches()
assert str(again.array.ctypes.data) in launch
assert str(lens.array.ctypes.data) in launch
# A scalar is read here.
attn.attention(q, k, v, out=out, scale=0.3, device="cuda")
assert len(take_launches()) == 1
""")


def test_arrays_have_to_be_on_one_device():
    run_on_fake("""
host = np.zeros((1, 70, 2, 16), np.float16)
assert "q: is in host memory" in refused(host, k, v)
assert "k: is in host memory" in refused(q, host, v)
other = OnDevice(host, 1)
assert "v: is on device DLPack device (2, 1), q on device 0" in refused(q, k, other)
assert "out: results on a device" in refused(q, k, v)
lens = make(1, dtype=np.int64)
text = refused(q, k, v, out=out, kv_lens=lens)
assert "kv_lens: given element type int64, expected int32 on a device" in text
lens = make(1, dtype=np.int32)
text = refused(q, k, v, out=out, kv_lens=lens, q_offset="bottom_right")
assert "kv_lens: is read on the host here" in text, text
text = refused(q, k, v, out=out, kv_lens=[3])
assert "kv_lens" in text, text
""")


def test_workspace_is_pytorchs():
    run_on_fake("""
text = refused(q, k, v, out=out, num_splits=2)
assert "of memory on the device, which are taken for PyTorch" in text, text
""")


# ---- On a GPU ----------------------------------------------------------------

SHAPE = (2, 300, 4, 64)
PROBLEMS = {
    "full": {},
    "causal": {"mask": attn.causal()},
    "lens": {"kv_lens": np.array([300, 77], np.int32), "return_lse": True},
    "splits": {"num_splits": 3},
}


def make_kernels(folder):
    os.makedirs(folder, exist_ok=True)
    q = np.zeros(SHAPE, np.float16)
    for name, arguments in PROBLEMS.items():
        kernel = attn.compile(q, q, q, target="sm_80", **arguments)
        kernel.save(os.path.join(folder, name + ".attnk"))


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch


def call(torch, name, tensors, **more):
    """attn.attention for a problem, by a kernel from a file if there are."""
    arguments = dict(PROBLEMS[name], device="cuda", **more)
    if "kv_lens" in arguments:
        arguments["kv_lens"] = torch.tensor(arguments["kv_lens"]).cuda()
    if not KERNELS:
        return lambda: attn.attention(*tensors, **arguments)
    kernel = attn.load(os.path.join(KERNELS, name + ".attnk"))
    arguments.pop("mask", None)
    arguments.pop("num_splits", None)
    return lambda: kernel(*tensors, **arguments)


def make_tensors(torch):
    torch.manual_seed(0)
    return [torch.randn(SHAPE).half().cuda() for _ in range(3)]


def expect(torch, name, tensors):
    q, k, v = (t.double().transpose(1, 2) for t in tensors)
    scores = q @ k.transpose(2, 3) / SHAPE[-1] ** 0.5
    keys = torch.arange(SHAPE[1], device="cuda")
    if name == "causal":
        scores = scores.masked_fill(keys[:, None] < keys, float("-inf"))
    if name == "lens":
        lens = torch.tensor(PROBLEMS[name]["kv_lens"]).cuda()
        hidden = keys >= lens[:, None, None, None]
        scores = scores.masked_fill(hidden, float("-inf"))
    return (scores.softmax(-1) @ v).transpose(1, 2), scores.logsumexp(-1)


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_tensors_of_the_device(torch, name):
    tensors = make_tensors(torch)
    out = torch.full(SHAPE, float("nan"), dtype=torch.half, device="cuda")
    result = call(torch, name, tensors, out=out)()
    given, lse = result if isinstance(result, tuple) else (result, None)
    assert given.data_ptr() == out.data_ptr()
    expected, expected_lse = expect(torch, name, tensors)
    assert (out.double() - expected).abs().max() < 2e-3
    if lse is not None:
        assert (lse.double() - expected_lse).abs().max() < 1e-3


@pytest.mark.parametrize("name", ["causal", "splits"])
def test_current_stream_and_graphs(torch, name):
    tensors = make_tensors(torch)
    run = call(torch, name, tensors)
    expected = run()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        # Long work before, which a call on another stream would overtake.
        torch.cuda._sleep(100_000_000)
        tensors[0].mul_(0.5)
        scaled = run()
        tensors[0].mul_(2)
        again = run()
    stream.synchronize()
    assert torch.equal(again, expected)
    assert not torch.equal(scaled, expected)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = run()
    captured.zero_()
    graph.replay()
    assert torch.equal(captured, expected)


if __name__ == "__main__":
    make_kernels(sys.argv[1])
