//===- Pipelines.cpp - The stages of Attn as pass pipelines ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Pipelines.h"
#include "attn/Conversion/GpuPasses.h"
#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "attn/Target/CPU/Passes.h"
#include "attn/Target/CPU/TargetInfo.h"
#include "attn/Target/NVVM/Passes.h"
#include "attn/Target/NVVM/TargetInfo.h"
#include "attn/Target/ROCDL/Passes.h"
#include "attn/Target/ROCDL/TargetInfo.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;

StringRef attn::stringifyStage(Stage stage) {
  switch (stage) {
  case Stage::Attn:
    return "attn";
  case Stage::Configured:
    return "configured";
  case Stage::Online:
    return "online";
  case Stage::Tile:
    return "tile";
  case Stage::LLVM:
    return "llvm";
  }
  llvm_unreachable("unknown stage");
}

std::optional<Stage> attn::symbolizeStage(StringRef name) {
  return llvm::StringSwitch<std::optional<Stage>>(name)
      .Case("attn", Stage::Attn)
      .Case("configured", Stage::Configured)
      .Case("online", Stage::Online)
      .Case("tile", Stage::Tile)
      .Case("llvm", Stage::LLVM)
      .Default(std::nullopt);
}

/// Appends upstream passes, given as text: their headers cost half a minute of
/// compile time each.
static void addUpstream(OpPassManager &pm, StringRef text) {
  [[maybe_unused]] LogicalResult parsed = parsePassPipeline(text, pm);
  assert(succeeded(parsed) && "upstream passes are not registered");
}

static void buildOnline(OpPassManager &pm, const PipelineOptions &options) {
  // Kernels are made of memrefs, so bufferization comes first; of the ops
  // around the attention op it knows linalg, not arithmetic on tensors.
  addUpstream(pm, "convert-elementwise-to-linalg");
  pm.addPass(createBufferizePass());
  ConvertToOnlinePassOptions online;
  online.countTiles = options.countTiles;
  pm.addPass(createConvertToOnlinePass(online));
  // After it: a split over keys ends in a merge.
  pm.addPass(createConvertMergePass());
  addUpstream(pm, "canonicalize,cse");
}

std::vector<std::string> attn::getGpuTargetNames() {
  std::vector<std::string> names;
  for (const NvvmTarget &target : getKnownNvvmTargets())
    names.push_back(target.name);
  for (const RocdlTarget &target : getKnownRocdlTargets())
    names.push_back(target.name);
  return names;
}

//===----------------------------------------------------------------------===//
// CPUs
//===----------------------------------------------------------------------===//

static void selectCpuConfig(OpPassManager &pm, const PipelineOptions &options) {
  SelectCpuConfigPassOptions select;
  select.target = options.target;
  llvm::append_range(select.otherTargets, getGpuTargetNames());
  pm.addPass(createSelectCpuConfigPass(select));
}

static void buildCpuTile(OpPassManager &pm, const PipelineOptions &) {
  pm.addNestedPass<func::FuncOp>(createAssignBufferLayoutsPass());
}

static void buildCpuLLVM(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createConvertTileToVectorPass());
  pm.addPass(createExpandMathPass());
  pm.addPass(createExpandFloat8Pass());
  // What depends on the keys or the rows alone leaves the loops over the other.
  addUpstream(pm, "canonicalize,cse,loop-invariant-code-motion");
  pm.addPass(createConvertDotPairsToX86Pass());
  pm.addPass(createConvertLaunchToLLVMPass());
  // Ops around the attention op.
  pm.addPass(createExpandCopiesPass());
  addUpstream(pm, "convert-linalg-to-loops,convert-vector-to-scf,"
                  "expand-strided-metadata,lower-affine,convert-scf-to-cf,"
                  "canonicalize,cse");
  llvm::Expected<CpuTarget> cpu = lookupCpuTarget(options.target);
  bool convertsBF16 = cpu && cpu->convertsBF16;
  if (!cpu)
    // Selecting the config has reported it.
    llvm::consumeError(cpu.takeError());
  addUpstream(pm, convertsBF16 ? "arith-expand"
                               : "arith-expand{include-bf16=true}");
  addUpstream(pm, "convert-vector-to-llvm{enable-x86vector=true},"
                  "convert-math-to-llvm,convert-arith-to-llvm,"
                  "convert-index-to-llvm,finalize-memref-to-llvm,"
                  "convert-func-to-llvm,convert-cf-to-llvm,convert-ub-to-llvm,"
                  "reconcile-unrealized-casts,canonicalize,cse");
}

//===----------------------------------------------------------------------===//
// GPUs
//===----------------------------------------------------------------------===//

static void selectNvvmConfig(OpPassManager &pm,
                             const PipelineOptions &options) {
  pm.addPass(createSelectNvvmConfigPass({options.target}));
}

/// Tiles with layouts, and copies of them that run ahead.
static void buildGpuLayouts(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createAssignFragmentLayoutsPass());
  pm.addNestedPass<func::FuncOp>(createPipelineCopiesPass());
  addUpstream(pm, "canonicalize,cse");
  // Last: it computes again what is there already.
  pm.addNestedPass<func::FuncOp>(createRecomputeScalarsPass());
}

/// The attempts at a work item: the first fills the registers and moves rows in
/// chunks, the others are small.
static void buildGpuAttempts(OpPassManager &pm) {
  pm.addPass(createLaunchFillsPass());
  pm.addNestedPass<func::FuncOp>(createShrinkRetriesPass());
  pm.addNestedPass<func::FuncOp>(createRequireAlignedRowsPass());
}

static void buildNvvmTile(OpPassManager &pm, const PipelineOptions &) {
  buildGpuAttempts(pm);
  buildGpuLayouts(pm);
}

static void buildRocdlTile(OpPassManager &pm, const PipelineOptions &) {
  buildGpuAttempts(pm);
  // Two waves of a SIMD do not cover each other's softmax.
  pm.addNestedPass<func::FuncOp>(createPipelineScoresPass());
  buildGpuLayouts(pm);
}

/// The code of a thread, up to the instructions that `lowerThread` chooses.
static void buildGpuLLVM(OpPassManager &pm, std::unique_ptr<Pass> lowerThread) {
  pm.addPass(createConvertTileToGpuPass());
  pm.addPass(createOutlineGpuKernelsPass());
  // Before copies and fills of the host function turn into loops.
  pm.addPass(createConvertLaunchKernelToLLVMPass());
  // Functions of users are in the kernels now; the host has no use for them.
  // Whatever folds puts the loops around it in line again, and a loop carries a
  // hundred values, which patterns compare with each other: bottom up, loops
  // come when their bodies are done.
  // Blocks of loops are already as few as they get.
  addUpstream(pm, "symbol-dce,"
                  "canonicalize{top-down=false region-simplify=disabled},cse");
  pm.addPass(createDropBarriersPass());
  pm.addPass(std::move(lowerThread));
  // It makes operands of matrix instructions, and each is used several times.
  addUpstream(pm, "cse");
  pm.addPass(createExpandMathPass());
  pm.addPass(createExpandFloat8Pass());
  pm.addPass(createExpandCopiesPass());
  addUpstream(pm, "func.func(convert-linalg-to-loops),"
                  "expand-strided-metadata,lower-affine,convert-scf-to-cf,"
                  "canonicalize{region-simplify=disabled},cse,convert-to-llvm,"
                  "reconcile-unrealized-casts,canonicalize,cse");
}

static void buildNvvmLLVM(OpPassManager &pm, const PipelineOptions &) {
  buildGpuLLVM(pm, createConvertGpuToNvvmPass());
}

static void selectRocdlConfig(OpPassManager &pm,
                              const PipelineOptions &options) {
  pm.addPass(createSelectRocdlConfigPass({options.target}));
}

static void buildRocdlLLVM(OpPassManager &pm, const PipelineOptions &) {
  buildGpuLLVM(pm, createConvertGpuToRocdlPass());
}

//===----------------------------------------------------------------------===//
// Kinds of targets
//===----------------------------------------------------------------------===//

namespace {
using BuildFn = void (*)(OpPassManager &, const PipelineOptions &);

/// What differs between kinds of targets.
struct TargetKind {
  bool (*knows)(StringRef target);
  BuildFn selectConfig, buildTile, buildLLVM;
};
} // namespace

/// The kind of `target`; the last one reports names that nobody knows.
static const TargetKind &getKind(StringRef target) {
  static constexpr TargetKind kKinds[] = {
      {isNvvmTarget, selectNvvmConfig, buildNvvmTile, buildNvvmLLVM},
      {isRocdlTarget, selectRocdlConfig, buildRocdlTile, buildRocdlLLVM},
      {nullptr, selectCpuConfig, buildCpuTile, buildCpuLLVM}};
  return *llvm::find_if(kKinds, [&](const TargetKind &kind) {
    return !kind.knows || kind.knows(target);
  });
}

static void buildConfigured(OpPassManager &pm, const PipelineOptions &options) {
  // Masks that show all or nothing, and constants, before anything is chosen;
  // functions are recognised with their constants folded.
  addUpstream(pm, "canonicalize,cse");
  pm.addPass(createRecognizeMasksPass());
  getKind(options.target).selectConfig(pm, options);
}

static void buildTile(OpPassManager &pm, const PipelineOptions &options) {
  getKind(options.target).buildTile(pm, options);
}

static void buildLLVM(OpPassManager &pm, const PipelineOptions &options) {
  getKind(options.target).buildLLVM(pm, options);
}

void attn::buildPipelineTo(Stage stage, OpPassManager &pm,
                           const PipelineOptions &options) {
  static constexpr std::pair<Stage, BuildFn> kSteps[] = {
      {Stage::Configured, buildConfigured},
      {Stage::Online, buildOnline},
      {Stage::Tile, buildTile},
      {Stage::LLVM, buildLLVM}};
  for (auto [produces, build] : kSteps)
    if (produces <= stage)
      build(pm, options);
}

void attn::registerAttnPipelines() {
  PassPipelineRegistration<PipelineOptions>(
      "attn-to-configured", "Choose tiles and instructions for the target",
      [](OpPassManager &pm, const PipelineOptions &options) {
        buildPipelineTo(Stage::Configured, pm, options);
      });
  PassPipelineRegistration<PipelineOptions>(
      "attn-to-online", "Lower to work loops and online softmax on tiles",
      [](OpPassManager &pm, const PipelineOptions &options) {
        buildPipelineTo(Stage::Online, pm, options);
      });
  PassPipelineRegistration<PipelineOptions>(
      "attn-to-tile", "Lower to tiles with layouts",
      [](OpPassManager &pm, const PipelineOptions &options) {
        buildPipelineTo(Stage::Tile, pm, options);
      });
  PassPipelineRegistration<PipelineOptions>(
      "attn-to-llvm", "Lower to the LLVM dialect",
      [](OpPassManager &pm, const PipelineOptions &options) {
        buildPipelineTo(Stage::LLVM, pm, options);
      });
}
