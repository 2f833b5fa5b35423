//===- Registry.h - The operations that the emulator knows ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_OPS_REGISTRY_H
#define ATTN_LIB_EMULATOR_OPS_REGISTRY_H

#include "../Runtime/CallSite.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace attn::emulator {

/// Operations by name: intrinsics without the suffixes of overloaded types
/// ("llvm.nvvm.bar.warp.sync"), instructions of inline assembly behind "ptx:"
/// or "amdgcn:" ("ptx:bar.sync").
class Registry {
public:
  /// The one table, made at first use.
  static const Registry &get();

  const Operation *find(const std::string &name) const;
  /// The entry with the longest name that the instruction begins with, at the
  /// border of a dot.
  const Operation *findInstruction(std::string_view prefix,
                                   std::string instruction) const;
  /// Sorted.
  std::vector<std::string> names() const;

  void add(const std::string &name, Scope scope, Handler handler,
           int maskArgument = -1) {
    operations[name] = {handler, scope, maskArgument};
  }

private:
  std::unordered_map<std::string, Operation> operations;
};

// One function for each family.
void addAsyncCopyOperations(Registry &registry);
void addBarrierOperations(Registry &registry);
void addExchangeOperations(Registry &registry);
void addClusterOperations(Registry &registry);
void addMbarrierOperations(Registry &registry);
void addTensorCopyOperations(Registry &registry);
void addWarpgroupOperations(Registry &registry);
void addBarrierOperationsAMD(Registry &registry);
void addBufferOperationsAMD(Registry &registry);
void addExchangeOperationsAMD(Registry &registry);
void addMatrixOperations(Registry &registry);
void addMatrixOperationsAMD(Registry &registry);
void addMiscOperations(Registry &registry);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_OPS_REGISTRY_H
