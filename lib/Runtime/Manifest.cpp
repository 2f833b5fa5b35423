//===- Manifest.cpp - What a kernel takes ---------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Manifest.h"
#include "attn/Runtime/KernelAbi.h"

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace attn;
using nlohmann::json;

namespace {
/// Reads fields; the first one that is missing or of another kind becomes the
/// error, and everything after it reads as empty.
class Reader {
public:
  explicit Reader(std::string &error) : error(error) {}

  bool ok() const { return error.empty(); }

  /// The field, or null after noting that it is missing.
  const json *find(const json &object, const char *name) {
    auto found = object.find(name);
    if (found != object.end())
      return &*found;
    fail(name);
    return nullptr;
  }

  std::string text(const json &object, const char *name) {
    const json *field = find(object, name);
    if (field && field->is_string())
      return field->get<std::string>();
    return fail(name), std::string();
  }

  int64_t integer(const json &object, const char *name) {
    const json *field = find(object, name);
    if (field && field->is_number_integer())
      return field->get<int64_t>();
    return fail(name), 0;
  }

  std::vector<int64_t> integers(const json &object, const char *name) {
    std::vector<int64_t> result;
    for (const json &item : array(object, name)) {
      if (!item.is_number_integer())
        return fail(name), result;
      result.push_back(item.get<int64_t>());
    }
    return result;
  }

  std::vector<std::string> texts(const json &object, const char *name) {
    std::vector<std::string> result;
    for (const json &item : array(object, name)) {
      if (!item.is_string())
        return fail(name), result;
      result.push_back(item.get<std::string>());
    }
    return result;
  }

  const json &array(const json &object, const char *name) {
    static const json empty = json::array();
    const json *field = find(object, name);
    if (field && field->is_array())
      return *field;
    return fail(name), empty;
  }

  void fail(const char *name) {
    if (error.empty())
      error =
          std::string("the manifest of a kernel has no valid '") + name + "'";
  }

private:
  std::string &error;
};

struct Operand {
  const char *name;
  int ManifestAttention::*argument;
};

/// A role that several arguments may have.
struct OperandList {
  const char *name;
  std::vector<int> ManifestAttention::*arguments;
};
} // namespace

static constexpr Operand operands[] = {
    {"q", &ManifestAttention::q},
    {"k", &ManifestAttention::k},
    {"v", &ManifestAttention::v},
    {"bias", &ManifestAttention::bias},
    {"sinks", &ManifestAttention::sinks},
    {"alibi_slopes", &ManifestAttention::alibiSlopes},
    {"q_lens", &ManifestAttention::qLens},
    {"kv_lens", &ManifestAttention::kvLens},
    {"q_offset", &ManifestAttention::qOffset},
    {"q_positions", &ManifestAttention::qPositions},
    {"cu_seqlens_q", &ManifestAttention::cuSeqlensQ},
    {"cu_seqlens_kv", &ManifestAttention::cuSeqlensKv},
    {"block_table", &ManifestAttention::blockTable},
    {"q_descale", &ManifestAttention::qDescale},
    {"k_descale", &ManifestAttention::kDescale},
    {"v_descale", &ManifestAttention::vDescale},
    {"scale", &ManifestAttention::scale},
    {"softcap", &ManifestAttention::softcap},
    {"out", &ManifestAttention::out},
    {"lse", &ManifestAttention::lse}};

static constexpr OperandList operandLists[] = {
    {"prefix_lens", &ManifestAttention::prefixLens},
    {"q_segments", &ManifestAttention::qSegments},
    {"kv_segments", &ManifestAttention::kvSegments},
    {"dense_mask", &ManifestAttention::denseMasks},
    {"capture", &ManifestAttention::captures}};

static ManifestArgument readArgument(Reader &reader, const json &object) {
  ManifestArgument argument;
  argument.name = reader.text(object, "name");
  auto type = parseElementType(reader.text(object, "type"));
  if (type)
    argument.type = *type;
  else
    reader.fail("type");
  argument.sizes = reader.integers(object, "sizes");
  argument.strides = reader.integers(object, "strides");
  argument.isScalar = argument.sizes.empty();
  if (argument.sizes.size() != argument.strides.size())
    reader.fail("strides");
  return argument;
}

/// A role with its argument: {"role": "q", "argument": 0}.
static void readRole(Reader &reader, const json &object, size_t numArguments,
                     ManifestAttention &attention) {
  std::string role = reader.text(object, "role");
  int64_t argument = reader.integer(object, "argument");
  if (argument < 0 || argument >= static_cast<int64_t>(numArguments))
    return reader.fail("argument");
  for (const Operand &operand : operands)
    if (role == operand.name)
      attention.*operand.argument = static_cast<int>(argument);
  for (const OperandList &operand : operandLists)
    if (role == operand.name)
      (attention.*operand.arguments).push_back(static_cast<int>(argument));
}

static ManifestAttention readAttention(Reader &reader, const json &object,
                                       size_t numArguments) {
  ManifestAttention attention;
  attention.qLayout = reader.text(object, "q_layout");
  attention.kLayout = reader.text(object, "k_layout");
  attention.vLayout = reader.text(object, "v_layout");
  attention.outLayout = reader.text(object, "out_layout");
  for (const json &role : reader.array(object, "roles"))
    readRole(reader, role, numArguments, attention);
  return attention;
}

static ManifestGpuKernel readGpuKernel(Reader &reader, const json &object) {
  ManifestGpuKernel kernel;
  kernel.name = reader.text(object, "name");
  kernel.sharedBytes = reader.integer(object, "shared_bytes");
  std::vector<int64_t> block = reader.integers(object, "block");
  if (block.size() == kernel.block.size())
    std::copy(block.begin(), block.end(), kernel.block.begin());
  else
    reader.fail("block");
  return kernel;
}

static ManifestGpu readGpu(Reader &reader, const json &object) {
  ManifestGpu gpu;
  gpu.triple = reader.text(object, "triple");
  gpu.chip = reader.text(object, "chip");
  for (const json &kernel : reader.array(object, "kernels"))
    gpu.kernels.push_back(readGpuKernel(reader, kernel));
  for (const json &binary : reader.array(object, "binaries"))
    gpu.binaries.push_back(
        {reader.text(binary, "kind"), reader.integer(binary, "bytes")});
  return gpu;
}

std::optional<Manifest> attn::parseManifest(std::string_view text,
                                            std::string &error) {
  error.clear();
  json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) {
    error = "the manifest of a kernel is not a JSON object";
    return std::nullopt;
  }
  Reader reader(error);
  Manifest manifest;
  manifest.abi = static_cast<int>(reader.integer(root, "abi"));
  if (reader.ok() && manifest.abi != kernelAbiVersion) {
    error = "the kernel was made for version " + std::to_string(manifest.abi) +
            " of the runtime, this is version " +
            std::to_string(kernelAbiVersion);
    return std::nullopt;
  }
  manifest.architecture = reader.text(root, "architecture");
  manifest.requiredFeatures = reader.texts(root, "requires");
  for (const json &argument : reader.array(root, "arguments"))
    manifest.arguments.push_back(readArgument(reader, argument));
  for (const json &attention : reader.array(root, "attentions"))
    manifest.attentions.push_back(
        readAttention(reader, attention, manifest.arguments.size()));
  if (auto gpu = root.find("gpu"); gpu != root.end())
    manifest.gpu = readGpu(reader, *gpu);
  if (!reader.ok())
    return std::nullopt;
  return manifest;
}
