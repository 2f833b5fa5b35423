//===- Tensor.cpp - Strided views and aligned arrays ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

using namespace attn;

/// Cache lines, and the widest vectors.
static constexpr size_t alignment = 64;

/// What a process can address at all; beyond it some allocators abort instead
/// of failing.
static constexpr int64_t maxBytes = int64_t(1) << 47;

//===----------------------------------------------------------------------===//
// TensorView
//===----------------------------------------------------------------------===//

std::vector<int64_t> attn::rowMajorStrides(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t step = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = step;
    // Empty arrays have no addresses; 1 keeps their strides meaningful.
    step *= std::max<int64_t>(shape[d], 1);
  }
  return strides;
}

TensorView::TensorView(void *data, ElementType type, std::vector<int64_t> shape,
                       std::vector<int64_t> strides)
    : base(data), elementType(type), dims(std::move(shape)),
      steps(std::move(strides)) {
  assert(dims.size() == steps.size() && "one stride per dim");
}

TensorView::TensorView(void *data, ElementType type, std::vector<int64_t> shape)
    : base(data), elementType(type), dims(std::move(shape)),
      steps(rowMajorStrides(dims)) {}

int64_t TensorView::numElements() const {
  int64_t count = 1;
  for (int64_t dim : dims)
    count *= dim;
  return count;
}

bool TensorView::isContiguous() const {
  const std::vector<int64_t> packed = rowMajorStrides(dims);
  for (size_t d = 0; d < dims.size(); ++d)
    if (dims[d] > 1 && steps[d] != packed[d])
      return numElements() == 0;
  return true;
}

void *TensorView::address(const int64_t *indices, int64_t count) const {
  assert(count == rank() && "one index per dim");
  int64_t offset = 0;
  for (int64_t d = 0; d < count; ++d) {
    assert(indices[d] >= 0 && indices[d] < dims[d] && "index out of range");
    offset += indices[d] * steps[d];
  }
  return static_cast<char *>(base) + offset * byteSize(elementType);
}

TensorView TensorView::permute(const std::vector<int64_t> &order) const {
  assert(order.size() == dims.size() && "one entry per dim");
  std::vector<int64_t> shape, strides;
  for (int64_t d : order) {
    shape.push_back(dims[d]);
    strides.push_back(steps[d]);
  }
  return TensorView(base, elementType, std::move(shape), std::move(strides));
}

std::optional<TensorView> TensorView::reorder(std::string_view from,
                                              std::string_view to) const {
  if (from.size() != dims.size() || to.size() != dims.size())
    return std::nullopt;
  std::vector<int64_t> order;
  for (size_t d = 0; d < to.size(); ++d) {
    const size_t position = from.find(to[d]);
    if (position == std::string_view::npos ||
        from.find(to[d], position + 1) != std::string_view::npos ||
        to.find(to[d], d + 1) != std::string_view::npos)
      return std::nullopt;
    order.push_back(static_cast<int64_t>(position));
  }
  return permute(order);
}

TensorView TensorView::slice(int64_t d, int64_t begin, int64_t length) const {
  assert(begin >= 0 && length >= 0 && begin + length <= dims[d]);
  TensorView result = *this;
  result.dims[d] = length;
  // An empty slice at the end must not point beyond the array.
  if (length > 0)
    result.base =
        static_cast<char *>(base) + begin * steps[d] * byteSize(elementType);
  return result;
}

std::string attn::describe(const TensorView &view) {
  std::string result;
  for (int64_t dim : view.shape())
    result += std::to_string(dim) + "x";
  return result.append(name(view.type()));
}

std::vector<double> attn::toDoubles(const TensorView &view) {
  const int64_t count = view.numElements();
  std::vector<double> result(static_cast<size_t>(count));
  if (count == 0)
    return result;
  if (view.rank() == 0) {
    result[0] = view.loadAsDouble({});
    return result;
  }
  const int64_t last = view.rank() - 1;
  const int64_t length = view.dim(last);
  std::vector<int64_t> index(view.rank(), 0);
  for (int64_t done = 0; done < count; done += length) {
    loadRow(view.type(), view.address(index), view.stride(last), length,
            result.data() + done);
    for (int64_t d = last - 1; d >= 0; --d) {
      if (++index[d] < view.dim(d))
        break;
      index[d] = 0;
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Tensor
//===----------------------------------------------------------------------===//

void Tensor::Release::operator()(void *pointer) const { std::free(pointer); }

static std::string join(const std::vector<int64_t> &numbers) {
  std::string result = "[";
  for (size_t n = 0; n < numbers.size(); ++n)
    result += (n ? ", " : "") + std::to_string(numbers[n]);
  return result + "]";
}

/// Bytes from the first element to the end of the last one; nothing if they
/// cannot be addressed. Strides are for row-major order if absent.
static std::optional<int64_t>
allocationSize(ElementType type, const std::vector<int64_t> &shape,
               const std::vector<int64_t> *strides) {
  int64_t elements = 1;
  int64_t extent = 1;
  bool isEmpty = false;
  for (size_t d = 0; d < shape.size(); ++d) {
    isEmpty |= shape[d] == 0;
    // Empty dims count as 1 so that strides and their products fit as well.
    const int64_t dim = std::max<int64_t>(shape[d], 1);
    if (__builtin_mul_overflow(elements, dim, &elements))
      return std::nullopt;
    int64_t reach;
    if (strides && (__builtin_mul_overflow(dim - 1, (*strides)[d], &reach) ||
                    __builtin_add_overflow(extent, reach, &extent)))
      return std::nullopt;
  }
  int64_t bytes;
  if (__builtin_mul_overflow(std::max(elements, extent), byteSize(type),
                             &bytes) ||
      bytes > maxBytes)
    return std::nullopt;
  if (strides)
    bytes = extent * byteSize(type);
  return isEmpty ? 0 : bytes;
}

static bool verifyShape(const std::vector<int64_t> &shape, std::string &error) {
  if (std::any_of(shape.begin(), shape.end(), [](int64_t d) { return d < 0; }))
    error = "shape " + join(shape) + " has a negative dim";
  return error.empty();
}

std::optional<Tensor> Tensor::create(ElementType type,
                                     const std::vector<int64_t> &shape,
                                     std::string &error) {
  error.clear();
  if (!verifyShape(shape, error))
    return std::nullopt;
  // Before the strides are computed: their products must not overflow.
  if (!allocationSize(type, shape, nullptr)) {
    error = "shape " + join(shape) + " needs more than 2^47 bytes";
    return std::nullopt;
  }
  return create(type, shape, rowMajorStrides(shape), error);
}

std::optional<Tensor> Tensor::create(ElementType type,
                                     const std::vector<int64_t> &shape,
                                     const std::vector<int64_t> &strides,
                                     std::string &error) {
  error.clear();
  if (!verifyShape(shape, error))
    return std::nullopt;
  if (strides.size() != shape.size() ||
      std::any_of(strides.begin(), strides.end(),
                  [](int64_t s) { return s < 0; })) {
    error = "strides " + join(strides) + " of shape " + join(shape) +
            ": needs one non-negative stride per dim";
    return std::nullopt;
  }
  std::optional<int64_t> bytes = allocationSize(type, shape, &strides);
  if (!bytes) {
    error = "shape " + join(shape) + " with strides " + join(strides) +
            " needs more than 2^47 bytes";
    return std::nullopt;
  }
  Tensor result;
  result.bytes = *bytes;
  // Not operator new, nothrow or not: it calls the new handler first, and that
  // of LLVM's tools ends the process. Whole multiples of the alignment only.
  const size_t wanted = static_cast<size_t>(std::max<int64_t>(*bytes, 1));
  result.storage.reset(std::aligned_alloc(
      alignment, (wanted + alignment - 1) / alignment * alignment));
  if (!result.storage) {
    error = "cannot allocate " + std::to_string(*bytes) + " bytes for shape " +
            join(shape);
    return std::nullopt;
  }
  result.elements = TensorView(result.storage.get(), type, shape, strides);
  result.zero();
  return result;
}

Tensor Tensor::retype(ElementType type, const std::vector<int64_t> &shape,
                      const std::vector<int64_t> &strides) && {
  [[maybe_unused]] std::optional<int64_t> needed =
      allocationSize(type, shape, &strides);
  assert(needed && *needed <= bytes && "array is too small for the new type");
  elements = TensorView(storage.get(), type, shape, strides);
  return std::move(*this);
}

void Tensor::zero() {
  if (bytes > 0)
    std::memset(data(), 0, static_cast<size_t>(bytes));
}

void Tensor::poison() {
  const bool isFNUZ =
      type() == ElementType::F8E4M3FNUZ || type() == ElementType::F8E5M2FNUZ;
  if (bytes > 0)
    std::memset(data(), isFNUZ ? 0x80 : 0xff, static_cast<size_t>(bytes));
}
