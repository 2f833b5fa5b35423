//===- Npy.cpp - Reading and writing NumPy's .npy files -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NpyHeader.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <sys/stat.h>

using namespace attn;

static constexpr char magic[] = "\x93NUMPY";
static constexpr size_t magicSize = 6;

/// NumPy refuses longer headers as unsafe; a header of rank 64 is far shorter.
static constexpr size_t maxHeaderSize = 10000;

//===----------------------------------------------------------------------===//
// Header
//===----------------------------------------------------------------------===//

/// Finds the header's text and the offset of the data behind it.
static bool locateHeader(const unsigned char *data, size_t size,
                         std::string_view &text, size_t &dataOffset,
                         std::string &error) {
  if (size < magicSize || std::memcmp(data, magic, magicSize) != 0) {
    error = "not an .npy file (no \\x93NUMPY at its start)";
    return false;
  }
  const size_t versionEnd = magicSize + 2;
  if (size < versionEnd) {
    error = "truncated: ends within the version";
    return false;
  }
  const unsigned major = data[magicSize];
  const unsigned minor = data[magicSize + 1];
  if (major < 1 || major > 3 || minor != 0) {
    error = ".npy version " + std::to_string(major) + "." +
            std::to_string(minor) +
            " is not supported; allowed are 1.0, 2.0 and 3.0";
    return false;
  }
  const size_t lengthBytes = major == 1 ? 2 : 4;
  if (size < versionEnd + lengthBytes) {
    error = "truncated: ends within the header's length";
    return false;
  }
  size_t length = 0;
  for (size_t n = 0; n < lengthBytes; ++n)
    length |= size_t(data[versionEnd + n]) << (8 * n);
  const size_t begin = versionEnd + lengthBytes;
  if (length > maxHeaderSize) {
    error = "header of " + std::to_string(length) +
            " bytes is too long; at most " + std::to_string(maxHeaderSize) +
            " are allowed";
    return false;
  }
  if (length > size - begin) {
    error = "truncated: ends within the header";
    return false;
  }
  text = {reinterpret_cast<const char *>(data) + begin, length};
  dataOffset = begin + length;
  return true;
}

/// Strides of the array, and a check that exactly `size` bytes belong to it.
static bool layOut(const NpyHeader &header, size_t size, NpyArray &array,
                   std::string &error) {
  int64_t step = 1;
  bool isEmpty = false;
  const size_t rank = header.shape.size();
  array.strides.resize(rank);
  for (size_t n = 0; n < rank; ++n) {
    const size_t d = header.isFortranOrder ? n : rank - 1 - n;
    array.strides[d] = step;
    isEmpty |= header.shape[d] == 0;
    const int64_t dim = std::max<int64_t>(header.shape[d], 1);
    if (__builtin_mul_overflow(step, dim, &step)) {
      error = "array has more than 2^63 elements";
      return false;
    }
  }
  int64_t bytes;
  if (__builtin_mul_overflow(isEmpty ? 0 : step, header.type.bytes, &bytes)) {
    error = "array has more than 2^63 bytes";
    return false;
  }
  if (static_cast<uint64_t>(bytes) != size) {
    error = (size < static_cast<uint64_t>(bytes) ? "truncated: "
                                                 : "trailing data: ") +
            std::to_string(size) + " bytes follow the header, the array has " +
            std::to_string(bytes);
    return false;
  }
  array.type = header.type;
  array.shape = header.shape;
  return true;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Parses the header of an image of `size` bytes of which at least the first
/// min(size, maxPrefix) are at `data`.
static std::optional<NpyArray> parsePrefix(const void *data, size_t available,
                                           size_t size, size_t &dataOffset,
                                           std::string &error) {
  std::string_view text;
  if (!locateHeader(static_cast<const unsigned char *>(data), available, text,
                    dataOffset, error))
    return std::nullopt;
  NpyHeader header;
  if (!parseNpyHeader(text, header, error))
    return std::nullopt;
  NpyArray array;
  if (!layOut(header, size - dataOffset, array, error))
    return std::nullopt;
  std::optional<Tensor> bytes = Tensor::create(
      ElementType::I8, {static_cast<int64_t>(size - dataOffset)}, error);
  if (!bytes)
    return std::nullopt;
  array.bytes = std::move(*bytes);
  return array;
}

/// Longest possible distance to the data: magic, version, length, header.
static constexpr size_t maxPrefix = magicSize + 2 + 4 + maxHeaderSize;

std::optional<NpyArray> attn::parseNpy(const void *data, size_t size,
                                       std::string &error) {
  error.clear();
  size_t dataOffset = 0;
  std::optional<NpyArray> array =
      parsePrefix(data, size, size, dataOffset, error);
  if (array && size > dataOffset)
    std::memcpy(array->bytes.data(),
                static_cast<const char *>(data) + dataOffset,
                size - dataOffset);
  return array;
}

namespace {
struct CloseFile {
  void operator()(std::FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;
} // namespace

static std::optional<NpyArray> readOpened(std::FILE *file, std::string &error) {
  struct stat status;
  if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
    error = "not a regular file";
    return std::nullopt;
  }
  const size_t size = static_cast<size_t>(status.st_size);
  std::vector<char> prefix(std::min(size, maxPrefix));
  if (std::fread(prefix.data(), 1, prefix.size(), file) != prefix.size()) {
    error = "cannot be read";
    return std::nullopt;
  }
  size_t dataOffset = 0;
  std::optional<NpyArray> array =
      parsePrefix(prefix.data(), prefix.size(), size, dataOffset, error);
  if (!array)
    return std::nullopt;
  // The part of the data that came with the prefix, then the rest.
  const size_t early = prefix.size() - dataOffset;
  const size_t late = size - prefix.size();
  char *bytes = static_cast<char *>(array->bytes.data());
  std::copy_n(prefix.data() + dataOffset, early, bytes);
  if (late > 0 && std::fread(bytes + early, 1, late, file) != late) {
    error = "cannot be read to its end";
    return std::nullopt;
  }
  return array;
}

std::optional<NpyArray> attn::readNpy(const std::string &path,
                                      std::string &error) {
  error.clear();
  File file(std::fopen(path.c_str(), "rb"));
  std::optional<NpyArray> array;
  if (!file)
    error = std::string("cannot be opened: ") + std::strerror(errno);
  else
    array = readOpened(file.get(), error);
  if (!array)
    error = "'" + path + "': " + error;
  return array;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

std::string attn::name(NpyType type) {
  const std::string bits = std::to_string(type.bytes * 8);
  switch (type.kind) {
  case 'f':
    return "float" + bits;
  case 'i':
    return "int" + bits;
  case 'u':
    return "uint" + bits;
  case 'b':
    return "bool";
  default:
    return "void" + bits;
  }
}

NpyType attn::npyType(ElementType type) {
  if (isFloat8(type) || type == ElementType::BF16)
    return {'V', byteSize(type)};
  if (isFloat(type))
    return {'f', byteSize(type)};
  return {type == ElementType::I1 ? 'b' : 'i', byteSize(type)};
}

/// True if the stored bits already are elements of the type.
static bool hasSameBits(NpyType stored, ElementType type) {
  if (stored == npyType(type))
    return true;
  const bool isRaw = stored.kind == 'V' || stored.kind == 'u';
  return isRaw && (isFloat8(type) || is16BitFloat(type)) &&
         stored.bytes == byteSize(type);
}

/// One stored integer, whatever its width. None has more than 63 value bits.
static int64_t loadInteger(NpyType type, const char *element) {
  int64_t value = 0;
  std::memcpy(&value, element, static_cast<size_t>(type.bytes));
  const int unused = 64 - 8 * static_cast<int>(type.bytes);
  // Shifting up and down again extends the sign (little-endian only, as are
  // all our targets).
  if (type.kind == 'i')
    value =
        static_cast<int64_t>(static_cast<uint64_t>(value) << unused) >> unused;
  return value;
}

static bool convertIntegers(const NpyArray &array, const Tensor &result,
                            std::string &error) {
  const ElementType type = result.type();
  const int bits = 8 * static_cast<int>(byteSize(type));
  const int64_t max = static_cast<int64_t>((uint64_t(1) << (bits - 1)) - 1);
  const char *from = static_cast<const char *>(array.bytes.data());
  char *to = static_cast<char *>(result.data());
  const int64_t count = array.bytes.numBytes() / array.type.bytes;
  for (int64_t n = 0; n < count; ++n) {
    const int64_t value = loadInteger(array.type, from + n * array.type.bytes);
    if (value > max || value < -max - 1) {
      error = name(array.type) + " value " + std::to_string(value) +
              " does not fit " + std::string(name(type));
      return false;
    }
    std::memcpy(to + n * byteSize(type), &value,
                static_cast<size_t>(byteSize(type)));
  }
  return true;
}

static bool verifyBooleans(const NpyArray &array, std::string &error) {
  const unsigned char *bytes =
      static_cast<const unsigned char *>(array.bytes.data());
  for (int64_t n = 0; n < array.bytes.numBytes(); ++n) {
    if (bytes[n] <= 1)
      continue;
    error = "bool value " + std::to_string(bytes[n]) + " is neither 0 nor 1";
    return false;
  }
  return true;
}

static std::string allowedTypes(ElementType type) {
  if (type == ElementType::I1)
    return "bool";
  if (!isFloat(type))
    return "int8, int16, int32, int64, uint8 or uint16";
  const std::string raw =
      isFloat8(type) ? "void8 or uint8" : "void16 or uint16";
  if (type == ElementType::F16)
    return "float16, " + raw;
  return type == ElementType::F64   ? "float64"
         : type == ElementType::F32 ? "float32"
                                    : raw;
}

std::optional<Tensor> attn::interpretNpy(NpyArray array, ElementType type,
                                         std::string &error) {
  error.clear();
  const bool isInteger = !isFloat(type) && type != ElementType::I1 &&
                         (array.type.kind == 'i' || array.type.kind == 'u');
  if (!isInteger && !hasSameBits(array.type, type)) {
    error = "holds " + attn::name(array.type) + ", " + std::string(name(type)) +
            " needs " + allowedTypes(type);
    return std::nullopt;
  }
  if (type == ElementType::I1 && !verifyBooleans(array, error))
    return std::nullopt;
  if (hasSameBits(array.type, type))
    return std::move(array.bytes).retype(type, array.shape, array.strides);
  std::optional<Tensor> result =
      Tensor::create(type, array.shape, array.strides, error);
  if (!result)
    return std::nullopt;
  if (!convertIntegers(array, *result, error))
    return std::nullopt;
  return result;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static std::string makeHeader(const TensorView &view) {
  const NpyType type = npyType(view.type());
  // '|' is "no byte order".
  const char order = type.bytes == 1 || type.kind == 'V' ? '|' : '<';
  std::string text = std::string("{'descr': '") + order + type.kind +
                     std::to_string(type.bytes) +
                     "', 'fortran_order': False, 'shape': (";
  for (int64_t d = 0; d < view.rank(); ++d)
    text += (d ? " " : "") + std::to_string(view.dim(d)) + ",";
  if (view.rank() > 1)
    text.pop_back();
  text += "), }";
  // The data start at a multiple of 64 bytes.
  const size_t prefix = magicSize + 2 + 2;
  text.append(63 - (prefix + text.size()) % 64, ' ');
  text += '\n';
  std::string header(magic, magicSize);
  header += {'\x01', '\x00', static_cast<char>(text.size() & 0xff),
             static_cast<char>(text.size() >> 8)};
  return header + text;
}

/// Writes the elements row by row; rows with gaps are packed first.
static bool writeElements(std::FILE *file, const TensorView &view) {
  const size_t bytes = static_cast<size_t>(byteSize(view.type()));
  const int64_t count = view.numElements();
  if (count == 0)
    return true;
  if (view.isContiguous()) {
    const size_t size = static_cast<size_t>(count) * bytes;
    return std::fwrite(view.data(), 1, size, file) == size;
  }
  // Not contiguous, so the rank is at least 1.
  const int64_t last = view.rank() - 1;
  const int64_t length = view.dim(last);
  std::vector<char> row(static_cast<size_t>(length) * bytes);
  std::vector<int64_t> index(view.rank(), 0);
  for (int64_t done = 0; done < count; done += length) {
    const char *first = static_cast<const char *>(view.address(index));
    for (int64_t n = 0; n < length; ++n)
      std::memcpy(row.data() + n * bytes,
                  first + n * view.stride(last) * static_cast<int64_t>(bytes),
                  bytes);
    if (std::fwrite(row.data(), 1, row.size(), file) != row.size())
      return false;
    for (int64_t d = last - 1; d >= 0; --d) {
      if (++index[d] < view.dim(d))
        break;
      index[d] = 0;
    }
  }
  return true;
}

bool attn::writeNpy(const std::string &path, const TensorView &view,
                    std::string &error) {
  error.clear();
  std::FILE *file = std::fopen(path.c_str(), "wb");
  if (!file) {
    error =
        "'" + path + "': cannot be opened for writing: " + std::strerror(errno);
    return false;
  }
  const std::string header = makeHeader(view);
  const bool written =
      std::fwrite(header.data(), 1, header.size(), file) == header.size() &&
      writeElements(file, view);
  // Closing flushes, so it can be what fails on a full disk.
  if (std::fclose(file) == 0 && written)
    return true;
  error = "'" + path + "': cannot be written: " + std::strerror(errno);
  return false;
}
