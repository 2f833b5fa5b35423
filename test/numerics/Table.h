//===- Table.h - The numerics grid as data ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A table is a YAML list of groups; a group is a list of rows. Keys of a row:
//
//   why     why the row exists: what breaks if it fails
//   gen     options of attn-gen
//   run     options of attn-runner (--target, --threads, --strides, ...)
//   set     values of arguments, row-major, repeated: {kv_lens: [0, 5]}
//   tiles   also compare the tile counters with a count by hand
//   kernel  options of attn-gen for a wrong kernel, which must be found out
//   after   values of arguments for a wrong reference, set after the call
//
// A row with `kernel` or `after` plants an error: it is right if the check
// accepts the honest kernel and reports the planted one.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_NUMERICS_TABLE_H
#define ATTN_TEST_NUMERICS_TABLE_H

#include "llvm/Support/Error.h"
#include <map>
#include <string>
#include <vector>

namespace attn::numerics {

struct Row {
  using Values = std::map<std::string, std::vector<std::string>>;

  std::string why, gen, run, kernel;
  Values set, after;
  bool tiles = false;

  bool isPlanted() const { return !kernel.empty() || !after.empty(); }
};

struct Group {
  std::string name;
  /// Options of attn-gen and attn-runner in front of those of every row.
  std::string gen, run;
  std::vector<Row> rows;
};

llvm::Expected<std::vector<Group>> readTable(llvm::StringRef path);

} // namespace attn::numerics

#endif // ATTN_TEST_NUMERICS_TABLE_H
