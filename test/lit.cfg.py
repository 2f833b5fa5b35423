# How lit runs the tests of Attn. The build tree's lit.site.cfg.py sets the
# paths and then loads this file.

import ctypes
import glob
import os
import platform
import shutil
import subprocess
import sys

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "Attn"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".c"]
config.excludes = ["CMakeLists.txt", "lit.cfg.py", "lit.site.cfg.py", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.attn_obj_root, "test")

# `./run test --nightly` asks for more of the random tests, and all of the grid.
nightly = os.environ.get("ATTN_NIGHTLY") == "1"
if nightly:
    config.available_features.add("nightly")

# A hanging test must not hang the run.
sys.path.append(config.test_source_root)
from time_limit import get_time_limit, set_time_limit

set_time_limit(lit_config, get_time_limit(nightly, bool(config.attn_sanitize)))

# ---- Tools -------------------------------------------------------------------

attn_tools_dir = os.path.join(config.attn_obj_root, "bin")
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_environment("PATH", attn_tools_dir, append_path=True)
llvm_config.with_environment("FILECHECK_OPTS", "-enable-var-scope")
llvm_config.with_system_environment(["HOME", "TMPDIR", "CCACHE_DIR"])

# ATTN_OPT_ROUNDTRIP=1 makes every attn-opt run also print and re-parse its IR,
# as text and as bytecode, and compare; runs that ask for it themselves excepted.
if os.environ.get("ATTN_OPT_ROUNDTRIP") == "1":
    config.substitutions.append(
        (
            r"(?<![-./\w])attn-opt(?![-.\w])(?!.*--verify-roundtrip)",
            os.path.join(attn_tools_dir, "attn-opt") + " --verify-roundtrip",
        )
    )
llvm_config.add_tool_substitutions(
    [
        ToolSubst("attn-opt", unresolved="ignore"),
        ToolSubst("attn-runner", unresolved="ignore"),
        ToolSubst("attn-emulate", unresolved="ignore"),
        ToolSubst("attn-gen", unresolved="ignore"),
        ToolSubst("attn-compile", unresolved="ignore"),
        ToolSubst("FileCheck", unresolved="fatal"),
        ToolSubst("not", unresolved="fatal"),
        ToolSubst("count", unresolved="fatal"),
        ToolSubst("split-file", unresolved="fatal"),
        ToolSubst("mlir-opt", unresolved="ignore"),
    ],
    [attn_tools_dir, config.llvm_tools_dir],
)
config.substitutions += [
    ("%attn_src", config.attn_src_root),
    ("%attn_obj", config.attn_obj_root),
    ("%host_cc", config.host_cc),
    ("%python", sys.executable),
    ("%lit", config.lit),
    ("%shlibext", config.shlibext),
    ("%llvm_tools", config.llvm_tools_dir),
    ("%mlir_include", config.mlir_include_dir),
    ("%cmake", config.cmake),
    # Of a project that finds the installed Attn.
    ("%embedding_options", " ".join(config.cmake_options)),
]



def current_commit():
    """Seed of random tests: others for every commit, the same on every run."""
    try:
        return subprocess.run(
            ["git", "-C", config.attn_src_root, "rev-parse", "HEAD"],
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "attn"  # no git, or no repository


config.substitutions.append(("%commit", current_commit()))
config.substitutions += [
    # Random problems of one run, and those on the emulator.
    ("%problems", "2000" if nightly else "200"),
    ("%gpu_problems", "500" if nightly else "25"),
    # Which rows of the grid run on the emulator.
    ("%gpu_rows", "--every=1" if nightly else "--every=4"),
    # Which of them run in f32 where their table says so: those are slow.
    ("%gpu_f32_rows", "--every=1" if nightly else "--every=24 --first=7"),
]

# ---- Features ----------------------------------------------------------------


def cpu_flags():
    """Instruction sets of this machine as /proc/cpuinfo names them."""
    try:
        with open("/proc/cpuinfo") as cpuinfo:
            for line in cpuinfo:
                if line.startswith(("flags", "Features")):
                    return set(line.split(":", 1)[1].split())
    except OSError:
        pass
    return set()


def add_feature_if(feature, present):
    if present:
        config.available_features.add(feature)


def has_gpu(library, init, count):
    """Whether a driver is there and finds a device."""
    try:
        driver = ctypes.CDLL(library)
        number = ctypes.c_int(0)
        return (
            getattr(driver, init)(0) == 0
            and getattr(driver, count)(ctypes.byref(number)) == 0
            and number.value > 0
        )
    except (OSError, AttributeError):
        return False


add_feature_if("cuda", has_gpu("libcuda.so.1", "cuInit", "cuDeviceGetCount"))
add_feature_if("hip", has_gpu("libamdhip64.so", "hipInit", "hipGetDeviceCount"))
flags = cpu_flags()
avx512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
add_feature_if(platform.machine(), True)  # x86_64, aarch64
add_feature_if("avx2", {"avx2", "fma"} <= flags)
add_feature_if("avx512", avx512 <= flags)
add_feature_if("avx512bf16", avx512 | {"avx512_bf16"} <= flags)
# `sanitizer`: stock LLVM tools cannot load our instrumented plugin, and an
# address-space limit cannot hold the shadow memory.
add_feature_if("sanitizer", bool(config.attn_sanitize))
# The virtual environment that ./run makes for the tests of the Python package.
attn_venv_python = os.path.join(config.attn_obj_root, "venv", "bin", "python")
add_feature_if("python-package", os.path.exists(attn_venv_python))
config.substitutions.append(("%venv_python", attn_venv_python))
# ./run makes a wheel when this is asked for; it takes half a minute.
add_feature_if("wheel", os.environ.get("ATTN_TEST_WHEEL", "0") != "0")
add_feature_if(
    "static-mlir",
    os.path.exists(os.path.join(config.llvm_library_dir, "libMLIRIR.a")),
)
# PyTorch, which it may hold.
add_feature_if("torch", bool(glob.glob(os.path.join(
    config.attn_obj_root, "venv", "lib", "python*", "site-packages", "torch"))))
add_feature_if("time-limit", lit_config.maxIndividualTestTime > 0)
add_feature_if("ptxas", shutil.which("ptxas") is not None)
add_feature_if("shellcheck", shutil.which("shellcheck") is not None)

# Read by sanitized builds only. Allocations that fail must return null there as
# they do elsewhere: reporting them is part of what is tested.
# User poisoning is off: our objects poison the slabs of LLVM's bump allocators,
# and libMLIR, which is not instrumented, does not unpoison what it takes of them.
# So are alternate signal stacks: LLVM replaces those of threads by its own, which
# the sanitizer would try to unmap at the end of the thread.
llvm_config.with_environment(
    "ASAN_OPTIONS", "allocator_may_return_null=1:allow_user_poisoning=0"
    ":use_sigaltstack=0")
llvm_config.with_environment("UBSAN_OPTIONS", "print_stacktrace=1")
