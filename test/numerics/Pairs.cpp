//===- Pairs.cpp - Every pair of features in some problem -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pairs.h"

#include "llvm/ADT/STLExtras.h"
#include <set>
#include <utility>

using namespace attn::numerics;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// What the op offers
//===----------------------------------------------------------------------===//

const std::vector<Factor> &attn::numerics::getFactors() {
  static const std::vector<Factor> factors = {
      {"type",
       {{"f32", "--dtype=f32"},
        {"f16", "--dtype=f16"},
        {"bf16", "--dtype=bf16"},
        {"f8E4M3FN", "--dtype=f8E4M3FN"},
        {"f8E5M2", "--dtype=f8E5M2"},
        {"f8E4M3FNUZ", "--dtype=f8E4M3FNUZ"},
        {"f8E5M2FNUZ", "--dtype=f8E5M2FNUZ"},
        {"bf16 and f8E4M3FN", "--dtype=bf16 --kv-dtype=f8E4M3FN"}}},
      {"out type",
       {{"out f32", "--out-dtype=f32"},
        {"out f16", "--out-dtype=f16"},
        {"out bf16", "--out-dtype=bf16"}}},
      {"layout",
       {{"bshd", "--layout=bshd"},
        {"bhsd", "--layout=bhsd"},
        {"bhds", "--layout=bhds"},
        {"thd", "--layout=thd", "cu_seqlens_q,cu_seqlens_kv"},
        {"htd", "--layout=htd"},
        {"hdt", "--layout=hdt"},
        {"paged", "--page-size=16", "block_table"},
        {"thd, paged", "--q-layout=thd --out-layout=thd --page-size=5"}}},
      {"mask",
       {{"no mask", ""},
        {"causal", "--mask=causal"},
        {"sliding_window", "--mask=window(20,4)"},
        {"chunked", "--mask=chunked(16)"},
        {"prefix", "--mask=prefix(30)"},
        {"prefix (slot)", "--mask=prefix(lens)"},
        {"segments", "--mask=segments"},
        {"dense", "--mask=dense"},
        {"custom", "--mask=custom(tree)"},
        {"per_head", "--mask=per_head(causal,window(9,0),chunked(7),segments)"},
        {"and", "--mask=causal&segments"},
        {"or", "--mask=window(9,0)|prefix(8)"},
        {"not", "--mask=!(causal|dense)"}}},
      {"scale", {{"scale", ""}, {"dynamic_scale", "--scale=dynamic"}}},
      {"softcap",
       {{"no softcap", ""},
        {"softcap", "--softcap=5"},
        {"dynamic_softcap", "--softcap=dynamic"}}},
      {"positions",
       {{"no offset", ""},
        {"q_offset", "--q-offset=40"},
        {"dynamic_q_offset", "--q-offset=scalar"},
        {"dynamic_q_offset (per batch)", "--q-offset=batch"},
        {"q_positions", "--q-positions"}}},
      {"lengths",
       {{"no lengths", ""},
        {"q_lens", "--lens=q"},
        {"kv_lens", "--lens=kv"},
        {"q_lens and kv_lens", "--lens=both"}}},
      {"bias",
       {{"no bias", ""},
        {"bias", "--bias=bhij"},
        {"bias (broadcast)", "--bias=ij"}}},
      {"sinks", {{"no sinks", ""}, {"sinks", "--sinks"}}},
      {"alibi", {{"no slopes", ""}, {"alibi_slopes", "--alibi"}}},
      {"score_mod",
       {{"no score_mod", ""},
        {"score_mod", "--score-mod=tanh"},
        {"score_operands", "--score-mod=relative_bias"}}},
      {"descales",
       {{"no descales", ""},
        {"descales", "--descales=bh", "q_descale,k_descale,v_descale"}}},
      {"splits",
       {{"no split", ""},
        {"num_splits", "--num-splits=3"},
        {"split_size", "--split-size=32"}}},
      {"blocks",
       {{"no blocks", ""},
        {"block_q", "--block-q=24"},
        {"block_kv", "--block-kv=40"},
        {"block_kv_compute", "--block-kv=32 --block-kv-compute=16"}}},
      {"rows", {{"1 row", "--sq=1"}, {"6 rows", "--sq=6"}, {"70 rows", ""}}},
      {"heads", {{"4 of 2", ""}, {"4 of 4", "--kv-heads=4"}}},
      {"lse", {{"no lse", ""}, {"lse", "--lse", "lse as second result"}}},
      {"sizes", {{"static", ""}, {"dynamic", "--dynamic", "dynamic sizes"}}},
      {"form",
       {{"tensor", "--tensor"},
        {"memref", "--memref"},
        {"strided", "--memref --strided"}}},
  };
  return factors;
}

static bool isIn(StringRef name, std::initializer_list<StringRef> names) {
  return llvm::is_contained(names, name);
}

/// mayMeet, asked in one order.
static bool mayMeetInOrder(StringRef a, StringRef b) {
  if (a == "thd, paged" || isIn(a, {"thd", "htd", "hdt"})) {
    // Lengths follow from cu_seqlens, except those of paged keys.
    if (b == "q_lens" || b == "q_lens and kv_lens")
      return false;
    if (b == "kv_lens" && a != "thd, paged")
      return false;
  }
  if (isIn(a, {"paged", "thd, paged"}))
    if (isIn(b, {"no lengths", "q_lens"}))
      return false;
  if (a == "descales")
    return !isIn(b, {"f32", "f16", "bf16"});
  return true;
}

bool attn::numerics::mayMeet(StringRef a, StringRef b) {
  return mayMeetInOrder(a, b) && mayMeetInOrder(b, a);
}

//===----------------------------------------------------------------------===//
// Covering
//===----------------------------------------------------------------------===//

namespace {

/// (factor, level).
using Item = std::pair<size_t, size_t>;
using Pair = std::pair<Item, Item>;

/// Chooses problems greedily: each starts from a pair that is still to cover
/// and takes, factor by factor, the level that covers most with what it has.
class PairCover {
public:
  explicit PairCover(const std::vector<Factor> &factors);

  std::vector<Choice> cover();

private:
  bool mayMeetItems(Item a, Item b) const {
    return mayMeet(getName(a), getName(b));
  }
  StringRef getName(Item item) const {
    return factors[item.first].levels[item.second].name;
  }
  static Pair makePair(Item a, Item b) { return std::minmax(a, b); }
  Item chooseLevel(size_t factor, const std::vector<Item> &taken) const;
  Choice chooseProblem();

  const std::vector<Factor> &factors;
  std::set<Pair> open;
};

} // namespace

PairCover::PairCover(const std::vector<Factor> &factors) : factors(factors) {
  std::vector<Item> items;
  for (const auto &[number, factor] : llvm::enumerate(factors))
    for (size_t level = 0; level < factor.levels.size(); ++level)
      items.push_back({number, level});
  for (Item a : items)
    for (Item b : items)
      if (a.first < b.first && mayMeetItems(a, b))
        open.insert({a, b});
}

/// The level of `factor` that covers most open pairs with those taken. Levels
/// take turns where several cover as many.
Item PairCover::chooseLevel(size_t factor,
                            const std::vector<Item> &taken) const {
  size_t count = factors[factor].levels.size();
  Item best{factor, 0};
  int bestGain = -1;
  for (size_t turn = 0; turn < count; ++turn) {
    Item item{factor, (turn + open.size()) % count};
    if (!llvm::all_of(taken, [&](Item t) { return mayMeetItems(t, item); }))
      continue;
    auto gain = static_cast<int>(llvm::count_if(
        taken, [&](Item t) { return open.count(makePair(t, item)) > 0; }));
    if (gain > bestGain) {
      best = item;
      bestGain = gain;
    }
  }
  return best;
}

Choice PairCover::chooseProblem() {
  auto [first, second] = *open.begin();
  std::vector<Item> taken{first, second};
  for (size_t factor = 0; factor < factors.size(); ++factor)
    if (factor != first.first && factor != second.first)
      taken.push_back(chooseLevel(factor, taken));
  Choice choice(factors.size());
  for (Item a : taken) {
    choice[a.first] = a.second;
    for (Item b : taken)
      if (a < b && mayMeetItems(a, b))
        open.erase({a, b});
  }
  return choice;
}

std::vector<Choice> PairCover::cover() {
  std::vector<Choice> choices;
  while (!open.empty())
    choices.push_back(chooseProblem());
  return choices;
}

std::vector<Choice>
attn::numerics::coverPairs(const std::vector<Factor> &factors) {
  return PairCover(factors).cover();
}

std::string attn::numerics::getOptions(const std::vector<Factor> &factors,
                                       const Choice &choice) {
  // Later options win: levels of rows and heads replace these.
  std::string options = "--batch=2 --q-heads=4 --kv-heads=2 --sq=70 --skv=150 "
                        "--dqk=24 --dv=40";
  for (auto [factor, level] : llvm::zip_equal(factors, choice))
    if (!factor.levels[level].gen.empty())
      options += " " + factor.levels[level].gen;
  return options;
}
