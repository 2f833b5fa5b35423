//===- Functions.h - Example score and mask functions -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions of users, written as users write them: docs/functions.md shows
// some, and problems of attn-gen are made with them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_GENERATOR_FUNCTIONS_H
#define ATTN_GENERATOR_FUNCTIONS_H

#include "llvm/ADT/StringRef.h"
#include <string>

namespace attn::generator {

/// The tensor that a function reads.
enum class Capture {
  None,
  /// f32 [Hq, 65], a row per head: a bias for each distance.
  DistanceBias,
  /// i32 [Skv]: the end of the subtree of each key.
  TreeEnds,
  /// i32 [B, Skv]: the document of each key.
  Documents
};

struct ExampleFunction {
  llvm::StringLiteral name;
  Capture capture;
  /// The function. TABLE stands for the capture's type, LOAD for the op that
  /// reads it.
  llvm::StringLiteral text;

  /// The name of the function in the module, without @.
  std::string getSymbol() const;
};

/// The score or mask function of this name, or null.
const ExampleFunction *findScoreFunction(llvm::StringRef name);
const ExampleFunction *findMaskFunction(llvm::StringRef name);

/// All names, separated by commas.
std::string listScoreFunctions();
std::string listMaskFunctions();

} // namespace attn::generator

#endif // ATTN_GENERATOR_FUNCTIONS_H
