//===- Registry.cpp - The operations that the emulator knows --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Registry.h"

#include <algorithm>

using namespace attn::emulator;

const Registry &Registry::get() {
  static const Registry registry = [] {
    Registry all;
    addAsyncCopyOperations(all);
    addBarrierOperations(all);
    addExchangeOperations(all);
    addClusterOperations(all);
    addMbarrierOperations(all);
    addTensorCopyOperations(all);
    addWarpgroupOperations(all);
    addBarrierOperationsAMD(all);
    addBufferOperationsAMD(all);
    addExchangeOperationsAMD(all);
    addMatrixOperations(all);
    addMatrixOperationsAMD(all);
    addMiscOperations(all);
    return all;
  }();
  return registry;
}

const Operation *Registry::find(const std::string &name) const {
  auto found = operations.find(name);
  return found == operations.end() ? nullptr : &found->second;
}

const Operation *Registry::findInstruction(std::string_view prefix,
                                           std::string instruction) const {
  for (;;) {
    if (const Operation *operation = find(std::string(prefix) + instruction))
      return operation;
    const size_t dot = instruction.rfind('.');
    if (dot == std::string::npos)
      return nullptr;
    instruction.resize(dot);
  }
}

std::vector<std::string> Registry::names() const {
  std::vector<std::string> all;
  for (const auto &[name, operation] : operations)
    all.push_back(name);
  std::sort(all.begin(), all.end());
  return all;
}
