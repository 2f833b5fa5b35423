//===- Processor.cpp - What this machine's processor is -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Manifest.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <sys/utsname.h>

using namespace attn;

namespace {
/// The lines of /proc/cpuinfo that describe the first processor and do not
/// change from one moment to the next.
struct Processor {
  std::string fingerprint;
  std::vector<std::string> features;
};
} // namespace

static Processor readProcessor() {
  static constexpr std::string_view lasting[] = {
      "vendor_id",        "cpu family",  "model",    "model name",
      "stepping",         "flags",       "Features", "CPU implementer",
      "CPU architecture", "CPU variant", "CPU part"};
  Processor processor;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    size_t colon = line.find(':');
    if (colon == std::string::npos)
      continue;
    std::string_view name(line.data(),
                          line.find_last_not_of(" \t", colon - 1) + 1);
    if (std::find(std::begin(lasting), std::end(lasting), name) ==
        std::end(lasting))
      continue;
    processor.fingerprint += line + "\n";
    if (name != "flags" && name != "Features")
      continue;
    std::istringstream words(line.substr(colon + 1));
    for (std::string word; words >> word;)
      processor.features.push_back(word);
  }
  std::sort(processor.features.begin(), processor.features.end());
  return processor;
}

static const Processor &getProcessor() {
  static const Processor processor = readProcessor();
  return processor;
}

std::string attn::getProcessorFingerprint() {
  return getProcessor().fingerprint;
}

bool attn::checkRunsHere(const Manifest &manifest, std::string &error) {
  utsname system;
  if (uname(&system) != 0 || manifest.architecture != system.machine) {
    error = "the kernel is for " + manifest.architecture +
            ", this machine is " + system.machine;
    return false;
  }
  const std::vector<std::string> &has = getProcessor().features;
  std::string missing;
  for (const std::string &feature : manifest.requiredFeatures)
    if (!std::binary_search(has.begin(), has.end(), feature))
      missing += (missing.empty() ? "" : ", ") + feature;
  if (missing.empty())
    return true;
  error = "the kernel needs " + missing + ", which this machine lacks";
  return false;
}
