//===- Functions.cpp - Example score and mask functions -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Generator/Functions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace attn::generator;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

static constexpr ExampleFunction scoreFunctions[] = {
    // A bias per head and distance, the far ones sharing the last (T5).
    {"relative_bias", Capture::DistanceBias, R"mlir(
func.func private @score_relative_bias(%s: f32, %b: index, %h: index,
    %q_pos: index, %j: index, %table: TABLE) -> f32 {
  %near = arith.constant 32 : index
  %distance = arith.subi %q_pos, %j : index
  %at = arith.addi %distance, %near : index
  // Beyond the table is its nearest element.
  %bias = LOAD %table[%h, %at] : TABLE
  %f = arith.addf %s, %bias : f32
  return %f : f32
})mlir"},
    // ALiBi with the slopes computed, 2^(-h - 1).
    {"alibi", Capture::None, R"mlir(
func.func private @score_alibi(%s: f32, %b: index, %h: index, %q_pos: index,
    %j: index) -> f32 {
  %one = arith.constant -1.0 : f32
  %head = arith.index_cast %h : index to i32
  %number = arith.sitofp %head : i32 to f32
  %exponent = arith.subf %one, %number : f32
  %slope = math.exp2 %exponent : f32
  %difference = arith.subi %q_pos, %j : index
  %difference64 = arith.index_cast %difference : index to i64
  %distance64 = math.absi %difference64 : i64
  %distance = arith.sitofp %distance64 : i64 to f32
  %penalty = arith.mulf %slope, %distance : f32
  %f = arith.subf %s, %penalty : f32
  return %f : f32
})mlir"},
    // A softcap of 5.
    {"tanh", Capture::None, R"mlir(
func.func private @score_tanh(%s: f32, %b: index, %h: index, %q_pos: index,
    %j: index) -> f32 {
  %cap = arith.constant 5.0 : f32
  %ratio = arith.divf %s, %cap : f32
  %bounded = math.tanh %ratio : f32
  %f = arith.mulf %bounded, %cap : f32
  return %f : f32
})mlir"},
    // Far keys count less, by the logarithm of their distance.
    {"log_distance", Capture::None, R"mlir(
func.func private @score_log_distance(%s: f32, %b: index, %h: index,
    %q_pos: index, %j: index) -> f32 {
  %difference = arith.subi %q_pos, %j : index
  %difference64 = arith.index_cast %difference : index to i64
  %signed = arith.sitofp %difference64 : i64 to f32
  %distance = math.absf %signed : f32
  %penalty = math.log1p %distance : f32
  %f = arith.subf %s, %penalty : f32
  return %f : f32
})mlir"},
    // Every second key by a score of -inf, which hides as a mask does.
    {"dilated", Capture::None, R"mlir(
func.func private @score_dilated(%s: f32, %b: index, %h: index, %q_pos: index,
    %j: index) -> f32 {
  %one = arith.constant 1 : index
  %zero = arith.constant 0 : index
  %hidden = arith.constant 0xFF800000 : f32
  %difference = arith.subi %q_pos, %j : index
  %odd = arith.andi %difference, %one : index
  %visible = arith.cmpi eq, %odd, %zero : index
  %f = arith.select %visible, %s, %hidden : f32
  return %f : f32
})mlir"}};

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

static constexpr ExampleFunction maskFunctions[] = {
    {"causal", Capture::None, R"mlir(
func.func private @mask_causal(%b: index, %h: index, %q_pos: index,
    %j: index) -> i1 {
  %visible = arith.cmpi sle, %j, %q_pos : index
  return %visible : i1
})mlir"},
    // The last 16 keys, or the same chunk of 32 if it is the row's own.
    {"local", Capture::None, R"mlir(
func.func private @mask_local(%b: index, %h: index, %q_pos: index,
    %j: index) -> i1 {
  %window = arith.constant 16 : index
  %chunk = arith.constant 32 : index
  %distance = arith.subi %q_pos, %j : index
  %near = arith.cmpi ult, %distance, %window : index
  %q_chunk = arith.floordivsi %q_pos, %chunk : index
  %j_chunk = arith.floordivsi %j, %chunk : index
  %same = arith.cmpi eq, %q_chunk, %j_chunk : index
  %visible = arith.ori %near, %same : i1
  return %visible : i1
})mlir"},
    // Keys are nodes of a tree, numbered depth first: a node sees its ancestors
    // and itself. Speculative decoding checks several continuations so.
    {"tree", Capture::TreeEnds, R"mlir(
func.func private @mask_tree(%b: index, %h: index, %q_pos: index, %j: index,
    %ends: TABLE) -> i1 {
  %end32 = LOAD %ends[%j] : TABLE
  %end = arith.index_cast %end32 : i32 to index
  %after = arith.cmpi sle, %j, %q_pos : index
  %inside = arith.cmpi slt, %q_pos, %end : index
  %visible = arith.andi %after, %inside : i1
  return %visible : i1
})mlir"},
    // Only keys of the row's document.
    {"document", Capture::Documents, R"mlir(
func.func private @mask_document(%b: index, %h: index, %q_pos: index,
    %j: index, %documents: TABLE) -> i1 {
  %mine = LOAD %documents[%b, %q_pos] : TABLE
  %theirs = LOAD %documents[%b, %j] : TABLE
  %visible = arith.cmpi eq, %mine, %theirs : i32
  return %visible : i1
})mlir"},
    // Every third key counted from the row, in odd heads.
    {"dilated", Capture::None, R"mlir(
func.func private @mask_dilated(%b: index, %h: index, %q_pos: index,
    %j: index) -> i1 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %three = arith.constant 3 : index
  %distance = arith.subi %q_pos, %j : index
  %rest = arith.remsi %distance, %three : index
  %third = arith.cmpi eq, %rest, %zero : index
  %parity = arith.andi %h, %one : index
  %even = arith.cmpi eq, %parity, %zero : index
  %visible = arith.ori %third, %even : i1
  return %visible : i1
})mlir"}};

//===----------------------------------------------------------------------===//
// Lookup
//===----------------------------------------------------------------------===//

std::string ExampleFunction::getSymbol() const {
  bool isScore =
      this >= std::begin(scoreFunctions) && this < std::end(scoreFunctions);
  return ((isScore ? "score_" : "mask_") + name).str();
}

static const ExampleFunction *
findByName(llvm::ArrayRef<ExampleFunction> functions, StringRef name) {
  const auto *found = llvm::find_if(
      functions, [&](const ExampleFunction &f) { return f.name == name; });
  return found == functions.end() ? nullptr : found;
}

static std::string joinNames(llvm::ArrayRef<ExampleFunction> functions) {
  return llvm::join(
      llvm::map_range(functions,
                      [](const ExampleFunction &f) { return f.name.str(); }),
      ", ");
}

const ExampleFunction *
attn::generator::findScoreFunction(llvm::StringRef name) {
  return findByName(scoreFunctions, name);
}
const ExampleFunction *attn::generator::findMaskFunction(llvm::StringRef name) {
  return findByName(maskFunctions, name);
}
std::string attn::generator::listScoreFunctions() {
  return joinNames(scoreFunctions);
}
std::string attn::generator::listMaskFunctions() {
  return joinNames(maskFunctions);
}
