//===- AttnGpuAttrs.cpp - Layouts and schedules of GPUs ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Block schedules
//===----------------------------------------------------------------------===//

LogicalResult
BlockScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                          MatrixKind, int64_t warps, int64_t lanes,
                          int64_t stages, bool, bool, bool) {
  constexpr int64_t kMaxWarps = 32, kMaxStages = 8;
  if (warps < 1 || warps > kMaxWarps)
    return emitError() << "block_schedule has " << warps
                       << " warps; expected 1 to " << kMaxWarps;
  if (lanes != 32 && lanes != 64)
    return emitError() << "block_schedule has " << lanes
                       << " lanes; expected 32 or 64";
  if (stages < 1 || stages > kMaxStages)
    return emitError() << "block_schedule has " << stages
                       << " stages; expected 1 to " << kMaxStages;
  return success();
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

static ParseResult parseDigits(AsmParser &parser,
                               SmallVectorImpl<LayoutDigit> &digits) {
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Square, [&]() -> ParseResult {
        FailureOr<Dim> dim = FieldParser<Dim>::parse(parser);
        int64_t size, step;
        if (failed(dim) || parser.parseInteger(size) ||
            parser.parseKeyword("by") || parser.parseInteger(step))
          return failure();
        digits.push_back({*dim, size, step});
        return success();
      });
}

static void printDigits(AsmPrinter &printer, ArrayRef<LayoutDigit> digits) {
  printer << "[";
  llvm::interleaveComma(digits, printer, [&](const LayoutDigit &digit) {
    printer << stringifyDim(digit.dim) << " " << digit.size << " by "
            << digit.step;
  });
  printer << "]";
}

Attribute FragmentAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<LayoutDigit> registers, lanes, warps;
  if (parser.parseLess() || parseDigits(parser, registers) ||
      parser.parseComma() || parseDigits(parser, lanes) ||
      parser.parseComma() || parseDigits(parser, warps))
    return {};
  bool partial = false;
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword("partial"))
      return {};
    partial = true;
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<FragmentAttr>(loc, parser.getContext(),
                                         ArrayRef(registers), ArrayRef(lanes),
                                         ArrayRef(warps), partial);
}

void FragmentAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printDigits(printer, getRegisters());
  printer << ", ";
  printDigits(printer, getLanes());
  printer << ", ";
  printDigits(printer, getWarps());
  printer << (getPartial() ? ", partial>" : ">");
}

LogicalResult FragmentAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<LayoutDigit> registers,
                                   ArrayRef<LayoutDigit> lanes,
                                   ArrayRef<LayoutDigit> warps, bool) {
  constexpr int64_t kMaxSize = 4096, kMaxStep = int64_t(1) << 24;
  for (ArrayRef<LayoutDigit> digits : {registers, lanes, warps}) {
    int64_t count = 1;
    for (const LayoutDigit &digit : digits) {
      if (digit.size < 1 || digit.size > kMaxSize || digit.step < 0 ||
          digit.step > kMaxStep)
        return emitError() << "fragment digit has size " << digit.size
                           << " and step " << digit.step
                           << "; expected a size of 1 to " << kMaxSize
                           << " and a step of 0 to " << kMaxStep;
      count *= digit.size;
      if (count > kMaxSize)
        return emitError() << "fragment has more than " << kMaxSize
                           << " registers, lanes or warps";
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

LogicalResult SharedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t columns, int64_t pitch,
                                 int64_t swizzle, bool) {
  constexpr int64_t kMaxPitch = int64_t(1) << 24;
  if (columns < 1 || pitch < columns || pitch > kMaxPitch)
    return emitError() << "shared layout has " << columns
                       << " columns and pitch " << pitch
                       << "; expected 1 <= columns <= pitch <= " << kMaxPitch;
  if (!llvm::isPowerOf2_64(swizzle))
    return emitError() << "shared layout has swizzle " << swizzle
                       << "; expected a power of two";
  return success();
}
