//===- Pipelines.h - The stages of Attn as pass pipelines -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An attention op travels through named stages; each stage is one function here
// and one named pipeline of attn-opt:
//
//   attn        what the user wrote
//   configured  --attn-to-configured   tiles and instructions are chosen
//   online      --attn-to-online       memrefs, work loop, online softmax
//   tile        --attn-to-tile         every tile has a layout
//   llvm        --attn-to-llvm         LLVM dialect, ready to translate
//
// Each pipeline runs from `attn` to its stage, so that `--attn-to-tile` on a
// user's file shows the tile stage.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINES_PIPELINES_H
#define ATTN_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassOptions.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace attn {

/// What a module looks like after a stage; the order is the order of lowering.
enum class Stage { Attn, Configured, Online, Tile, LLVM };

/// "attn", "configured", "online", "tile", "llvm".
llvm::StringRef stringifyStage(Stage stage);
std::optional<Stage> symbolizeStage(llvm::StringRef name);

/// The targets that are GPUs, as users write them.
std::vector<std::string> getGpuTargetNames();

/// Options of every pipeline, as values: the same struct serves attn-opt's
/// command line, the JIT and embedders.
struct PipelineOptions : public mlir::PassPipelineOptions<PipelineOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("What to generate code for: a name of the target table "
                     "(docs/targets.md) or 'native' for this machine"),
      llvm::cl::init("native")};
  Option<bool> countTiles{
      *this, "count-tiles",
      llvm::cl::desc("Generated tile bodies count their executions in the "
                     "global @attn_tile_counts (masked, unmasked)"),
      llvm::cl::init(false)};
};

/// Appends the passes that take a module from `attn` to `stage`.
void buildPipelineTo(Stage stage, mlir::OpPassManager &pm,
                     const PipelineOptions &options);

/// Registers --attn-to-configured ... --attn-to-llvm.
void registerAttnPipelines();

} // namespace attn

#endif // ATTN_PIPELINES_PIPELINES_H
