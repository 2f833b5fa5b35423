# Every executable of the build tree's test/unit whose name ends in "Test" or
# "Tests" is a GoogleTest; lit counts each of its test cases.

import os

import lit.formats

config.name = "Attn-Unit"
config.suffixes = []
config.test_exec_root = os.path.join(config.attn_obj_root, "test", "unit")
config.test_source_root = config.test_exec_root
config.test_format = lit.formats.GoogleTest(".", "Test")
# As in ../lit.cfg.py.
config.environment["ASAN_OPTIONS"] = (
    "allocator_may_return_null=1:allow_user_poisoning=0:use_sigaltstack=0")
config.environment["UBSAN_OPTIONS"] = "print_stacktrace=1"
