//===- Support.cpp - What the CPU targets can lower --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/CPU/Support.h"
#include "attn/Target/Support.h"

using namespace mlir;
using namespace attn;

std::optional<std::string> attn::findUnsupportedOnCpu(AttentionOp op) {
  return findUnsupportedAnywhere(op);
}

//===----------------------------------------------------------------------===//
// Operands and configurations
//===----------------------------------------------------------------------===//

/// Bytes are counted in 63 bits, and no element has more than 8 bytes.
static constexpr int64_t kMaxElements = int64_t(1) << 60;

static bool hasTooManyElements(ShapedType type) {
  int64_t elements = 1;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size) || size == 0)
      continue;
    if (size > kMaxElements / elements)
      return true;
    elements *= size;
  }
  return false;
}

LogicalResult attn::verifyCpuOperands(AttentionOp op) {
  for (Type type : op->getOperandTypes()) {
    auto refuse = [&](StringRef expected) {
      return op.emitOpError("unsupported on cpu: operand of type ")
             << type << "; expected " << expected;
    };
    if (auto shaped = dyn_cast<ShapedType>(type))
      if (hasTooManyElements(shaped))
        return refuse("at most 2^60 elements");
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      if (tensor.getEncoding())
        return refuse("a tensor without encoding");
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref)
      continue;
    if (memref.getMemorySpace())
      return refuse("the default memory space");
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(memref.getStridesAndOffset(strides, offset)))
      return refuse("a strided layout");
  }
  return success();
}

LogicalResult attn::verifyCpuConfig(AttentionOp op, ConfigAttr config,
                                    const CpuTarget &target) {
  if (failed(verifyTileSizes(op, config)))
    return failure();
  auto schedule = dyn_cast<VectorScheduleAttr>(config.getSchedule());
  if (!schedule)
    return op.emitOpError("unsupported on cpu: config has schedule ")
           << config.getSchedule() << "; expected #attn.vector_schedule";
  if (!schedule.getPairs())
    return success();
  if (!target.dotBF16)
    return op.emitOpError("unsupported on cpu: config has pairs, which need ")
           << "bf16 dot products; " << target.name << " has none";
  for (ShapedType type : {op.getQType(), op.getKType()})
    if (!type.getElementType().isBF16())
      return op.emitOpError("unsupported on cpu: config has pairs and an "
                            "operand has element type ")
             << type.getElementType() << "; expected bf16";
  return success();
}
