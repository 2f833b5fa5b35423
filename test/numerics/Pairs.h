//===- Pairs.h - Every pair of features in some problem ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Features that work alone fail together. What the op offers is written down as
// factors (the mask, the layout, ...), each with levels, of which a problem has
// one. A short list of problems covers every two levels of different factors
// that may stand together.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_NUMERICS_PAIRS_H
#define ATTN_TEST_NUMERICS_PAIRS_H

#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace attn::numerics {

/// A choice within a factor: its name, the options of attn-gen that make it,
/// and further features of the support table that it shows, separated by
/// commas.
struct Level {
  std::string name, gen, also;
};

struct Factor {
  std::string name;
  std::vector<Level> levels;
};

/// One level of each factor, by index.
using Choice = std::vector<size_t>;

const std::vector<Factor> &getFactors();

/// Whether the op allows both levels in one problem; where it does not, the
/// verifier or the generator refuses the pair by name.
bool mayMeet(llvm::StringRef a, llvm::StringRef b);

/// Problems that cover every allowed pair of levels of different factors.
std::vector<Choice> coverPairs(const std::vector<Factor> &factors);

/// The options of attn-gen for one problem.
std::string getOptions(const std::vector<Factor> &factors,
                       const Choice &choice);

} // namespace attn::numerics

#endif // ATTN_TEST_NUMERICS_PAIRS_H
