//===- Tensor.h - Strided views and aligned arrays ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Errors here and in the other plain libraries: a function that can fail
// returns bool or std::optional, false or empty on failure, and then its last
// argument `error` holds one line that says what is wrong.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_TENSOR_H
#define ATTN_SUPPORT_TENSOR_H

#include "attn/Support/ElementType.h"

#include <cassert>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn {

/// A reference to an n-dimensional array it does not own. Strides count
/// elements, may be 0 (broadcast) or negative, and hold for any rank >= 0.
class TensorView {
public:
  TensorView() = default;
  TensorView(void *data, ElementType type, std::vector<int64_t> shape,
             std::vector<int64_t> strides);
  /// Row-major contiguous.
  TensorView(void *data, ElementType type, std::vector<int64_t> shape);

  void *data() const { return base; }
  ElementType type() const { return elementType; }
  int64_t rank() const { return static_cast<int64_t>(dims.size()); }
  int64_t dim(int64_t d) const { return dims[d]; }
  int64_t stride(int64_t d) const { return steps[d]; }
  const std::vector<int64_t> &shape() const { return dims; }
  const std::vector<int64_t> &strides() const { return steps; }
  int64_t numElements() const;
  /// True if the elements are row-major without gaps.
  bool isContiguous() const;

  /// Address of one element. Every index must be in range (asserted).
  void *address(std::initializer_list<int64_t> indices) const {
    return address(indices.begin(), static_cast<int64_t>(indices.size()));
  }
  void *address(const std::vector<int64_t> &indices) const {
    return address(indices.data(), static_cast<int64_t>(indices.size()));
  }

  double loadAsDouble(std::initializer_list<int64_t> indices) const {
    return attn::loadAsDouble(elementType, address(indices));
  }
  double loadAsDouble(const std::vector<int64_t> &indices) const {
    return attn::loadAsDouble(elementType, address(indices));
  }
  int64_t loadAsInt(std::initializer_list<int64_t> indices) const {
    return attn::loadAsInt(elementType, address(indices));
  }
  void storeFromDouble(std::initializer_list<int64_t> indices,
                       double value) const {
    attn::storeFromDouble(elementType, address(indices), value);
  }
  void storeFromDouble(const std::vector<int64_t> &indices,
                       double value) const {
    attn::storeFromDouble(elementType, address(indices), value);
  }

  /// Dim `d` of the result is dim `order[d]` of this view.
  TensorView permute(const std::vector<int64_t> &order) const;
  /// Reads a memory layout by dim letters: `reorder("bhsd", "bshd")` takes a
  /// [B,H,S,D] array to a view with dims (b,s,h,d). Both strings name the same
  /// distinct letters, one per dim; otherwise nothing is returned.
  std::optional<TensorView> reorder(std::string_view from,
                                    std::string_view to) const;
  /// Elements [begin, begin + length) of dim `d`.
  TensorView slice(int64_t d, int64_t begin, int64_t length) const;

private:
  void *address(const int64_t *indices, int64_t count) const;

  void *base = nullptr;
  ElementType elementType = ElementType::F32;
  std::vector<int64_t> dims;
  std::vector<int64_t> steps;
};

/// Row-major strides of a shape.
std::vector<int64_t> rowMajorStrides(const std::vector<int64_t> &shape);

/// "4x128x64xbf16".
std::string describe(const TensorView &view);

/// All elements in row-major order of the view's dims.
std::vector<double> toDoubles(const TensorView &view);

/// An owned array, 64-byte aligned, moved but not copied. Created zeroed.
class Tensor {
public:
  Tensor() = default;

  /// Row-major. Refuses negative dims, sizes beyond 2^47 bytes and allocation
  /// failure.
  static std::optional<Tensor> create(ElementType type,
                                      const std::vector<int64_t> &shape,
                                      std::string &error);
  /// With given non-negative strides; gaps between elements belong to the
  /// array and are zeroed or poisoned with it.
  static std::optional<Tensor> create(ElementType type,
                                      const std::vector<int64_t> &shape,
                                      const std::vector<int64_t> &strides,
                                      std::string &error);

  /// Reads the same bytes as another type; they must be enough (asserted).
  Tensor retype(ElementType type, const std::vector<int64_t> &shape,
                const std::vector<int64_t> &strides) &&;

  const TensorView &view() const { return elements; }
  void *data() const { return elements.data(); }
  ElementType type() const { return elements.type(); }
  const std::vector<int64_t> &shape() const { return elements.shape(); }
  /// Size of the allocation, gaps included.
  int64_t numBytes() const { return bytes; }

  void zero();
  /// Fills every byte with 0xFF, which is a NaN in every float type but the
  /// FNUZ ones; those get their only NaN, 0x80. Integers become -1, i1 true.
  void poison();

private:
  struct Release {
    void operator()(void *pointer) const;
  };

  std::unique_ptr<void, Release> storage;
  int64_t bytes = 0;
  TensorView elements;
};

enum class Distribution : uint8_t {
  /// Mean 0, variance 1, within [-6, 6] (the sum of 12 uniform numbers).
  Normal,
  /// [-1, 1).
  Uniform,
  /// Every element 1.
  Ones,
  /// Integers -3 ... 3, exact in every float type.
  SmallIntegers,
};

/// "normal", "uniform", "ones" or "integers".
std::optional<Distribution> parseDistribution(std::string_view spelling);

/// Fills a view in the row-major order of its dims. Equal seeds give equal
/// values on every platform and for every stride: the numbers come from
/// mt19937_64 by integer arithmetic only.
void fillRandom(const TensorView &view, Distribution distribution,
                uint64_t seed);

} // namespace attn

#endif // ATTN_SUPPORT_TENSOR_H
