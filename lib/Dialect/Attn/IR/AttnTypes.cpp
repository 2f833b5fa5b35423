//===- AttnTypes.cpp - Tiles and views ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnTypes.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Attn/IR/AttnTypes.cpp.inc"

void AttnDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "attn/Dialect/Attn/IR/AttnTypes.cpp.inc"
      >();
}

/// Parses `dim extent`.
static ParseResult parseDimAndExtent(AsmParser &parser, Dim &dim,
                                     int64_t &extent) {
  FailureOr<Dim> parsed = FieldParser<Dim>::parse(parser);
  if (failed(parsed) || parser.parseInteger(extent))
    return failure();
  dim = *parsed;
  return success();
}

//===----------------------------------------------------------------------===//
// TileType
//===----------------------------------------------------------------------===//

bool TileType::hasDim(Dim dim) const {
  return llvm::is_contained(getDims(), dim);
}

int64_t TileType::getExtent(Dim dim) const {
  const Dim *it = llvm::find(getDims(), dim);
  assert(it != getDims().end() && "tile has no such dim");
  return getShape()[it - getDims().begin()];
}

TileType TileType::withLayout(Attribute layout) const {
  return get(getContext(), getDims(), getShape(), getElementType(), layout);
}

Type TileType::parse(AsmParser &parser) {
  SmallVector<Dim> dims;
  SmallVector<int64_t> shape;
  Type elementType;
  Attribute layout;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  do {
    OptionalParseResult type = parser.parseOptionalType(elementType);
    if (type.has_value()) {
      if (failed(*type))
        return {};
      break;
    }
    if (parseDimAndExtent(parser, dims.emplace_back(), shape.emplace_back()))
      return {};
  } while (succeeded(parser.parseOptionalComma()));
  if (!elementType) {
    parser.emitError(loc, "tile has no element type");
    return {};
  }
  if (succeeded(parser.parseOptionalComma()) && parser.parseAttribute(layout))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<TileType>(loc, parser.getContext(), dims, shape,
                                     elementType, layout);
}

void TileType::print(AsmPrinter &printer) const {
  printer << "<";
  for (auto [dim, extent] : llvm::zip_equal(getDims(), getShape()))
    printer << stringifyDim(dim) << " " << extent << ", ";
  printer << getElementType();
  if (getLayout())
    printer << ", " << getLayout();
  printer << ">";
}

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<Dim> dims, ArrayRef<int64_t> shape,
                               Type elementType, Attribute layout) {
  if (dims.empty() || dims.size() > 2 || dims.size() != shape.size())
    return emitError() << "tile has " << dims.size()
                       << " dims; expected one or two";
  if (dims.size() == 2 && dims[0] == dims[1])
    return emitError() << "tile has dim '" << stringifyDim(dims[0])
                       << "' twice; expected two different dims";
  for (auto [dim, extent] : llvm::zip_equal(dims, shape))
    if (extent < 1)
      return emitError() << "tile extent of dim '" << stringifyDim(dim)
                         << "' is " << extent << "; expected at least 1";
  int64_t elements = 1;
  for (int64_t extent : shape) {
    if (extent > kMaxTileElements / elements)
      return emitError() << "tile has more than " << kMaxTileElements
                         << " elements";
    elements *= extent;
  }
  if (!isa<FloatType, IntegerType>(elementType))
    return emitError() << "tile element type is " << elementType
                       << "; expected a float or integer type";
  if (!layout)
    return success();
  if (!isTileLayout(layout))
    return emitError() << "tile layout is " << layout
                       << "; expected a tile layout of the attn dialect";
  auto buffer = dyn_cast<BufferLayoutAttr>(layout);
  if (!buffer)
    return success();
  ArrayRef<Dim> order = buffer.getOrder();
  if (!std::is_permutation(dims.begin(), dims.end(), order.begin(),
                           order.end()))
    return emitError() << "tile layout is " << layout
                       << "; expected it to list the dims of the tile";
  bool isHalf =
      isa<FloatType>(elementType) && elementType.getIntOrFloatBitWidth() == 16;
  if (buffer.getPairs() && !isHalf)
    return emitError() << "tile layout is " << layout << " and element type "
                       << elementType
                       << "; expected a float of 16 bits with pairs";
  return success();
}

//===----------------------------------------------------------------------===//
// ViewType
//===----------------------------------------------------------------------===//

Type ViewType::parse(AsmParser &parser) {
  Dim dim;
  int64_t extent;
  Type elementType;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  FailureOr<Dim> sequence = FieldParser<Dim>::parse(parser);
  if (failed(sequence) || parser.parseComma() ||
      parseDimAndExtent(parser, dim, extent) || parser.parseComma() ||
      parser.parseType(elementType) || parser.parseGreater())
    return {};
  return parser.getChecked<ViewType>(loc, parser.getContext(), *sequence, dim,
                                     extent, elementType);
}

void ViewType::print(AsmPrinter &printer) const {
  printer << "<" << stringifyDim(getSequence()) << ", "
          << stringifyDim(getDim()) << " " << getExtent() << ", "
          << getElementType() << ">";
}

LogicalResult ViewType::verify(function_ref<InFlightDiagnostic()> emitError,
                               Dim sequence, Dim dim, int64_t extent,
                               Type elementType) {
  if (sequence != Dim::q && sequence != Dim::kv)
    return emitError() << "view sequence dim is '" << stringifyDim(sequence)
                       << "'; expected 'q' or 'kv'";
  if (dim != Dim::d && dim != Dim::dv)
    return emitError() << "view head dim is '" << stringifyDim(dim)
                       << "'; expected 'd' or 'dv'";
  if (extent < 1)
    return emitError() << "view extent is " << extent
                       << "; expected at least 1";
  if (!isa<FloatType>(elementType))
    return emitError() << "view element type is " << elementType
                       << "; expected a float type";
  return success();
}
