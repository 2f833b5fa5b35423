//===- KernelFile.cpp - Kernels in files ----------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/KernelFile.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace attn;

namespace {
struct Trailer {
  char magic[8];
  uint64_t imageSize, manifestSize, keySize;
  /// Of everything before this field.
  XXH128_canonical_t checksum;
};
} // namespace

static constexpr char magic[8] = {'A', 'T', 'T', 'N', 'K', 'R', 'N', '1'};
static constexpr size_t checkedTrailerSize = offsetof(Trailer, checksum);

static XXH128_canonical_t computeHash(std::string_view bytes) {
  XXH128_canonical_t result;
  XXH128_canonicalFromHash(&result, XXH3_128bits(bytes.data(), bytes.size()));
  return result;
}

std::string attn::hashBytes(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (unsigned char byte : computeHash(bytes).digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string attn::packKernelFile(const KernelFile &file) {
  Trailer trailer = {};
  std::memcpy(trailer.magic, magic, sizeof(magic));
  trailer.imageSize = file.image.size();
  trailer.manifestSize = file.manifest.size();
  trailer.keySize = file.key.size();
  std::string bytes = file.image + file.manifest + file.key;
  bytes.append(reinterpret_cast<const char *>(&trailer), checkedTrailerSize);
  trailer.checksum = computeHash(bytes);
  bytes.append(reinterpret_cast<const char *>(&trailer.checksum),
               sizeof(trailer.checksum));
  return bytes;
}

std::optional<KernelFile> attn::unpackKernelFile(std::string_view bytes,
                                                 std::string &error) {
  Trailer trailer;
  constexpr size_t trailerSize = checkedTrailerSize + sizeof(trailer.checksum);
  if (bytes.size() >= trailerSize) {
    std::string_view checked =
        bytes.substr(0, bytes.size() - sizeof(trailer.checksum));
    std::string_view content = bytes.substr(0, bytes.size() - trailerSize);
    std::memcpy(&trailer, bytes.data() + content.size(), checkedTrailerSize);
    std::memcpy(&trailer.checksum, bytes.data() + checked.size(),
                sizeof(trailer.checksum));
    XXH128_canonical_t checksum = computeHash(checked);
    if (std::memcmp(trailer.magic, magic, sizeof(magic)) == 0 &&
        std::memcmp(&trailer.checksum, &checksum, sizeof(checksum)) == 0 &&
        trailer.imageSize + trailer.manifestSize + trailer.keySize ==
            content.size())
      return KernelFile{
          std::string(content.substr(0, trailer.imageSize)),
          std::string(content.substr(trailer.imageSize, trailer.manifestSize)),
          std::string(
              content.substr(trailer.imageSize + trailer.manifestSize))};
  }
  error = "not a kernel file of Attn, or damaged";
  return std::nullopt;
}

static std::string describeErrno(const std::string &path) {
  return path + ": " + std::strerror(errno);
}

std::optional<std::string> attn::readFile(const std::string &path,
                                          std::string &error) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) {
    error = describeErrno(path);
    if (file >= 0)
      close(file);
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode)) {
    error = path + ": not a regular file";
    close(file);
    return std::nullopt;
  }
  std::string bytes;
  char buffer[1 << 16];
  ssize_t count;
  while ((count = read(file, buffer, sizeof(buffer))) > 0)
    bytes.append(buffer, static_cast<size_t>(count));
  if (count < 0)
    error = describeErrno(path);
  close(file);
  if (count < 0)
    return std::nullopt;
  return bytes;
}

/// Writes all bytes to a new file; false leaves errno and may leave a part.
static bool writeNewFile(const std::string &path, std::string_view bytes) {
  int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0)
    return false;
  bool ok = true;
  while (ok && !bytes.empty()) {
    ssize_t count = write(file, bytes.data(), bytes.size());
    if (count > 0)
      bytes.remove_prefix(static_cast<size_t>(count));
    else
      ok = count < 0 && errno == EINTR;
  }
  return close(file) == 0 && ok;
}

bool attn::replaceFile(const std::string &path, std::string_view bytes,
                       std::string &error) {
  static std::atomic<unsigned> counter{0};
  std::string temporary = path + "." + std::to_string(getpid()) + "." +
                          std::to_string(counter++) + ".tmp";
  if (writeNewFile(temporary, bytes) &&
      rename(temporary.c_str(), path.c_str()) == 0)
    return true;
  error = describeErrno(path);
  unlink(temporary.c_str());
  return false;
}
