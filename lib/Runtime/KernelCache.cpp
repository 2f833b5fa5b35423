//===- KernelCache.cpp - Kernels kept in a directory ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/KernelCache.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace attn;
namespace fs = std::filesystem;

static constexpr char suffix[] = ".attnk";

/// A file that a process left half-written is one after this time.
static constexpr std::chrono::hours abandonedAge{1};

/// Makes the missing directories of a path, for the user alone.
static bool makeDirectories(const fs::path &path) {
  if (path.empty() || fs::is_directory(path))
    return true;
  if (!makeDirectories(path.parent_path()))
    return false;
  return mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
}

std::optional<KernelCache> KernelCache::open(const std::string &directory,
                                             uint64_t limit,
                                             std::string &error) {
  std::error_code code;
  fs::path path = fs::absolute(directory, code).lexically_normal();
  struct stat status;
  if (code || !makeDirectories(path) || stat(path.c_str(), &status) != 0) {
    error = "cache directory " + directory + ": " + std::strerror(errno);
    return std::nullopt;
  }
  if (!S_ISDIR(status.st_mode)) {
    error = "cache directory " + directory + ": not a directory";
    return std::nullopt;
  }
  if (status.st_uid != geteuid() || (status.st_mode & 022) != 0) {
    error = "cache directory " + directory +
            ": must belong to this user and be writable by nobody else";
    return std::nullopt;
  }
  return KernelCache(path.string(), limit);
}

std::string KernelCache::getPath(const std::string &key) const {
  return directory + "/" + hashBytes(key) + suffix;
}

KernelCache::Lookup KernelCache::load(const std::string &key,
                                      KernelFile &file) const {
  std::string error, path = getPath(key);
  auto bytes = readFile(path, error);
  if (!bytes)
    return Lookup::Absent;
  auto unpacked = unpackKernelFile(*bytes, error);
  if (!unpacked) {
    unlink(path.c_str());
    return Lookup::Damaged;
  }
  // Two keys may have one hash, if never in practice.
  if (unpacked->key != key)
    return Lookup::Absent;
  file = std::move(*unpacked);
  // The time of last use decides what is evicted.
  utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  return Lookup::Found;
}

bool KernelCache::store(const KernelFile &file, std::string &error) const {
  if (!replaceFile(getPath(file.key), packKernelFile(file), error))
    return false;
  evict();
  return true;
}

namespace {
struct CachedFile {
  fs::path path;
  fs::file_time_type lastUse;
  uint64_t size;
};
} // namespace

void KernelCache::evict() const {
  std::vector<CachedFile> files;
  uint64_t total = 0;
  std::error_code code;
  auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator it(directory, code), end; !code && it != end;
       it.increment(code)) {
    // Any file may vanish at any time.
    std::error_code gone;
    CachedFile file{it->path(), it->last_write_time(gone), it->file_size(gone)};
    if (gone)
      continue;
    if (file.path.extension() == ".tmp") {
      if (now - file.lastUse > abandonedAge)
        fs::remove(file.path, gone);
      continue;
    }
    if (file.path.extension() != suffix)
      continue;
    total += file.size;
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(),
            [](const CachedFile &a, const CachedFile &b) {
              return a.lastUse < b.lastUse;
            });
  for (const CachedFile &file : files) {
    if (total <= limit)
      return;
    fs::remove(file.path, code);
    total -= file.size;
  }
}
