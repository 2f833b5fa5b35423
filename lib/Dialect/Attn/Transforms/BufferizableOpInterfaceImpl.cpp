//===- BufferizableOpInterfaceImpl.cpp - Bufferization of attn -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Transforms/BufferizableOpInterfaceImpl.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "attn/Dialect/Attn/IR/AttnOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace attn;

/// Replaces `op` by its memref form: the buffer of every tensor operand, no
/// results.
static LogicalResult bufferizeDps(DestinationStyleOpInterface op,
                                  RewriterBase &rewriter,
                                  const BufferizationOptions &options,
                                  BufferizationState &state) {
  if (op.hasPureBufferSemantics())
    return success();
  if (!op.hasPureTensorSemantics())
    return op.emitOpError(
        "mixes tensors and memrefs; bufferization expects either");

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (!isa<TensorType>(operand.getType())) {
      operands.push_back(operand);
      continue;
    }
    FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
    if (failed(buffer))
      return failure();
    operands.push_back(*buffer);
  }
  SmallVector<Value> results;
  for (OpResult result : op->getResults())
    results.push_back(
        operands[op.getTiedOpOperand(result)->getOperandNumber()]);
  mlir::clone(rewriter, op, /*newResultTypes=*/TypeRange(), operands);
  replaceOpWithBufferizedValues(rewriter, op, results);
  return success();
}

namespace {
template <typename OpTy>
struct DpsModel
    : public DstBufferizableOpInterfaceExternalModel<DpsModel<OpTy>, OpTy> {
  /// Every element of an init is overwritten: an init that is only allocated
  /// needs no copy of what it held.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return cast<DestinationStyleOpInterface>(op).isDpsInput(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDps(cast<DestinationStyleOpInterface>(op), rewriter,
                        options, state);
  }
};
} // namespace

void attn::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AttnDialect *) {
    AttentionOp::attachInterface<DpsModel<AttentionOp>>(*context);
    MergeOp::attachInterface<DpsModel<MergeOp>>(*context);
  });
}
