//===- Mutate.h - Kernels with one synchronisation missing ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A detector is worth what it detects: each barrier, wait, commit, fence and
// arrival of a kernel is deleted or weakened in turn, and the run must then be
// reported.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_JIT_MUTATE_H
#define ATTN_LIB_EMULATOR_JIT_MUTATE_H

#include "llvm/IR/Module.h"

#include <string>
#include <vector>

namespace attn::emulator {

/// The names of all mutants: the function, the operation, what is done to it
/// and how many of the same kind came before.
std::vector<std::string> listMutants(llvm::Module &module);

/// Makes the module its mutant `index`. False if there is no such mutant.
bool makeMutant(llvm::Module &module, size_t index);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_JIT_MUTATE_H
