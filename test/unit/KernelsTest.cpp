//===- KernelsTest.cpp - Manifests, checks, files and caches of kernels ---===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Contract.h"
#include "attn/Runtime/KernelCache.h"
#include "attn/Runtime/KernelFile.h"
#include "attn/Runtime/KernelImage.h"
#include "attn/Runtime/Manifest.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>

using namespace attn;
namespace fs = std::filesystem;

//===----------------------------------------------------------------------===//
// Manifests
//===----------------------------------------------------------------------===//

static std::string readError(const std::string &text) {
  std::string error;
  EXPECT_FALSE(parseManifest(text, error));
  return error;
}

TEST(Manifest, RefusesWhatIsNotOne) {
  EXPECT_EQ(readError("{"), "the manifest of a kernel is not a JSON object");
  EXPECT_EQ(readError("[1]"), "the manifest of a kernel is not a JSON object");
  EXPECT_EQ(readError("{}"), "the manifest of a kernel has no valid 'abi'");
  EXPECT_EQ(readError("{\"abi\": 99}"),
            "the kernel was made for version 99 of the runtime, this is "
            "version 2");
  EXPECT_EQ(readError("{\"abi\": 2, \"architecture\": 3}"),
            "the manifest of a kernel has no valid 'architecture'");
  EXPECT_EQ(readError("{\"abi\": 2, \"architecture\": \"x\", \"requires\": "
                      "[], \"arguments\": [{\"name\": \"q\", \"type\": "
                      "\"f31\"}]}"),
            "the manifest of a kernel has no valid 'type'");
}

TEST(Manifest, TellsWhatTheMachineLacks) {
  Manifest manifest;
  std::string error;
  manifest.architecture = "pdp11";
  EXPECT_FALSE(checkRunsHere(manifest, error));
  EXPECT_NE(error.find("the kernel is for pdp11"), std::string::npos);
#if defined(__x86_64__)
  manifest.architecture = "x86_64";
  EXPECT_TRUE(checkRunsHere(manifest, error));
  manifest.requiredFeatures = {"sse2", "made_up", "of_tomorrow"};
  EXPECT_FALSE(checkRunsHere(manifest, error));
  EXPECT_EQ(error, "the kernel needs made_up, of_tomorrow, which this machine "
                   "lacks");
#endif
}

TEST(KernelImage, RefusesBytesThatAreNoImage) {
  std::string error;
  EXPECT_FALSE(
      KernelImage::load("not a shared object", KernelImage::Kind::Cpu, error));
  EXPECT_NE(error.find("cannot load a kernel image"), std::string::npos);
}

//===----------------------------------------------------------------------===//
// Checks of packed and paged problems; dense ones are in test/CAPI
//===----------------------------------------------------------------------===//

namespace {
/// Arguments of a problem, added one by one.
struct Call {
  Manifest manifest;
  std::vector<std::unique_ptr<std::vector<int64_t>>> dims;
  std::vector<std::unique_ptr<std::vector<char>>> memory;
  std::vector<KernelArray> arrays;

  Call() { manifest.attentions.emplace_back(); }
  ManifestAttention &op() { return manifest.attentions.front(); }

  int add(const std::string &name, ElementType type,
          std::vector<int64_t> sizes) {
    std::vector<int64_t> strides(sizes.size(), 1);
    for (size_t d = sizes.size(); d-- > 1;)
      strides[d - 1] = strides[d] * sizes[d];
    int64_t count = std::accumulate(sizes.begin(), sizes.end(), int64_t{1},
                                    std::multiplies<int64_t>());
    ManifestArgument argument;
    argument.name = name;
    argument.type = type;
    argument.isScalar = sizes.empty();
    argument.sizes.assign(sizes.size(), anySize);
    argument.strides.assign(sizes.size(), anySize);
    manifest.arguments.push_back(argument);
    memory.push_back(
        std::make_unique<std::vector<char>>(count * byteSize(type) + 1));
    dims.push_back(std::make_unique<std::vector<int64_t>>(sizes));
    dims.push_back(std::make_unique<std::vector<int64_t>>(strides));
    arrays.push_back({memory.back()->data(), type,
                      static_cast<int32_t>(sizes.size()),
                      dims[dims.size() - 2]->data(), dims.back()->data()});
    return static_cast<int>(arrays.size()) - 1;
  }

  template <typename T>
  int addValues(const std::string &name, std::vector<T> values,
                std::vector<int64_t> sizes) {
    int argument =
        add(name, sizeof(T) == 8 ? ElementType::I64 : ElementType::I32, sizes);
    std::copy(values.begin(), values.end(),
              static_cast<T *>(arrays[argument].data));
    return argument;
  }

  std::string check(ArrayMemory where = ArrayMemory::Host) {
    std::string error;
    bool ok = checkArrays(manifest, arrays.data(), arrays.size(), where, error);
    EXPECT_EQ(ok, error.empty());
    return error;
  }
};
} // namespace

static Call makePacked(std::vector<int32_t> qStarts,
                       std::vector<int32_t> kvStarts) {
  Call call;
  ManifestAttention &op = call.op();
  op.q = call.add("q", ElementType::F32, {10, 4, 8});
  op.k = call.add("k", ElementType::F32, {12, 2, 8});
  op.v = call.add("v", ElementType::F32, {12, 2, 8});
  int64_t q = qStarts.size(), kv = kvStarts.size();
  op.cuSeqlensQ = call.addValues("cu_seqlens_q", std::move(qStarts), {q});
  op.cuSeqlensKv = call.addValues("cu_seqlens_kv", std::move(kvStarts), {kv});
  op.out = call.add("out", ElementType::F32, {10, 4, 8});
  op.lse = call.add("lse", ElementType::F32, {4, 10});
  op.qLayout = op.kLayout = op.vLayout = op.outLayout = "thd";
  return call;
}

TEST(Contract, Packed) {
  EXPECT_EQ(makePacked({0, 3, 10}, {0, 12, 12}).check(), "");
  EXPECT_EQ(makePacked({1, 3, 10}, {0, 12, 12}).check(),
            "cu_seqlens_q[0] is 1; starts begin at 0 and do not decrease");
  EXPECT_EQ(makePacked({0, 3, 2}, {0, 12, 12}).check(),
            "cu_seqlens_q[2] is 2; starts begin at 0 and do not decrease");
  EXPECT_EQ(makePacked({0, 3, 11}, {0, 12, 12}).check(),
            "cu_seqlens_q ends at 11, beyond the 10 packed rows");
  EXPECT_EQ(makePacked({0, 3, 10}, {0, 13, 13}).check(),
            "cu_seqlens_kv ends at 13, beyond the 12 packed rows");
  EXPECT_EQ(makePacked({0, 3, 10}, {0, 12}).check(),
            "cu_seqlens_kv: given shape [2], the problem has [3]");
  Call segments = makePacked({0, 3, 10}, {0, 12, 12});
  segments.op().qSegments.push_back(
      segments.add("q_segments", ElementType::I32, {9}));
  EXPECT_EQ(segments.check(),
            "q_segments: given shape [9], the problem has [10]");
  Call bias = makePacked({0, 3, 10}, {0, 12, 12});
  bias.op().bias = bias.add("bias", ElementType::F32, {1, 4, 7, 11});
  EXPECT_EQ(bias.check(), "bias: given shape [1, 4, 7, 11], the problem has "
                          "[2, 4, 7, 12], where any dim may be 1");
}

static Call makePaged(std::vector<int32_t> table, std::vector<int32_t> lens) {
  Call call;
  ManifestAttention &op = call.op();
  op.q = call.add("q", ElementType::F32, {2, 1, 4, 8});
  op.k = call.add("k", ElementType::F32, {5, 16, 2, 8});
  op.v = call.add("v", ElementType::F32, {5, 16, 2, 8});
  op.kvLens = call.addValues("kv_lens", std::move(lens), {2});
  op.blockTable = call.addValues("block_table", std::move(table), {2, 2});
  op.out = call.add("out", ElementType::F32, {2, 1, 4, 8});
  op.qLayout = op.outLayout = "bshd";
  op.kLayout = op.vLayout = "paged";
  return call;
}

TEST(Contract, Captures) {
  auto withCapture = [](std::vector<int32_t> kvStarts,
                        std::vector<int64_t> sizes) {
    Call call = makePacked({0, 3, 10}, std::move(kvStarts));
    call.op().captures.push_back(
        call.add("capture", ElementType::F32, std::move(sizes)));
    return call.check();
  };
  EXPECT_EQ(withCapture({0, 12, 12}, {4, 1}), "");
  EXPECT_EQ(withCapture({0, 12, 12}, {4, 0}),
            "capture: given shape [4, 0], a captured array has no dim of 0");
  // Without a key nothing is read.
  EXPECT_EQ(withCapture({0, 0, 0}, {4, 0}), "");
}

TEST(Contract, Paged) {
  EXPECT_EQ(makePaged({0, 4, 3, 999}, {32, 16}).check(), "");
  EXPECT_EQ(makePaged({0, 5, 3, 999}, {17, 16}).check(),
            "block_table[0, 1] is 5, allowed are 0 to 4");
  EXPECT_EQ(makePaged({0, 4, -1, 0}, {32, 1}).check(),
            "block_table[1, 0] is -1, allowed are 0 to 4");
  EXPECT_EQ(makePaged({0, 4, 3, 2}, {33, 1}).check(),
            "kv_lens[0] is 33, allowed are 0 to 32");
  Call offset = makePaged({0, 4, 3, 2}, {1, 1});
  offset.op().qOffset =
      offset.addValues<int64_t>("q_offset", {0, INT64_MAX}, {2});
  EXPECT_EQ(offset.check(),
            "q_offset: 9223372036854775807 takes positions beyond 64 bits");
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

TEST(KernelFile, EveryChangedOrMissingByteIsNoticed) {
  KernelFile file{"image", "manifest", "key"};
  std::string bytes = packKernelFile(file), error;
  auto read = unpackKernelFile(bytes, error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(read->image, "image");
  EXPECT_EQ(read->manifest, "manifest");
  EXPECT_EQ(read->key, "key");
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] ^= 1;
    EXPECT_FALSE(unpackKernelFile(changed, error)) << i;
    EXPECT_FALSE(unpackKernelFile(bytes.substr(0, i), error)) << i;
  }
}

namespace {
class KernelCacheTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "attnXXXXXX").string();
    ASSERT_TRUE(mkdtemp(pattern.data()));
    root = pattern;
  }
  void TearDown() override { fs::remove_all(root); }

  KernelCache open(uint64_t limit) {
    std::string error;
    auto cache = KernelCache::open((root / "a" / "b").string(), limit, error);
    EXPECT_TRUE(cache) << error;
    return *cache;
  }

  fs::path root;
};
} // namespace

TEST_F(KernelCacheTest, KeepsAndForgets) {
  KernelCache cache = open(4000);
  KernelFile file;
  std::string error;
  EXPECT_EQ(cache.load("one", file), KernelCache::Lookup::Absent);
  EXPECT_TRUE(cache.store({std::string(1500, 'a'), "", "one"}, error));
  EXPECT_TRUE(cache.store({std::string(1500, 'b'), "", "two"}, error));
  // "two" is now the one that was not used for longest.
  for (const auto &entry : fs::directory_iterator(root / "a" / "b"))
    fs::last_write_time(entry, fs::file_time_type::clock::now() -
                                   std::chrono::minutes(1));
  EXPECT_EQ(cache.load("one", file), KernelCache::Lookup::Found);
  EXPECT_EQ(file.image, std::string(1500, 'a'));
  EXPECT_TRUE(cache.store({std::string(1500, 'c'), "", "three"}, error));
  EXPECT_EQ(cache.load("one", file), KernelCache::Lookup::Found);
  EXPECT_EQ(cache.load("two", file), KernelCache::Lookup::Absent);
  EXPECT_EQ(cache.load("three", file), KernelCache::Lookup::Found);
}

TEST_F(KernelCacheTest, RemovesWhatIsDamagedOrAbandoned) {
  KernelCache cache = open(1 << 20);
  KernelFile file;
  std::string error;
  fs::path directory = root / "a" / "b";
  EXPECT_TRUE(cache.store({"image", "", "one"}, error));
  for (const auto &entry : fs::directory_iterator(directory))
    fs::resize_file(entry, 10);
  EXPECT_EQ(cache.load("one", file), KernelCache::Lookup::Damaged);
  EXPECT_EQ(cache.load("one", file), KernelCache::Lookup::Absent);

  auto age = [&](const char *name, std::chrono::minutes minutes) {
    std::ofstream(directory / name) << "half";
    fs::last_write_time(directory / name,
                        fs::file_time_type::clock::now() - minutes);
  };
  age("old.tmp", std::chrono::minutes(90));
  age("new.tmp", std::chrono::minutes(1));
  EXPECT_TRUE(cache.store({"image", "", "two"}, error));
  EXPECT_FALSE(fs::exists(directory / "old.tmp"));
  EXPECT_TRUE(fs::exists(directory / "new.tmp"));
}

TEST_F(KernelCacheTest, BelongsToTheUserAlone) {
  open(1);
  EXPECT_EQ(fs::status(root / "a" / "b").permissions(), fs::perms::owner_all);
  fs::permissions(root / "a" / "b", fs::perms::all);
  std::string error;
  EXPECT_FALSE(KernelCache::open((root / "a" / "b").string(), 1, error));
  EXPECT_NE(error.find("writable by nobody else"), std::string::npos);
}
