//===- Contract.cpp - Checking what a kernel is given ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Contract.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace attn;

static std::string format(const int64_t *sizes, int64_t count) {
  std::string text = "[";
  for (int64_t i = 0; i < count; ++i)
    text += (i ? ", " : "") + (sizes[i] == anySize ? std::string("any")
                                                   : std::to_string(sizes[i]));
  return text + "]";
}

static bool fail(std::string &error, std::string message) {
  error = std::move(message);
  return false;
}

/// "[2]" or "[2, 5]". Appended piece by piece: gcc 12 warns of a sum of
/// literals and fresh strings (gcc.gnu.org/bugzilla/show_bug.cgi?id=105651).
static std::string indexText(std::initializer_list<int64_t> index) {
  std::string text;
  for (int64_t i : index) {
    text += text.empty() ? "[" : ", ";
    text += std::to_string(i);
  }
  text += "]";
  return text;
}

static bool isEmpty(const KernelArray &array) {
  return std::find(array.sizes, array.sizes + array.rank, 0) !=
         array.sizes + array.rank;
}

//===----------------------------------------------------------------------===//
// One argument
//===----------------------------------------------------------------------===//

static bool checkShape(const ManifestArgument &expected,
                       const KernelArray &array, std::string &error) {
  int64_t rank = static_cast<int64_t>(expected.sizes.size());
  bool fits = array.rank == rank;
  for (int64_t d = 0; fits && d < rank; ++d)
    fits = array.sizes[d] >= 0 && (expected.sizes[d] == anySize ||
                                   expected.sizes[d] == array.sizes[d]);
  return fits ||
         fail(error, expected.name + ": given shape " +
                         format(array.sizes, array.rank) + ", expected " +
                         format(expected.sizes.data(), rank));
}

static bool checkStrides(const ManifestArgument &expected,
                         const KernelArray &array, std::string &error) {
  for (int64_t d = 0; d < array.rank; ++d)
    if (array.sizes[d] > 1 && expected.strides[d] != anySize &&
        expected.strides[d] != array.strides[d])
      return fail(error, expected.name + ": dim " + std::to_string(d) +
                             " has stride " + std::to_string(array.strides[d]) +
                             ", expected " +
                             std::to_string(expected.strides[d]));
  return true;
}

static bool checkData(const ManifestArgument &expected,
                      const KernelArray &array, std::string &error) {
  if (isEmpty(array))
    return true;
  if (!array.data)
    return fail(error, expected.name + ": the data pointer is null");
  if (reinterpret_cast<uintptr_t>(array.data) % byteSize(array.type) != 0)
    return fail(error, expected.name + ": the data is not aligned to its " +
                           std::to_string(byteSize(array.type)) +
                           "-byte elements");
  return true;
}

static bool checkArgument(const ManifestArgument &expected,
                          const KernelArray &array, std::string &error) {
  if (array.type != expected.type)
    return fail(error, expected.name + ": given element type " +
                           std::string(name(array.type)) + ", expected " +
                           std::string(name(expected.type)));
  return checkShape(expected, array, error) &&
         checkStrides(expected, array, error) &&
         checkData(expected, array, error);
}

//===----------------------------------------------------------------------===//
// One attention op
//===----------------------------------------------------------------------===//

namespace {
/// Checks the arguments of one op against each other; operands that the
/// function computes are its own business.
class AttentionChecker {
public:
  AttentionChecker(const Manifest &manifest, const ManifestAttention &attention,
                   const KernelArray *arrays, ArrayMemory memory,
                   std::string &error)
      : manifest(manifest), op(attention), arrays(arrays), memory(memory),
        error(error) {}

  bool run() {
    // Without q, k and v nothing else has a meaning.
    if (op.q < 0 || op.k < 0 || op.v < 0)
      return true;
    return checkStarts() && checkProblem() && checkLengths() && checkPages() &&
           checkRowOperands() && checkScoreOperands() && checkCaptures() &&
           checkScalars() && checkOutputs();
  }

private:
  bool checkStarts();
  bool checkProblem();
  bool checkLengths();
  bool checkPages();
  bool checkRowOperands();
  bool checkScoreOperands();
  bool checkCaptures();
  bool checkScalars();
  bool checkOutputs();

  bool checkStart(int argument, int64_t rows);
  bool checkLengthsWithin(int argument, int64_t limit);
  bool checkOffsets();
  bool checkPairOperand(int argument);
  bool checkInner(int argument, const std::string &layout);
  /// The exact shape, where anySize is any.
  bool checkSizes(int argument, std::initializer_list<int64_t> wanted);
  bool checkNoOverlap(int argument);

  /// Size of the dim with this letter. Pages are a batch of sequences.
  int64_t size(int argument, const std::string &layout, char letter) const {
    size_t dim = (layout == "paged" ? std::string("bshd") : layout)
                     .find(letter == 's' && isPacked(layout) ? 't' : letter);
    return dim == std::string::npos ? anySize : arrays[argument].sizes[dim];
  }
  static bool isPacked(const std::string &layout) {
    return layout.find('t') != std::string::npos;
  }
  int64_t load(int argument, int64_t i, int64_t j = 0) const {
    const KernelArray &array = arrays[argument];
    int64_t offset = array.rank > 0 ? i * array.strides[0] : 0;
    if (array.rank > 1)
      offset += j * array.strides[1];
    const char *element =
        static_cast<const char *>(array.data) + offset * byteSize(array.type);
    return loadAsInt(array.type, element);
  }
  double loadNumber(int argument) const {
    return loadAsDouble(arrays[argument].type, arrays[argument].data);
  }
  bool canLoad(int argument) const {
    return memory == ArrayMemory::Host || manifest.arguments[argument].isScalar;
  }
  const std::string &getName(int argument) const {
    return manifest.arguments[argument].name;
  }
  bool refuse(int argument, const std::string &message) {
    return fail(error, getName(argument) + message);
  }
  int64_t batchSize() const {
    return op.cuSeqlensQ >= 0 ? arrays[op.cuSeqlensQ].sizes[0] - 1
                              : size(op.q, op.qLayout, 'b');
  }

  const Manifest &manifest;
  const ManifestAttention &op;
  const KernelArray *arrays;
  const ArrayMemory memory;
  std::string &error;
  int64_t batch = 0, rows = 0, keys = 0, headsQ = 0, headsKv = 0;
  /// The longest sequences, which rows and keys are not where packed.
  int64_t maxRows = 0, maxKeys = 0;
};
} // namespace

bool AttentionChecker::checkSizes(int argument,
                                  std::initializer_list<int64_t> wanted) {
  if (argument < 0)
    return true;
  const KernelArray &array = arrays[argument];
  bool fits = array.rank == static_cast<int64_t>(wanted.size());
  for (size_t d = 0; fits && d < wanted.size(); ++d)
    fits = wanted.begin()[d] == anySize || array.sizes[d] == wanted.begin()[d];
  return fits ||
         refuse(argument, ": given shape " + format(array.sizes, array.rank) +
                              ", the problem has " +
                              format(wanted.begin(), wanted.size()));
}

bool AttentionChecker::checkStart(int argument, int64_t total) {
  if (argument < 0)
    return true;
  int64_t count = arrays[argument].sizes[0], previous = 0;
  if (count < 1)
    return refuse(argument, ": given shape [0], expected [B + 1]");
  if (!canLoad(argument))
    return true;
  for (int64_t b = 0; b < count; ++b) {
    int64_t start = load(argument, b);
    if (b == 0 ? start != 0 : start < previous)
      return refuse(argument, indexText({b}) + " is " + std::to_string(start) +
                                  "; starts begin at 0 and do not decrease");
    previous = start;
  }
  return previous <= total ||
         refuse(argument, " ends at " + std::to_string(previous) +
                              ", beyond the " + std::to_string(total) +
                              " packed rows");
}

bool AttentionChecker::checkStarts() {
  return checkStart(op.cuSeqlensQ, size(op.q, op.qLayout, 's')) &&
         checkStart(op.cuSeqlensKv, size(op.k, op.kLayout, 's'));
}

static int64_t divides(int64_t a, int64_t b) { return a > 0 && b % a == 0; }

bool AttentionChecker::checkProblem() {
  batch = batchSize();
  headsQ = size(op.q, op.qLayout, 'h');
  headsKv = size(op.k, op.kLayout, 'h');
  rows = maxRows = size(op.q, op.qLayout, 's');
  keys = size(op.k, op.kLayout, 's');
  if (op.blockTable >= 0)
    keys *= arrays[op.blockTable].sizes[1];
  maxKeys = keys;
  // Where starts cannot be read, no sequence is known to be longer than 0.
  auto longest = [&](int starts) {
    int64_t result = 0;
    if (!canLoad(starts))
      return result;
    for (int64_t b = 0; b + 1 < arrays[starts].sizes[0]; ++b)
      result = std::max(result, load(starts, b + 1) - load(starts, b));
    return result;
  };
  if (op.cuSeqlensQ >= 0)
    maxRows = longest(op.cuSeqlensQ);
  if (op.cuSeqlensKv >= 0) {
    maxKeys = longest(op.cuSeqlensKv);
    if (!checkSizes(op.cuSeqlensKv, {batch + 1}))
      return false;
  }
  for (char letter : {'b', 's', 'h'})
    if (size(op.k, op.kLayout, letter) != size(op.v, op.vLayout, letter))
      return refuse(
          op.v, ": k and v differ in their dim '" + std::string(1, letter) +
                    "', " + std::to_string(size(op.k, op.kLayout, letter)) +
                    " and " + std::to_string(size(op.v, op.vLayout, letter)));
  if (op.blockTable < 0 && op.cuSeqlensKv < 0 &&
      size(op.k, op.kLayout, 'b') != batch)
    return refuse(op.k, ": q has batch " + std::to_string(batch) +
                            ", k has batch " +
                            std::to_string(size(op.k, op.kLayout, 'b')));
  if (size(op.q, op.qLayout, 'd') != size(op.k, op.kLayout, 'd'))
    return refuse(op.k, ": q and k have head dims " +
                            std::to_string(size(op.q, op.qLayout, 'd')) +
                            " and " +
                            std::to_string(size(op.k, op.kLayout, 'd')));
  if (!divides(headsKv, headsQ))
    return refuse(op.q, ": " + std::to_string(headsQ) +
                            " query heads are no multiple of " +
                            std::to_string(headsKv) + " KV heads");
  return checkInner(op.q, op.qLayout) && checkInner(op.k, op.kLayout) &&
         checkInner(op.v, op.vLayout);
}

/// A type with dynamic strides cannot promise what the layout does.
bool AttentionChecker::checkInner(int argument, const std::string &layout) {
  const KernelArray &array = arrays[argument];
  int64_t inner = array.rank - 1;
  if (array.sizes[inner] <= 1 || array.strides[inner] == 1)
    return true;
  return refuse(argument,
                ": the innermost dim of layout " + layout + " has stride " +
                    std::to_string(array.strides[inner]) + ", expected 1");
}

bool AttentionChecker::checkLengthsWithin(int argument, int64_t limit) {
  if (argument < 0)
    return true;
  if (!checkSizes(argument, {batch}))
    return false;
  if (!canLoad(argument))
    return true;
  for (int64_t b = 0; b < batch; ++b) {
    int64_t length = load(argument, b);
    if (length < 0 || length > limit)
      return refuse(argument, indexText({b}) + " is " + std::to_string(length) +
                                  ", allowed are 0 to " +
                                  std::to_string(limit));
  }
  return true;
}

bool AttentionChecker::checkLengths() {
  for (int lengths : op.prefixLens)
    if (!checkSizes(lengths, {batch}))
      return false;
  return checkLengthsWithin(op.qLens, rows) &&
         checkLengthsWithin(op.kvLens, keys);
}

bool AttentionChecker::checkPages() {
  if (op.blockTable < 0 || op.kvLens < 0)
    return true;
  if (!checkSizes(op.blockTable, {batch, anySize}))
    return false;
  if (!canLoad(op.blockTable) || !canLoad(op.kvLens))
    return true;
  int64_t pages = size(op.k, op.kLayout, 'b');
  int64_t pageSize = size(op.k, op.kLayout, 's');
  for (int64_t b = 0; b < batch; ++b) {
    // Entries beyond the length are never looked at.
    int64_t used =
        pageSize ? (load(op.kvLens, b) + pageSize - 1) / pageSize : 0;
    for (int64_t n = 0; n < used; ++n) {
      int64_t page = load(op.blockTable, b, n);
      if (page < 0 || page >= pages)
        return refuse(op.blockTable,
                      indexText({b, n}) + " is " + std::to_string(page) +
                          ", allowed are 0 to " + std::to_string(pages - 1));
    }
  }
  return true;
}

bool AttentionChecker::checkOffsets() {
  if (op.qOffset < 0)
    return true;
  bool perBatch = arrays[op.qOffset].rank == 1;
  if (perBatch && !checkSizes(op.qOffset, {batch}))
    return false;
  if (!canLoad(op.qOffset))
    return true;
  for (int64_t b = 0; b < (perBatch ? batch : 1); ++b) {
    int64_t last;
    if (__builtin_add_overflow(load(op.qOffset, b), maxRows, &last))
      return refuse(op.qOffset, ": " + std::to_string(load(op.qOffset, b)) +
                                    " takes positions beyond 64 bits");
  }
  return true;
}

bool AttentionChecker::checkRowOperands() {
  auto checkTokens = [&](int argument, const std::string &layout,
                         int64_t count) {
    return isPacked(layout) ? checkSizes(argument, {count})
                            : checkSizes(argument, {batch, count});
  };
  if (!checkOffsets() || !checkTokens(op.qPositions, op.qLayout, rows))
    return false;
  for (int segments : op.qSegments)
    if (!checkTokens(segments, op.qLayout, rows))
      return false;
  for (int segments : op.kvSegments)
    if (!checkTokens(segments, op.kLayout, keys))
      return false;
  return true;
}

/// A bias or dense mask: [B, Hq, Sq, Skv], any dim may be 1. Where sequences
/// are packed or paged it must reach as far as anything is read.
bool AttentionChecker::checkPairOperand(int argument) {
  if (argument < 0)
    return true;
  const KernelArray &array = arrays[argument];
  auto fits = [&](int64_t d, int64_t wanted, bool orMore) {
    int64_t given = array.sizes[d];
    return given == 1 || given == wanted || (orMore && given > wanted);
  };
  if (array.rank == 4 && fits(0, batch, false) && fits(1, headsQ, false) &&
      fits(2, maxRows, op.cuSeqlensQ >= 0) &&
      fits(3, maxKeys, op.cuSeqlensKv >= 0 || op.blockTable >= 0))
    return true;
  const int64_t wanted[] = {batch, headsQ, maxRows, maxKeys};
  return refuse(argument, ": given shape " + format(array.sizes, array.rank) +
                              ", the problem has " + format(wanted, 4) +
                              ", where any dim may be 1");
}

bool AttentionChecker::checkScoreOperands() {
  for (int mask : op.denseMasks)
    if (!checkPairOperand(mask))
      return false;
  for (int descale : {op.qDescale, op.kDescale, op.vDescale})
    if (descale >= 0)
      for (auto [dim, wanted] : {std::pair(0, batch), std::pair(1, headsKv)})
        if (int64_t given = arrays[descale].sizes[dim];
            given != 1 && given != wanted)
          return checkSizes(descale, {batch, headsKv});
  if (op.alibiSlopes >= 0 && arrays[op.alibiSlopes].rank == 2 &&
      !checkSizes(op.alibiSlopes, {batch, headsQ}))
    return false;
  if (op.alibiSlopes >= 0 && arrays[op.alibiSlopes].rank == 1 &&
      !checkSizes(op.alibiSlopes, {headsQ}))
    return false;
  return checkPairOperand(op.bias) && checkSizes(op.sinks, {headsQ});
}

/// A function reads the nearest element of a capture, so there must be one;
/// where there is no pair of a row and a key it reads none.
bool AttentionChecker::checkCaptures() {
  if (batch == 0 || headsQ == 0 || maxRows == 0 || maxKeys == 0)
    return true;
  for (int capture : op.captures)
    if (isEmpty(arrays[capture]))
      return refuse(capture,
                    ": given shape " +
                        format(arrays[capture].sizes, arrays[capture].rank) +
                        ", a captured array has no dim of 0");
  return true;
}

bool AttentionChecker::checkScalars() {
  for (int scalar : {op.scale, op.softcap})
    if (scalar >= 0 && canLoad(scalar) && !std::isfinite(loadNumber(scalar)))
      return refuse(scalar, ": given " + std::to_string(loadNumber(scalar)) +
                                ", expected a finite number");
  return true;
}

/// Elements of an output that share memory would be written by several threads.
bool AttentionChecker::checkNoOverlap(int argument) {
  const KernelArray &array = arrays[argument];
  if (isEmpty(array))
    return true;
  for (int64_t d = 0; d < array.rank; ++d)
    if (array.sizes[d] > 1 && array.strides[d] == 0)
      return refuse(argument, ": dim " + std::to_string(d) +
                                  " of an output has stride 0");
  return true;
}

bool AttentionChecker::checkOutputs() {
  if (op.lse >= 0) {
    if (!(isPacked(op.qLayout) ? checkSizes(op.lse, {headsQ, rows})
                               : checkSizes(op.lse, {batch, headsQ, rows})) ||
        !checkNoOverlap(op.lse))
      return false;
  }
  if (op.out < 0)
    return true;
  const std::pair<char, int64_t> wanted[] = {
      {'b', isPacked(op.outLayout) ? anySize : batch},
      {'s', rows},
      {'h', headsQ},
      {'d', size(op.v, op.vLayout, 'd')}};
  for (auto [letter, expected] : wanted)
    if (int64_t given = size(op.out, op.outLayout, letter); given != expected)
      return refuse(op.out, ": dim '" + std::string(1, letter) + "' has size " +
                                std::to_string(given) + ", expected " +
                                std::to_string(expected));
  return checkInner(op.out, op.outLayout) && checkNoOverlap(op.out);
}

bool attn::checkArrays(const Manifest &manifest, const KernelArray *arrays,
                       size_t count, ArrayMemory memory, std::string &error) {
  if (count != manifest.arguments.size())
    return fail(error, "given " + std::to_string(count) +
                           " arrays, the kernel takes " +
                           std::to_string(manifest.arguments.size()));
  for (size_t i = 0; i < count; ++i)
    if (!checkArgument(manifest.arguments[i], arrays[i], error))
      return false;
  for (const ManifestAttention &attention : manifest.attentions)
    if (!AttentionChecker(manifest, attention, arrays, memory, error).run())
      return false;
  return true;
}
