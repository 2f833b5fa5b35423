//===- AttnAttrs.cpp - Masks, configurations and layouts ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnAttrs.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Parsing and printing
//===----------------------------------------------------------------------===//

static ParseResult parseWindowSide(AsmParser &parser, int64_t &side) {
  if (succeeded(parser.parseOptionalKeyword("unbounded"))) {
    side = SlidingWindowAttr::kUnbounded;
    return success();
  }
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseInteger(side))
    return failure();
  // The verifier cannot tell -1 from `unbounded`.
  if (side < 0)
    return parser.emitError(loc) << "sliding_window side is " << side
                                 << "; expected a count >= 0 or 'unbounded'";
  return success();
}

static void printWindowSide(AsmPrinter &printer, int64_t side) {
  if (side == SlidingWindowAttr::kUnbounded)
    printer << "unbounded";
  else
    printer << side;
}

static ParseResult parsePrefixLength(AsmParser &parser, int64_t &length,
                                     int64_t &slot) {
  length = 0;
  slot = PrefixAttr::kNoSlot;
  if (failed(parser.parseOptionalKeyword("slot")))
    return parser.parseInteger(length);
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseInteger(slot))
    return failure();
  if (slot < 0)
    return parser.emitError(loc)
           << "prefix slot is " << slot << "; expected a slot >= 0";
  return success();
}

static void printPrefixLength(AsmPrinter &printer, int64_t length,
                              int64_t slot) {
  if (slot == PrefixAttr::kNoSlot)
    printer << length;
  else
    printer << "slot " << slot;
}

static ParseResult parseMaskList(AsmParser &parser,
                                 SmallVectorImpl<Attribute> &masks) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
    return parser.parseAttribute(masks.emplace_back());
  });
}

static void printMaskList(AsmPrinter &printer, ArrayRef<Attribute> masks) {
  printer << "[";
  llvm::interleaveComma(masks, printer);
  printer << "]";
}

#include "attn/Dialect/Attn/IR/AttnEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Attn/IR/AttnAttrs.cpp.inc"

void AttnDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "attn/Dialect/Attn/IR/AttnAttrs.cpp.inc"
      >();
}

Attribute BufferLayoutAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<Dim> order;
  auto parseDim = [&]() -> ParseResult {
    FailureOr<Dim> dim = FieldParser<Dim>::parse(parser);
    if (failed(dim))
      return failure();
    order.push_back(*dim);
    return success();
  };
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseDim))
    return {};
  bool pairs = false;
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword("pairs"))
      return {};
    pairs = true;
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<BufferLayoutAttr>(loc, parser.getContext(), order,
                                             pairs);
}

void BufferLayoutAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(getOrder(), printer,
                        [&](Dim dim) { printer << stringifyDim(dim); });
  printer << "]" << (getPairs() ? ", pairs" : "") << ">";
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

bool attn::isMask(Attribute attr) {
  return isa_and_present<CausalAttr, SlidingWindowAttr, ChunkedAttr, PrefixAttr,
                         SegmentsAttr, DenseAttr, CustomAttr, PerHeadAttr,
                         AndAttr, OrAttr, NotAttr>(attr);
}

bool attn::isTileLayout(Attribute attr) {
  return isa_and_present<BufferLayoutAttr, InPlaceLayoutAttr, FragmentAttr,
                         SharedAttr>(attr);
}

SmallVector<Attribute> attn::getMaskOperands(Attribute mask) {
  using Masks = SmallVector<Attribute>;
  return TypeSwitch<Attribute, Masks>(mask)
      .Case<AndAttr, OrAttr, PerHeadAttr>(
          [](auto node) { return Masks(node.getMasks()); })
      .Case([](NotAttr node) { return Masks{node.getMask()}; })
      .Default([](Attribute) { return Masks(); });
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

LayoutDims attn::getLayoutDims(Layout layout) {
  switch (layout) {
  case Layout::bshd:
  case Layout::paged:
    return {0, 1, 2, 3};
  case Layout::bhsd:
    return {0, 2, 1, 3};
  case Layout::bhds:
    return {0, 3, 1, 2};
  case Layout::thd:
    return {-1, 0, 1, 2};
  case Layout::htd:
    return {-1, 1, 0, 2};
  case Layout::hdt:
    return {-1, 2, 0, 1};
  }
  llvm_unreachable("unknown layout");
}

bool attn::isPacked(Layout layout) {
  return layout == Layout::thd || layout == Layout::htd ||
         layout == Layout::hdt;
}

int attn::getLayoutRank(Layout layout) { return isPacked(layout) ? 3 : 4; }

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

using EmitError = function_ref<InFlightDiagnostic()>;

static LogicalResult verifySlot(EmitError emitError, StringRef what,
                                int64_t slot) {
  if (slot < 0)
    return emitError() << what << " slot is " << slot
                       << "; expected a slot >= 0";
  return success();
}

namespace {
/// Of a mask written out: attributes share parts, text does not.
struct MaskSize {
  int64_t nodes, depth;
};
} // namespace

static MaskSize measureMask(Attribute mask,
                            llvm::DenseMap<Attribute, MaskSize> &known) {
  if (auto it = known.find(mask); it != known.end())
    return it->second;
  MaskSize size{1, 1};
  for (Attribute operand : getMaskOperands(mask)) {
    MaskSize part = measureMask(operand, known);
    // Every part is within the limit, and so is their number times the limit.
    size.nodes += part.nodes;
    size.depth = std::max(size.depth, part.depth + 1);
  }
  known[mask] = size;
  return size;
}

static LogicalResult verifyMasks(EmitError emitError, StringRef what,
                                 ArrayRef<Attribute> masks) {
  llvm::DenseMap<Attribute, MaskSize> known;
  MaskSize size{1, 1};
  for (Attribute mask : masks) {
    if (!isMask(mask))
      return emitError() << what << " has operand " << mask
                         << "; expected a mask of the attn dialect";
    MaskSize part = measureMask(mask, known);
    size.nodes += part.nodes;
    size.depth = std::max(size.depth, part.depth + 1);
  }
  if (size.nodes > kMaxMaskNodes)
    return emitError() << what << " is a mask of " << size.nodes
                       << " parts when written out; expected at most "
                       << kMaxMaskNodes;
  if (size.depth > kMaxMaskDepth)
    return emitError() << what << " is a mask nested " << size.depth
                       << " deep; expected at most " << kMaxMaskDepth;
  return success();
}

LogicalResult SlidingWindowAttr::verify(EmitError emitError, int64_t left,
                                        int64_t right) {
  for (int64_t side : {left, right})
    if (side < 0 && side != kUnbounded)
      return emitError() << "sliding_window side is " << side
                         << "; expected a count >= 0 or 'unbounded'";
  return success();
}

LogicalResult ChunkedAttr::verify(EmitError emitError, int64_t size) {
  if (size < 1)
    return emitError() << "chunked size is " << size << "; expected at least 1";
  return success();
}

LogicalResult PrefixAttr::verify(EmitError emitError, int64_t length,
                                 int64_t slot) {
  if (slot < 0 && slot != kNoSlot)
    return verifySlot(emitError, "prefix", slot);
  if (length < 0)
    return emitError() << "prefix length is " << length
                       << "; expected at least 0";
  return success();
}

LogicalResult SegmentsAttr::verify(EmitError emitError, int64_t qSlot,
                                   int64_t kvSlot) {
  if (failed(verifySlot(emitError, "segments q", qSlot)))
    return failure();
  return verifySlot(emitError, "segments kv", kvSlot);
}

LogicalResult DenseAttr::verify(EmitError emitError, int64_t slot) {
  return verifySlot(emitError, "dense", slot);
}

LogicalResult CustomAttr::verify(EmitError emitError, FlatSymbolRefAttr,
                                 ArrayRef<int64_t> slots) {
  for (int64_t slot : slots)
    if (failed(verifySlot(emitError, "custom", slot)))
      return failure();
  return success();
}

LogicalResult PerHeadAttr::verify(EmitError emitError,
                                  ArrayRef<Attribute> masks) {
  if (masks.empty())
    return emitError() << "per_head has no masks; expected one per query head";
  return verifyMasks(emitError, "per_head", masks);
}

LogicalResult AndAttr::verify(EmitError emitError, ArrayRef<Attribute> masks) {
  return verifyMasks(emitError, "and", masks);
}

LogicalResult OrAttr::verify(EmitError emitError, ArrayRef<Attribute> masks) {
  return verifyMasks(emitError, "or", masks);
}

LogicalResult NotAttr::verify(EmitError emitError, Attribute mask) {
  return verifyMasks(emitError, "not", mask);
}

LogicalResult ConfigAttr::verify(EmitError emitError, int64_t blockQ,
                                 int64_t blockKv, int64_t blockKvCompute,
                                 Attribute, int64_t heads, SplitAttr) {
  if (blockQ < 1 || blockKv < 1 || blockKvCompute < 1)
    return emitError() << "config blocks are " << blockQ << ", " << blockKv
                       << ", " << blockKvCompute << "; expected at least 1";
  if (blockKv % blockKvCompute != 0)
    return emitError() << "config block_kv_compute " << blockKvCompute
                       << " does not divide block_kv " << blockKv;
  if (heads < 1 || heads > blockQ)
    return emitError() << "config heads are " << heads
                       << "; expected 1 to block_q, which is " << blockQ;
  return success();
}

LogicalResult SplitAttr::verify(EmitError emitError, int64_t count,
                                int64_t items, int64_t size) {
  bool byCount = count > 0 && items == 0 && size == 0;
  bool bySize = count == 0 && items >= 0 && size > 0;
  if (!byCount && !bySize)
    return emitError() << "split count, items, size are " << count << ", "
                       << items << ", " << size
                       << "; expected a count, a size, or items and a size";
  return success();
}

LogicalResult BufferLayoutAttr::verify(EmitError emitError, ArrayRef<Dim> order,
                                       bool pairs) {
  if (order.empty() || order.size() > 2)
    return emitError() << "buffer lists " << order.size()
                       << " dims; expected one or two";
  if (order.front() == order.back() && order.size() == 2)
    return emitError() << "buffer lists dim '" << stringifyDim(order.front())
                       << "' twice; expected two different dims";
  if (pairs && order.size() != 2)
    return emitError() << "buffer has pairs and one dim; expected two dims";
  return success();
}

LogicalResult VectorScheduleAttr::verify(EmitError emitError, int64_t rows,
                                         int64_t lanes, int64_t unit, bool,
                                         bool byRow) {
  if (rows < 1 || unit < 1 || lanes < 1 || lanes % unit != 0)
    return emitError() << "vector_schedule rows, lanes, unit are " << rows
                       << ", " << lanes << ", " << unit
                       << "; expected at least 1, lanes a multiple of unit";
  // Sums over lanes halve a register.
  if (byRow && !llvm::isPowerOf2_64(unit))
    return emitError() << "vector_schedule is by_row and has unit " << unit
                       << "; expected a power of two";
  // Each is a value of its own in the generated code.
  if (rows > kMaxAccumulators || lanes > kMaxAccumulators / rows)
    return emitError() << "vector_schedule rows, lanes are " << rows << ", "
                       << lanes << "; expected at most " << kMaxAccumulators
                       << " accumulators";
  return success();
}
