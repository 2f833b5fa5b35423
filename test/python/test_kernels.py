# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels: compiled once, cached, saved, loaded, shared by threads and
processes."""

import json
import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import attn


def count_kernels():
    statistics = attn.cache_statistics()
    return statistics["compiled"] + statistics["found_in_files"]


def test_one_compilation_for_all_lengths(make):
    before = count_kernels()
    for n in range(2, 102):
        q = make((1, n, 3, 8))
        attn.attention(q, q, q, mask=attn.causal(), q_offset=n)
    assert count_kernels() == before + 1
    # A single row is decoded by a kernel of its own.
    for n in range(1, 51):
        k = make((1, n, 3, 8))
        attn.attention(q[:, :1], k, k, mask=attn.causal(), q_offset=n)
    assert count_kernels() == before + 2


@pytest.mark.parametrize("name", ["scale", "softcap"])
def test_one_compilation_for_all_values(make, check, name):
    q = make((1, 20, 3, 40))
    check(q, q, q, **{name: 0.25})
    before = count_kernels()
    for value in (0.5, 3, np.float32(0.3), 1e-30, 0.25):
        check(q, q, q, **{name: value})
    assert count_kernels() == before
    with pytest.raises(attn.AttnError, match=f"{name}: given nan"):
        attn.attention(q, q, q, **{name: float("nan")}, return_lse=True)


def test_default_scale_is_code(make):
    q = make((1, 20, 3, 40))
    expected = attn.attention(q, q, q)
    before = count_kernels()
    assert (attn.attention(q, q, q, scale=40**-0.5) == expected).all()
    assert (attn.attention(q, q, q, softcap=0) == expected).all()
    assert count_kernels() == before


def test_progress(make, monkeypatch, capfd):
    q = make((1, 8, 5, 24))
    monkeypatch.setattr(attn.compiler, "PROGRESS_DELAY", 0.001)
    attn.attention(q, q, q, mask=attn.sliding_window(3))
    said = capfd.readouterr().err
    assert "attn: compiling attention of q f32 [?, ?, 5, 24], k f32" in said
    assert "for native ..." in said and "done after" in said
    monkeypatch.setenv("ATTN_PROGRESS", "0")
    attn.attention(q, q, q, mask=attn.sliding_window(4))
    monkeypatch.delenv("ATTN_PROGRESS")
    monkeypatch.setattr(attn.compiler, "PROGRESS_DELAY", 600)
    attn.attention(q, q, q, mask=attn.sliding_window(5))
    assert capfd.readouterr().err == ""


def test_kernel(make):
    q, k = make((2, 9, 4, 16)), make((2, 12, 2, 16))
    mask = attn.causal() | attn.prefix(3)
    kernel = attn.compile(q, k, k, mask=mask, softcap=3.0)
    expected = attn.attention(q, k, k, mask=mask, softcap=3.0)
    assert (kernel(q, k, k) == expected).all()
    longer = make((3, 70, 4, 16)), make((3, 90, 2, 16))
    expected = attn.attention(
        longer[0], longer[1], longer[1], mask=mask, softcap=3.0
    )
    assert (kernel(longer[0], longer[1], longer[1]) == expected).all()
    expected = attn.attention(q, k, k, mask=mask, softcap=4.0)
    assert (kernel(q, k, k, softcap=4.0) == expected).all()
    with pytest.raises(attn.AttnError, match="another problem"):
        kernel(q, k, k, softcap=None)
    with pytest.raises(attn.AttnError, match="another problem"):
        kernel(q[:, :, :2], k, k)
    with pytest.raises(attn.AttnError, match="colour: no such argument"):
        kernel(q, k, k, colour="red")


@pytest.mark.parametrize(
    "stage, mark",
    [
        ("attn", "attn.attention"),
        ("configured", "#attn.config"),
        ("online", "attn.launch"),
        ("tile", "!attn.tile"),
        ("llvm", "llvm.func"),
        ("llvm-ir", "define "),
        ("asm", ".text"),
        ("object", b"ELF"),
    ],
)
def test_stages(make, stage, mark):
    q = make((2, 9, 4, 16))
    kernel = attn.compile(q, q, q, mask=attn.causal())
    assert mark in kernel.ir(stage)


def test_unknown_stage(make):
    q = make((2, 9, 4, 16))
    with pytest.raises(attn.AttnError, match="no stage 'ptx'"):
        attn.compile(q, q, q).ir("ptx")


RUN_SAVED = """
    import sys
    import numpy as np
    import attn

    kernel = attn.load(sys.argv[1])
    q = np.load(sys.argv[2])
    out, lse = kernel(q, q, q, kv_lens=[5, 9])
    np.save(sys.argv[3], out)
    maps = open("/proc/self/maps").read()
    assert "libLLVM" not in maps and "libMLIR" not in maps
    assert "libattn-c" in maps
"""


def run_python(text, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), *map(str, arguments)],
        env=dict(os.environ, **environment),
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_saved_kernel_runs_without_llvm(make, tmp_path):
    q = make((2, 9, 4, 16))
    arguments = dict(
        mask=attn.causal() & attn.sliding_window(4),
        kv_lens=[5, 9],
        q_offset="bottom_right",
        return_lse=True,
    )
    kernel = attn.compile(q, q, q, **arguments)
    path, data, result = (tmp_path / n for n in ("k", "q.npy", "out.npy"))
    kernel.save(path)
    np.save(data, q)
    done = run_python(RUN_SAVED, path, data, result)
    assert done.returncode == 0, done.stderr
    expected, _ = attn.attention(q, q, q, **arguments)
    assert (np.load(result) == expected).all()


def test_damaged_file(make, tmp_path):
    q = make((2, 9, 4, 16))
    path = tmp_path / "kernel"
    attn.compile(q, q, q).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(attn.AttnError, match="damaged"):
        attn.load(path)
    with pytest.raises(OSError, match="No such file"):
        attn.load(tmp_path / "missing")


def test_threads(make):
    inputs = [make((2, n, 4, 16)) for n in range(8, 16)]
    expected = [attn.attention(q, q, q, softcap=1.5) for q in inputs]
    wrong = []

    def work(seed):
        order = np.random.default_rng(seed).integers(0, len(inputs), 40)
        for index in order:
            q = inputs[index]
            # A problem of its own for each seed, and one that all share.
            attn.attention(q, q, q, mask=attn.sliding_window(seed))
            out = attn.attention(q, q, q, softcap=1.5)
            if not (out == expected[index]).all():
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


COMPILE = """
    import json
    import numpy as np
    import attn

    q = np.ones((1, 8, 2, 16), np.float32)
    for left in (1, 2, 3):
        out = attn.attention(q, q, q, mask=attn.sliding_window(left))
        assert (out == 1).all()
    print(json.dumps(attn.cache_statistics()))
"""


def start(directory):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(COMPILE)],
        env=dict(os.environ, ATTN_CACHE_DIR=str(directory)),
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    return json.loads(output)


def test_two_processes_share_a_cache(tmp_path):
    cache = tmp_path / "cache"
    for statistics in [finish(p) for p in (start(cache), start(cache))]:
        assert statistics["failed_writes"] == 0
        assert statistics["compiled"] + statistics["found_in_files"] == 3
    assert cache.stat().st_mode & 0o777 == 0o700
    assert finish(start(cache))["found_in_files"] == 3
    assert len(list(cache.iterdir())) == 3


def test_interrupted_and_tampered_entries(tmp_path):
    cache = tmp_path / "cache"
    finish(start(cache))
    first, second, third = sorted(cache.iterdir())
    # As a process leaves them that is killed while it writes, or after a
    # crash of the machine; and one with a changed byte.
    (cache / (first.name + ".123.0.tmp")).write_bytes(b"half")
    first.write_bytes(first.read_bytes()[:1000])
    second.write_bytes(b"")
    data = bytearray(third.read_bytes())
    data[100] ^= 255
    third.write_bytes(data)
    statistics = finish(start(cache))
    assert statistics["compiled"] == 3
    assert statistics["damaged_files"] == 3
    assert finish(start(cache))["found_in_files"] == 3


def test_killed_while_compiling(tmp_path):
    cache = tmp_path / "cache"
    process = start(cache)
    while not (cache.is_dir() and list(cache.iterdir())):
        assert process.poll() is None
    process.kill()
    process.communicate()
    statistics = finish(start(cache))
    assert statistics["compiled"] + statistics["found_in_files"] == 3


def test_cache_off():
    done = run_python(COMPILE, ATTN_CACHE_DIR="")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["compiled"] == 3


def test_refused_cache_directory(tmp_path):
    tmp_path.chmod(0o777)
    done = run_python(COMPILE, ATTN_CACHE_DIR=str(tmp_path))
    assert "must belong to this user and be writable by nobody" in done.stderr
