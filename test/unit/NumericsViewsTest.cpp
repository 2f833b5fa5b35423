//===- NumericsViewsTest.cpp - Packed sequences and paged keys ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where rows lie changes no bit of a result, and what lies between them never
// reaches one.
//
//===----------------------------------------------------------------------===//

#include "NumericsTestUtils.h"

#include "attn/Compiler/Jit.h"

#include "mlir/Parser/Parser.h"
#include <cmath>
#include <cstring>
#include <random>
#include <sys/mman.h>

using namespace attn;
using namespace attn::numerics;

namespace {

using NumericsViewsTest = NumericsTest;

INSTANTIATE_TEST_SUITE_P(Variants, NumericsViewsTest,
                         testing::ValuesIn(variants), nameVariant);

constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Copies `rows` rows of heads x dim elements between arrays whose innermost
/// two dims are these.
void copyRows(const TensorView &to, std::vector<int64_t> toIndex,
              const TensorView &from, std::vector<int64_t> fromIndex,
              int64_t rows) {
  int64_t rank = from.rank();
  size_t bytes =
      rows * from.dim(rank - 2) * from.dim(rank - 1) * byteSize(from.type());
  toIndex.insert(toIndex.end(), {0, 0});
  fromIndex.insert(fromIndex.end(), {0, 0});
  if (bytes > 0)
    std::memcpy(to.address(toIndex), from.address(fromIndex), bytes);
}

/// Moves the pages of k and v to other places, and the table with them.
void shufflePages(Experiment &experiment, uint64_t seed) {
  std::vector<int64_t> place(experiment.get("k").dim(0));
  std::iota(place.begin(), place.end(), 0);
  std::shuffle(place.begin(), place.end(), std::mt19937_64(seed));
  for (const char *name : {"k", "v"}) {
    const TensorView &view = experiment.get(name);
    std::vector<char> old = getBytes(view);
    size_t bytes = old.size() / place.size();
    for (size_t page = 0; page < place.size(); ++page)
      std::memcpy(view.address({place[page], 0, 0, 0}),
                  old.data() + page * bytes, bytes);
  }
  const TensorView &table = experiment.get("block_table");
  for (int64_t b = 0; b < table.dim(0); ++b)
    for (int64_t n = 0; n < table.dim(1); ++n)
      table.storeFromDouble(
          {b, n}, static_cast<double>(place[table.loadAsInt({b, n})]));
}

} // namespace

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

TEST_P(NumericsViewsTest, PermutedPagesAgreeBitwise) {
  for (int64_t pageSize : {1, 3, 16, 64, 200}) {
    auto experiment =
        make("--batch=3 --sq=70 --skv=300 --q-heads=4 --kv-heads=2 --dqk=40 "
             "--mask=causal --q-offset=200 --lse --page-size=" +
             std::to_string(pageSize));
    set(*experiment, {{"kv_lens", {"300", "0", "131"}}});
    compile(*experiment);
    experiment->call();
    expectRight(*experiment);
    std::vector<char> out = getBytes(experiment->getOut());
    std::vector<char> lse = getBytes(experiment->getLse());
    for (uint64_t seed : {1, 2, 3}) {
      shufflePages(*experiment, seed);
      experiment->call();
      EXPECT_EQ(getBytes(experiment->getOut()), out) << pageSize;
      EXPECT_EQ(getBytes(experiment->getLse()), lse) << pageSize;
    }
  }
}

TEST_P(NumericsViewsTest, PagesAgreeBitwiseWithContiguousKeys) {
  const std::string gen = "--batch=3 --sq=70 --skv=300 --q-heads=4 "
                          "--kv-heads=2 --dqk=24 --dv=40 --mask=causal "
                          "--q-offset=200 --block-kv=64 --lse";
  for (int64_t pageSize : {1, 5, 16, 128}) {
    auto paged = make(gen + " --page-size=" + std::to_string(pageSize));
    auto plain = make(gen + " --lens=kv");
    copyRows(plain->get("q"), {0, 0}, paged->get("q"), {0, 0}, 3 * 70);
    for (Experiment *experiment : {paged.get(), plain.get()})
      set(*experiment, {{"kv_lens", {"300", "77", "131"}}});
    for (const char *name : {"k", "v"})
      for (int64_t b = 0; b < 3; ++b)
        for (int64_t j = 0; j < 300; ++j) {
          int64_t page = paged->get("block_table").loadAsInt({b, j / pageSize});
          copyRows(plain->get(name), {b, j}, paged->get(name),
                   {page, j % pageSize}, 1);
        }
    for (Experiment *experiment : {paged.get(), plain.get()}) {
      compile(*experiment);
      experiment->call();
    }
    EXPECT_EQ(getBytes(paged->getOut()), getBytes(plain->getOut())) << pageSize;
    EXPECT_EQ(getBytes(paged->getLse()), getBytes(plain->getLse())) << pageSize;
  }
}

TEST_P(NumericsViewsTest, UnusedPagesMayHoldAnything) {
  for (const char *form : {"", " --dqk=7",
                           " --block-kv=24 --block-kv-compute=8"
                           " --dynamic"}) {
    auto experiment =
        make("--batch=3 --sq=20 --skv=200 --q-heads=2 --lse --page-size=16" +
             std::string(form));
    const int64_t lengths[] = {150, 0, 17};
    set(*experiment, {{"kv_lens", {"150", "0", "17"}}});
    const TensorView &table = experiment->get("block_table");
    std::vector<int64_t> used(experiment->get("k").dim(0), 0);
    for (int64_t b = 0; b < 3; ++b)
      for (int64_t n = 0; n < table.dim(1); ++n) {
        int64_t rows = std::clamp<int64_t>(lengths[b] - 16 * n, 0, 16);
        used[table.loadAsInt({b, n})] = rows;
        // Neither pages nor numbers that a page could have.
        if (rows == 0)
          table.storeFromDouble({b, n}, n % 2 ? -1.0 : 2147483647.0);
      }
    for (const char *name : {"k", "v"}) {
      const TensorView &view = experiment->get(name);
      for (int64_t page = 0; page < view.dim(0); ++page)
        for (int64_t slot = used[page]; slot < 16; ++slot)
          for (int64_t h = 0; h < 2; ++h)
            for (int64_t d = 0; d < view.dim(3); ++d)
              view.storeFromDouble({page, slot, h, d},
                                   (slot + d) % 2 ? notANumber : infinity);
    }
    compile(*experiment);
    experiment->call();
    expectRight(*experiment, form);
    for (double value : toDoubles(experiment->getOut()))
      ASSERT_TRUE(std::isfinite(value)) << form;
  }
}

//===----------------------------------------------------------------------===//
// Packed sequences
//===----------------------------------------------------------------------===//

TEST_P(NumericsViewsTest, PackedSequencesAgreeBitwiseWithPaddedOnes) {
  const std::string gen = "--batch=5 --q-heads=4 --kv-heads=2 --dqk=24 "
                          "--mask=causal|prefix(5) --q-offset=3 --lse "
                          "--block-q=16 --block-kv=32 --sinks";
  const int64_t starts[] = {0, 1, 1, 50, 114, 150};
  const int64_t keyStarts[] = {0, 40, 40, 41, 41, 200};
  auto packed = make(gen + " --sq=30 --skv=40 --layout=thd");
  auto padded = make(gen + " --sq=70 --skv=170 --lens=both");
  set(*packed, {{"cu_seqlens_q", {"0", "1", "1", "50", "114", "150"}},
                {"cu_seqlens_kv", {"0", "40", "40", "41", "41", "200"}}});
  set(*padded, {{"q_lens", {"1", "0", "49", "64", "36"}},
                {"kv_lens", {"40", "0", "1", "0", "159"}}});
  for (Experiment *experiment : {packed.get(), padded.get()})
    set(*experiment, {{"sinks", {"0.5", "-1", "2", "0"}}});
  for (int64_t b = 0; b < 5; ++b) {
    copyRows(padded->get("q"), {b, 0}, packed->get("q"), {starts[b]},
             starts[b + 1] - starts[b]);
    for (const char *name : {"k", "v"})
      copyRows(padded->get(name), {b, 0}, packed->get(name), {keyStarts[b]},
               keyStarts[b + 1] - keyStarts[b]);
  }
  for (Experiment *experiment : {packed.get(), padded.get()}) {
    compile(*experiment);
    experiment->call();
    expectRight(*experiment);
  }
  TensorView out = packed->getOut(), expected = padded->getOut();
  for (int64_t b = 0; b < 5; ++b)
    for (int64_t i = 0; i < starts[b + 1] - starts[b]; ++i)
      for (int64_t h = 0; h < 4; ++h) {
        ASSERT_EQ(packed->getLse().loadAsDouble({h, starts[b] + i}),
                  padded->getLse().loadAsDouble({b, h, i}));
        for (int64_t d = 0; d < 24; ++d)
          ASSERT_EQ(out.loadAsDouble({starts[b] + i, h, d}),
                    expected.loadAsDouble({b, i, h, d}))
              << "b " << b << ", i " << i << ", h " << h << ", d " << d;
      }
}

TEST_P(NumericsViewsTest, ThreadsAgreeOnPackedSequences) {
  auto experiment = make("--layout=thd --batch=9 --sq=40 --q-heads=3 --dqk=16 "
                         "--mask=causal --lse");
  compile(*experiment);
  experiment->call();
  std::vector<char> out = getBytes(experiment->getOut());
  expectRight(*experiment);
  for (int threads : {2, 3, 7}) {
    experiment->setThreads(threads);
    experiment->call();
    EXPECT_EQ(getBytes(experiment->getOut()), out) << threads << " threads";
  }
}

TEST_P(NumericsViewsTest, RowsBehindTheLastSequenceArePadding) {
  auto experiment =
      make("--layout=thd --batch=3 --sq=50 --q-heads=2 --lse --sinks");
  set(*experiment, {{"cu_seqlens_q", {"0", "10", "10", "77"}},
                    {"cu_seqlens_kv", {"0", "10", "40", "99"}}});
  for (auto [name, first] : {std::pair("q", 77), {"k", 99}, {"v", 99}}) {
    const TensorView &view = experiment->get(name);
    for (int64_t t = first; t < 150; ++t)
      for (int64_t h = 0; h < 2; ++h)
        for (int64_t d = 0; d < view.dim(2); ++d)
          view.storeFromDouble({t, h, d}, d % 2 ? notANumber : infinity);
  }
  compile(*experiment);
  experiment->call();
  expectRight(*experiment);
  for (int64_t t = 0; t < 150; ++t) {
    double out = experiment->getOut().loadAsDouble({t, 1, 3});
    double lse = experiment->getLse().loadAsDouble({1, t});
    EXPECT_EQ(out == 0, t >= 77) << t;
    EXPECT_EQ(lse == -infinity, t >= 77) << t;
  }
}

//===----------------------------------------------------------------------===//
// Large memory
//===----------------------------------------------------------------------===//

namespace {
template <int rank>
struct Descriptor {
  void *allocated, *aligned;
  int64_t offset, sizes[rank], strides[rank];
};

/// A pool of memory of which only what is touched exists.
struct SparseMemory {
  explicit SparseMemory(size_t bytes)
      : bytes(bytes),
        data(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  ~SparseMemory() { munmap(data, bytes); }
  size_t bytes;
  void *data;
};
} // namespace

TEST(NumericsViewsLargeTest, OffsetsBeyond32Bits) {
  // The last page starts behind element 2^32, byte 2^34.
  constexpr int64_t pageStride = (int64_t(1) << 31) + 24, pages = 3;
  SparseMemory pool((pageStride * (pages - 1) + 1024) * sizeof(float));
  if (pool.data == MAP_FAILED)
    GTEST_SKIP() << "no address space for " << pool.bytes << " bytes";
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"(
    !pages = memref<?x2x1x4xf32, strided<[?, 4, 4, 1], offset: ?>>
    func.func @main(%q: memref<1x1x1x4xf32>, %k: !pages, %v: !pages,
                    %lens: memref<1xi32>, %table: memref<1x2xi32>,
                    %out: memref<1x1x1x4xf32>) {
      attn.attention ins(%q, %k, %v : memref<1x1x1x4xf32>, !pages, !pages)
          layout(q = bshd, k = paged, v = paged, out = bshd) scale(0.0)
          kv_lens(%lens : memref<1xi32>) block_table(%table : memref<1x2xi32>)
          outs(%out : memref<1x1x1x4xf32>)
      return
    })",
                                                        context.get());
  ASSERT_TRUE(module);
  auto kernel = JitKernel::compile(std::move(module), "main", {});
  ASSERT_TRUE(static_cast<bool>(kernel)) << llvm::toString(kernel.takeError());

  auto *values = static_cast<float *>(pool.data);
  for (int64_t d = 0; d < 4; ++d) {
    values[2 * pageStride + d] = 1;
    values[2 * pageStride + 4 + d] = 2;
    values[pageStride + d] = 6;
  }
  float q[4] = {1, 1, 1, 1}, out[4] = {};
  int32_t lens[1] = {3}, table[2] = {2, 1};
  Descriptor<4> query{q, q, 0, {1, 1, 1, 4}, {4, 4, 4, 1}};
  Descriptor<4> keys{
      values, values, 0, {pages, 2, 1, 4}, {pageStride, 4, 4, 1}};
  Descriptor<1> lengths{lens, lens, 0, {1}, {1}};
  Descriptor<2> entries{table, table, 0, {1, 2}, {2, 1}};
  Descriptor<4> result{out, out, 0, {1, 1, 1, 4}, {4, 4, 4, 1}};
  void *arguments[] = {&query, &keys, &keys, &lengths, &entries, &result};
  (*kernel)->invoke(arguments);
  // The mean of 1, 2 and 6.
  for (float value : out)
    EXPECT_FLOAT_EQ(value, 3);
}
