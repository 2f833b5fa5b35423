//===- FakeDriver.h - What drivers for tests have in common -----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For the source of one such driver, each of which is a library of its own.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_FAKEDRIVER_H
#define ATTN_TEST_UNIT_FAKEDRIVER_H

#include <cstddef>
#include <cstdint>
#include <string>

#define EXPORT extern "C" __attribute__((visibility("default")))

/// What was called since it was taken last, one line each.
static std::string logged;

static const char *takeLog() {
  static std::string taken;
  taken = std::move(logged);
  logged.clear();
  return taken.c_str();
}

/// The function that fails once, and what it returns then.
static std::string failing;
static int failure = 0;

static void failOnce(const char *function, int result) {
  failing = function ? function : "";
  failure = result;
}

static int finish(const char *function) {
  if (failing != function)
    return 0;
  failing.clear();
  return failure;
}

/// A launch of `name`: grid, block and bytes of shared memory, the stream, and
/// the slots that `extra` holds. `end` is what the driver wants behind them.
static void logLaunch(const std::string &name, const unsigned (&sizes)[7],
                      void *stream, void **parameters, void **extra,
                      uintptr_t end) {
  std::string text = "launch " + name;
  for (unsigned number : sizes)
    text += " " + std::to_string(number);
  text += " stream " + std::to_string(reinterpret_cast<uintptr_t>(stream));
  // ..._LAUNCH_PARAM_BUFFER_POINTER, ..._SIZE and ..._END.
  bool isPacked = !parameters && extra[0] == reinterpret_cast<void *>(1) &&
                  extra[2] == reinterpret_cast<void *>(2) &&
                  extra[4] == reinterpret_cast<void *>(end);
  text += isPacked ? " slots" : " not packed";
  if (isPacked)
    for (size_t i = 0; i < *static_cast<size_t *>(extra[3]) / 8; ++i)
      text += " " + std::to_string(static_cast<int64_t *>(extra[1])[i]);
  logged += text + "\n";
}

#endif // ATTN_TEST_UNIT_FAKEDRIVER_H
