//===- Arguments.h - Arrays for the function to run -------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNNER_ARGUMENTS_H
#define ATTN_RUNNER_ARGUMENTS_H

#include "attn/Runner/Entry.h"
#include "attn/Runner/Options.h"
#include "attn/Support/Tensor.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <vector>

namespace attn::runner {

/// The sizes of one attention problem that the roles of its operands share.
struct ProblemSizes {
  int64_t batch = 0, headsQ = 0, headsKv = 0, headDim = 0, valueDim = 0;
  /// Rows and keys per sequence; all tokens together where packed; pages times
  /// page size that a block table can reach where paged.
  int64_t rows = 0, keys = 0;
  /// Only with a block table.
  int64_t pages = 0;
};

/// The sizes of `op` if its q, k, v (and tables) are static or are arguments
/// whose shapes are known: `shapes` has one entry per argument of the entry.
std::optional<ProblemSizes>
getProblemSizes(AttentionOp op,
                llvm::ArrayRef<std::optional<std::vector<int64_t>>> shapes);

/// One array per argument, scalars as arrays of rank 0: read from files,
/// generated, or poisoned to receive results.
llvm::Expected<std::vector<Tensor>>
createArguments(const Entry &entry, const RunnerOptions &options);

/// Writes numbers over the elements of `view`, row-major, starting anew when
/// they run out. Refuses what is no number of the element type.
llvm::Error storeValues(const llvm::Twine &name, const TensorView &view,
                        llvm::ArrayRef<std::string> texts);

/// Writes the inputs among `arguments` into a directory.
llvm::Error saveInputs(const Entry &entry, llvm::ArrayRef<Tensor> arguments,
                       llvm::StringRef directory);

/// A view and the file it goes to.
struct OutputFile {
  std::string path;
  TensorView view;
};

/// Writes all files or, after an error, none: each goes to a temporary beside
/// its place first.
llvm::Error writeFiles(llvm::ArrayRef<OutputFile> files);

} // namespace attn::runner

#endif // ATTN_RUNNER_ARGUMENTS_H
