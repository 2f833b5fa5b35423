//===- PlantedFuzz.cpp - A fuzz target with known errors ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For the test of the driver: it must report what this target does.
//
//===----------------------------------------------------------------------===//

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto startsWith = [&](const char *word) {
    const size_t length = std::strlen(word);
    return size >= length && std::memcmp(data, word, length) == 0;
  };
  if (startsWith("abort"))
    std::abort();
  if (startsWith("segv")) {
    volatile int *volatile nowhere = nullptr;
    *nowhere = 1;
  }
  if (startsWith("hang"))
    while (true)
      usleep(1000);
  return 0;
}
