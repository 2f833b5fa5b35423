//===- Sweep.cpp - Random problems over the whole op ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sweep.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include <algorithm>
#include <random>

using namespace attn::numerics;
using llvm::StringRef;

/// Multiply-adds that a problem may cost: the reference is not fast.
static constexpr int64_t maxCost = 12'000'000;

namespace {
class Drawer {
public:
  Drawer(uint64_t seed, llvm::ArrayRef<std::string> targets)
      : random(seed), targets(targets) {}

  RandomProblem draw();

private:
  /// Uniform in [low, high].
  int64_t pick(int64_t low, int64_t high) {
    auto count = static_cast<uint64_t>(high - low) + 1;
    return low + static_cast<int64_t>(random() % count);
  }
  template <typename T>
  T pickOf(std::initializer_list<T> list) {
    return list.begin()[pick(0, static_cast<int64_t>(list.size()) - 1)];
  }
  /// True in `percent` of the cases.
  bool chance(int percent) { return pick(0, 99) < percent; }

  void add(StringRef option) { result.gen += (" --" + option).str(); }
  void add(StringRef option, int64_t value) {
    add((option + "=" + llvm::Twine(value)).str());
  }
  void add(StringRef option, const std::string &value) {
    add((option + "=" + value).str());
  }
  void addRun(StringRef option) { result.run += (" --" + option).str(); }

  int64_t drawLength();
  int64_t drawHeadDim();
  void drawSizes();
  void drawTypes();
  std::string drawLayout();
  std::string drawPackedLayout();
  void drawPlaces();
  void drawLayouts();
  void drawForm();
  int64_t getSize(char letter, bool isQ, int64_t dim) const;
  void drawStrides(StringRef operand, StringRef layout, bool isQ, int64_t dim);
  std::string drawDims();
  std::string drawLeaf();
  std::string drawMask(int depth);
  void drawScores();
  void drawBlocks();
  void drawRun();

  std::mt19937_64 random;
  llvm::ArrayRef<std::string> targets;
  RandomProblem result;
  int64_t batch = 1, headsQ = 1, headsKv = 1, rows = 1, keys = 1, headDim = 1,
          valueDim = 1;
  bool packedQ = false, packedKv = false;
  /// 0 is no paging.
  int64_t pageSize = 0;
  /// Of q, k, v and out; "prhd" is page, row of the page, head, head dim.
  std::string layouts[4];
};
} // namespace

int64_t Drawer::drawLength() {
  if (chance(3))
    return 0;
  if (chance(40))
    return pickOf<int64_t>({1, 2, 3, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128,
                            129, 191, 193, 256, 257});
  return pick(1, 200);
}

int64_t Drawer::drawHeadDim() {
  return pickOf<int64_t>({1,  2,  3,  5,  7,  8,  15,  16,  17,  32, 40,
                          59, 64, 64, 65, 80, 96, 111, 128, 160, 257});
}

void Drawer::drawSizes() {
  batch = chance(2) ? 0 : pick(1, 3);
  headsKv = pick(1, 3);
  headsQ = headsKv * pickOf<int64_t>({1, 1, 1, 2, 3, 5, 8});
  // Decoding has tiles of its own.
  bool decodes = chance(20);
  rows = decodes ? pick(1, 6) : drawLength();
  keys = !decodes && chance(40) ? rows : drawLength();
  headDim = drawHeadDim();
  valueDim = chance(70) ? headDim : drawHeadDim();
  // Too costly: fewer heads and batches first, then shorter.
  auto cost = [&] {
    return std::max<int64_t>(batch, 1) * headsQ * rows * keys *
           (headDim + valueDim);
  };
  if (cost() > maxCost)
    batch = std::min<int64_t>(batch, 1);
  if (cost() > maxCost)
    headsQ = headsKv = 1;
  while (cost() > maxCost)
    rows = (rows + 1) / 2;
  add("batch", batch);
  add("q-heads", headsQ);
  add("kv-heads", headsKv);
  add("sq", rows);
  add("skv", keys);
  add("dqk", headDim);
  add("dv", valueDim);
}

void Drawer::drawTypes() {
  auto type = [&] { return pickOf<std::string>({"f32", "f16", "bf16"}); };
  auto float8 = [&] {
    return pickOf<std::string>(
        {"f8E4M3FN", "f8E5M2", "f8E4M3FNUZ", "f8E5M2FNUZ"});
  };
  bool narrow = chance(20);
  add("dtype", narrow && chance(60) ? float8() : type());
  if (narrow)
    add("kv-dtype", float8());
  else if (chance(20))
    add("kv-dtype", type());
  if (narrow && chance(60))
    add("descales", pickOf<std::string>({"bh", "b", "h", ""}));
  if (chance(30))
    add("out-dtype", type());
}

std::string Drawer::drawLayout() {
  return pickOf<std::string>({"bshd", "bshd", "bhsd", "bhds"});
}

std::string Drawer::drawPackedLayout() {
  return pickOf<std::string>({"thd", "thd", "htd", "hdt"});
}

/// Which rows are packed, and which keys in pages.
void Drawer::drawPlaces() {
  packedQ = chance(25);
  packedKv = chance(packedQ ? 60 : 10);
  if (packedKv || !chance(25))
    return;
  pageSize = pickOf<int64_t>({1, 2, 3, 5, 8, 16, 16, 16, 32, 64, 100, 300});
  add("page-size", pageSize);
}

void Drawer::drawLayouts() {
  std::string all = drawLayout(), allPacked = drawPackedLayout();
  const char *names[] = {"q", "k", "v", "out"};
  for (int i = 0; i < 4; ++i) {
    bool isQ = i == 0 || i == 3;
    if (isQ ? packedQ : packedKv)
      layouts[i] = chance(60) ? allPacked : drawPackedLayout();
    else
      layouts[i] = chance(60) ? all : drawLayout();
    if (!isQ && pageSize > 0)
      layouts[i] = "prhd";
    else
      add(std::string(names[i]) + "-layout", layouts[i]);
  }
}

/// The size of the dim that `letter` stands for.
int64_t Drawer::getSize(char letter, bool isQ, int64_t dim) const {
  switch (letter) {
  case 'b':
    return batch;
  case 's':
    return isQ ? rows : keys;
  case 't':
    return batch * (isQ ? rows : keys);
  case 'p':
    return batch * ((keys + pageSize - 1) / pageSize);
  case 'r':
    return pageSize;
  case 'h':
    return isQ ? headsQ : headsKv;
  default:
    return dim;
  }
}

/// Row-major strides of an operand with gaps, or a batch that is broadcast.
void Drawer::drawStrides(StringRef operand, StringRef layout, bool isQ,
                         int64_t dim) {
  llvm::SmallVector<std::string> strides;
  int64_t stride = 1;
  for (char letter : llvm::reverse(layout)) {
    int64_t size = getSize(letter, isQ, dim);
    bool broadcast = letter == 'b' && operand != "out" && chance(30);
    strides.push_back(std::to_string(broadcast ? 0 : stride));
    stride = stride * std::max<int64_t>(size, 1) + pick(0, 9);
  }
  std::reverse(strides.begin(), strides.end());
  addRun(("strides=" + operand + ":" + llvm::join(strides, "x")).str());
}

void Drawer::drawForm() {
  drawPlaces();
  drawLayouts();
  if (chance(85))
    add("lse");
  if (chance(40))
    add("dynamic");
  if (!chance(50))
    return;
  add("memref");
  if (!chance(60))
    return;
  add("strided");
  const char *names[] = {"q", "k", "v", "out"};
  const int64_t dims[] = {headDim, headDim, valueDim, valueDim};
  for (int i = 0; i < 4; ++i)
    if (chance(60))
      drawStrides(names[i], layouts[i], i == 0 || i == 3, dims[i]);
}

/// The dims of a bias or dense mask that are not broadcast.
std::string Drawer::drawDims() {
  return pickOf<std::string>(
      {"bhij", "hij", "bij", "ij", "bhi", "bhj", "j", "i", "h", "b", ""});
}

std::string Drawer::drawLeaf() {
  auto side = [&] {
    return chance(20) ? std::string("*")
                      : std::to_string(chance(30) ? 0 : pick(0, 150));
  };
  switch (pick(0, 8)) {
  case 0:
  case 1:
    return "causal";
  case 2:
    return "window(" + side() + "," + side() + ")";
  case 3:
    return "chunked(" + std::to_string(pick(1, 100)) + ")";
  case 4:
    return "prefix(" + std::to_string(pick(0, 150)) + ")";
  case 5:
    return "segments";
  case 6:
    return "dense(" + drawDims() + ")";
  case 7:
    return "custom(" +
           pickOf<std::string>(
               {"causal", "local", "tree", "document", "dilated"}) +
           ")";
  default:
    return "prefix(lens)";
  }
}

std::string Drawer::drawMask(int depth) {
  if (depth == 0 || chance(50))
    return drawLeaf();
  std::string mask = chance(30) ? "!(" : "(";
  bool isNot = mask.front() == '!';
  mask += drawMask(depth - 1);
  if (!isNot) {
    mask += chance(50) ? "&" : "|";
    mask += drawMask(depth - 1);
  }
  mask += ")";
  return mask;
}

void Drawer::drawScores() {
  if (chance(75)) {
    std::string mask = drawMask(2);
    if (headsQ <= 4 && chance(15)) {
      std::string masks = drawMask(1);
      for (int64_t h = 1; h < headsQ; ++h)
        masks += "," + (chance(50) ? drawMask(1) : std::string("causal"));
      mask = "per_head(" + masks + ")";
    }
    add("mask", mask);
  }
  if (chance(10))
    add("q-positions");
  else if (chance(40))
    add("q-offset", chance(30)   ? std::string("scalar")
                    : chance(40) ? std::string("batch")
                                 : std::to_string(pick(-150, 300)));
  // Packed sequences have their lengths already.
  bool qLens = !packedQ && chance(24), kvLens = !packedKv && chance(24);
  if (qLens || kvLens)
    add("lens", std::string(!kvLens ? "q" : qLens ? "both" : "kv"));
  if (chance(25))
    add("sinks");
  if (chance(20))
    add(chance(70) ? "alibi" : "alibi-batch");
  if (chance(20)) {
    add("bias", drawDims());
    add("bias-dtype", pickOf<std::string>({"f64", "f32", "f16", "bf16"}));
  }
  if (chance(25))
    add("softcap", pickOf<std::string>({"dynamic", "0", "0.5", "20", "1000"}));
  if (chance(15))
    add("score-mod", pickOf<std::string>({"relative_bias", "alibi", "tanh",
                                          "log_distance", "dilated"}));
  if (chance(30))
    add("scale",
        pickOf<std::string>({"dynamic", "0", "-0.2", "1", "-3", "30", "1e-6"}));
}

void Drawer::drawBlocks() {
  if (chance(35))
    add("block-q",
        pickOf<int64_t>({1, 2, 3, 7, 8, 16, 17, 32, 48, 64, 65, 128}));
  if (chance(15))
    add("num-splits", pick(1, 9));
  else if (chance(15))
    add("split-size", pickOf<int64_t>({1, 16, 50, 64, 128, 200, 512}));
  if (!chance(35))
    return;
  int64_t compute = pickOf<int64_t>({1, 2, 3, 5, 8, 16, 17, 32, 64});
  add("block-kv", compute * pick(1, 4));
  if (chance(60))
    add("block-kv-compute", compute);
}

void Drawer::drawRun() {
  if (!targets.empty())
    addRun("target=" +
           targets[pick(0, static_cast<int64_t>(targets.size()) - 1)]);
  addRun("threads=" + std::to_string(pick(1, 4)));
  addRun("seed=" + std::to_string(pick(0, 1000)));
  if (chance(30))
    addRun("distribution=" + pickOf<std::string>({"uniform", "ints", "ones"}));
}

RandomProblem Drawer::draw() {
  drawSizes();
  drawTypes();
  drawForm();
  drawScores();
  drawBlocks();
  drawRun();
  return std::move(result);
}

RandomProblem attn::numerics::drawProblem(uint64_t seed,
                                          llvm::ArrayRef<std::string> targets) {
  return Drawer(seed, targets).draw();
}
