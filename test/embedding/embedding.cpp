//===- embedding.cpp - Attn in another compiler -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver of another compiler. It builds a module with an attention op among
// ops that are not Attn's, calls Attn's pipelines, runs the result through
// MLIR's ExecutionEngine and compares it with loops. `embedding STAGE` prints
// the module at a stage instead.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/BuildAttention.h"
#include "attn/InitAll.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Runtime/Parallel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/MemRefUtils.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/Support/TargetSelect.h"
#include <cmath>
#include <cstdio>

using namespace mlir;

static constexpr int64_t kLength = 100, kHeads = 2, kDim = 32;
static constexpr float kScale = 0.25f;

using Array = OwningMemRef<float, 4>;

/// func @attention(q, k, v, out): doubles q, then causal attention.
static OwningOpRef<ModuleOp> buildModule(MLIRContext &context) {
  OpBuilder b(&context);
  Location loc = b.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  b.setInsertionPointToEnd(module->getBody());
  Type type = MemRefType::get({1, kLength, kHeads, kDim}, b.getF32Type());
  auto function = func::FuncOp::create(
      b, loc, "attention", b.getFunctionType({type, type, type, type}, {}));
  function->setAttr("llvm.emit_c_interface", b.getUnitAttr());
  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);
  Value q = body->getArgument(0), k = body->getArgument(1);
  Value v = body->getArgument(2), out = body->getArgument(3);
  linalg::AddOp::create(b, loc, ValueRange{q, q}, ValueRange{q});
  attn::AttentionOp op = attn::buildAttention(b, loc, q, k, v, out, kScale);
  op.setMaskAttr(attn::CausalAttr::get(&context));
  func::ReturnOp::create(b, loc);
  return module;
}

static LogicalResult lower(ModuleOp module, attn::Stage stage) {
  PassManager passes(module.getContext());
  attn::PipelineOptions options;
  attn::buildPipelineTo(stage, passes, options);
  return passes.run(module);
}

static llvm::Error run(ModuleOp module, Array &q, Array &k, Array &v,
                       Array &out) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto engine = ExecutionEngine::create(module);
  if (!engine)
    return engine.takeError();
  // What generated code calls, beside the C library.
  (*engine)->registerSymbols([](llvm::orc::MangleAndInterner intern) {
    llvm::orc::SymbolMap symbols;
    symbols[intern("attn_parallel_for")] = {
        llvm::orc::ExecutorAddr::fromPtr(&attn_parallel_for),
        llvm::JITSymbolFlags::Exported};
    return symbols;
  });
  return (*engine)->invoke("attention", &*q, &*k, &*v, &*out);
}

/// One element of the output by the definition; `q` is doubled already.
static double compute(Array &q, Array &k, Array &v, int64_t row, int64_t head,
                      int64_t d) {
  double sum = 0, weighted = 0;
  for (int64_t key = 0; key <= row; ++key) {
    double dot = 0;
    for (int64_t i = 0; i < kDim; ++i)
      dot += double(q[{0, row, head, i}]) * k[{0, key, head, i}];
    double weight = std::exp(kScale * dot);
    sum += weight;
    weighted += weight * v[{0, key, head, d}];
  }
  return weighted / sum;
}

static double findLargestError(Array &q, Array &k, Array &v, Array &out) {
  double largest = 0;
  for (int64_t row = 0; row < kLength; ++row)
    for (int64_t head = 0; head < kHeads; ++head)
      for (int64_t d = 0; d < kDim; ++d)
        largest = std::max(largest, std::abs(out[{0, row, head, d}] -
                                             compute(q, k, v, row, head, d)));
  return largest;
}

static int runAndCompare(ModuleOp module) {
  unsigned state = 1;
  auto random = [&](float &element, ArrayRef<int64_t>) {
    state = state * 1664525u + 1013904223u;
    element = (state >> 8) * 0x1p-24f - 0.5f;
  };
  const int64_t shape[] = {1, kLength, kHeads, kDim};
  Array q(shape, {}, random), k(shape, {}, random), v(shape, {}, random);
  Array out(shape);
  if (llvm::Error error = run(module, q, k, v, out)) {
    llvm::errs() << error << "\n";
    return 1;
  }
  double error = findLargestError(q, k, v, out);
  std::printf("largest error %g\n", error);
  return error < 1e-6 ? 0 : 1;
}

int main(int argc, char **argv) {
  std::optional<attn::Stage> stage =
      attn::symbolizeStage(argc > 1 ? argv[1] : "llvm");
  if (!stage)
    return 2;
  // The pipelines name upstream's passes by text.
  registerAllPasses();
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  attn::registerAllAttn(registry);
  MLIRContext context(registry);
  context.loadDialect<attn::AttnDialect, func::FuncDialect,
                      linalg::LinalgDialect>();

  OwningOpRef<ModuleOp> module = buildModule(context);
  if (failed(lower(*module, *stage)))
    return 1;
  if (argc == 1)
    return runAndCompare(*module);
  module->print(llvm::outs());
  return 0;
}
