//===- Arguments.cpp - Kernel parameters from the command line ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Support/Npy.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace attn;

/// At its natural alignment, as the drivers lay parameters out.
void KernelArguments::append(const void *value, size_t size) {
  block.resize((block.size() + size - 1) / size * size);
  const char *bytes = static_cast<const char *>(value);
  block.insert(block.end(), bytes, bytes + size);
}

void KernelArguments::append(Tensor array) {
  storage.push_back(std::move(array));
  arrays.push_back(&storage.back());
  const void *address = storage.back().data();
  append(&address, sizeof(address));
}

/// The element type that a file's NumPy type is kept as: raw bytes stay raw.
static ElementType elementTypeOf(NpyType type) {
  for (ElementType known : allElementTypes)
    if (npyType(known) == type)
      return known;
  switch (type.bytes) {
  case 1:
    return ElementType::I8;
  case 2:
    return ElementType::BF16;
  case 4:
    return ElementType::I32;
  default:
    return ElementType::I64;
  }
}

static Expected<Tensor> readArray(StringRef path) {
  std::string error;
  std::optional<NpyArray> file = readNpy(path.str(), error);
  if (!file)
    return createError(error);
  const ElementType type = elementTypeOf(file->type);
  return std::move(file->bytes).retype(type, file->shape, file->strides);
}

/// "4x64xf32"
static Expected<Tensor> makeArray(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, 'x');
  const std::optional<ElementType> type = parseElementType(parts.back().str());
  std::vector<int64_t> shape;
  for (StringRef part : ArrayRef(parts).drop_back()) {
    int64_t size;
    if (part.getAsInteger(10, size) || size < 0)
      return createError("--arg: bad size '" + part + "'");
    shape.push_back(size);
  }
  if (!type)
    return createError("--arg: no element type '" + parts.back() + "'");
  std::string error;
  std::optional<Tensor> array = Tensor::create(*type, shape, error);
  if (!array)
    return createError("--arg: " + error);
  return std::move(*array);
}

Error KernelArguments::add(StringRef text) {
  auto [kind, value] = text.split(':');
  if (kind == "zeros" || text.ends_with(".npy")) {
    Expected<Tensor> array =
        kind == "zeros" ? makeArray(value) : readArray(text);
    if (!array)
      return array.takeError();
    append(std::move(*array));
    return Error::success();
  }
  int64_t integer = 0;
  double number = 0;
  const bool isInteger = kind == "i32" || kind == "i64";
  if (!isInteger && kind != "f32")
    return createError("--arg: expected FILE.npy, zeros:, i32:, i64: or f32:, "
                       "not '" +
                       text + "'");
  if (isInteger ? value.getAsInteger(0, integer) : !to_float(value, number))
    return createError("--arg: bad number '" + value + "'");
  arrays.push_back(nullptr);
  const float single = static_cast<float>(number);
  if (kind == "f32")
    append(&single, sizeof(single));
  else
    append(&integer, kind == "i32" ? 4 : 8);
  return Error::success();
}

Error KernelArguments::write(StringRef text) const {
  auto [number, path] = text.split(':');
  size_t index;
  if (number.getAsInteger(10, index) || path.empty())
    return createError("--out: expected N:FILE, not '" + text + "'");
  if (index >= arrays.size() || !arrays[index])
    return createError("--out: parameter " + number + " is no array");
  std::string error;
  if (!writeNpy(path.str(), arrays[index]->view(), error))
    return createError(error);
  return Error::success();
}

std::vector<attn_emulator_range> KernelArguments::ranges() const {
  std::vector<attn_emulator_range> all;
  for (const Tensor &array : storage)
    all.push_back({array.data(), static_cast<uint64_t>(array.numBytes())});
  return all;
}
