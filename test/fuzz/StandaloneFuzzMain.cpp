//===- StandaloneFuzzMain.cpp - A fuzz driver for every compiler ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs LLVMFuzzerTestOneInput on every seed file and then on mutations of
// them. No coverage feedback: a bounded, reproducible smoke test where
// libFuzzer is not at hand. The same seed, corpus and number of runs give the
// same inputs.
//
// Every input is in a file before it runs. That file remains, and is named on
// stderr, when the process dies by a signal, a sanitizer or a time-out;
// `<fuzzer> --runs=0 FILE` replays it.
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <getopt.h>
#include <iterator>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Present if the target knows its input's syntax; as in libFuzzer, they return
// the size of the new input, which is at most `maxSize`.
extern "C" __attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data,
                                                                size_t size,
                                                                size_t maxSize,
                                                                unsigned seed);
extern "C" __attribute__((weak)) size_t LLVMFuzzerCustomCrossOver(
    const uint8_t *data, size_t size, const uint8_t *other, size_t otherSize,
    uint8_t *out, size_t maxSize, unsigned seed);

// Present if the process runs under a sanitizer, which ends it without signal.
extern "C" __attribute__((weak)) void
__sanitizer_set_death_callback(void (*callback)());

using Input = std::vector<uint8_t>;

//===----------------------------------------------------------------------===//
// The current input, kept on disk
//===----------------------------------------------------------------------===//

static std::string currentPath;
static int currentFile = -1;

/// Says where the input is. Only what is allowed in a signal handler.
static void reportCurrentInput() {
  static const char text[] = "fuzz: the input that failed is in ";
  ssize_t ignored = write(2, text, sizeof(text) - 1);
  ignored = write(2, currentPath.data(), currentPath.size());
  ignored = write(2, "\n", 1);
  (void)ignored;
}

static void onSignal(int number) {
  if (number == SIGALRM) {
    static const char text[] = "fuzz: time-out\n";
    ssize_t ignored = write(2, text, sizeof(text) - 1);
    (void)ignored;
  }
  reportCurrentInput();
  std::signal(number, SIG_DFL);
  raise(number);
}

static bool openCurrentInput(const std::string &folder) {
  currentPath = folder + "/attn-fuzz-input-XXXXXX";
  currentFile = mkstemp(currentPath.data());
  if (currentFile < 0)
    return false;
  if (__sanitizer_set_death_callback)
    __sanitizer_set_death_callback(reportCurrentInput);
  for (int number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGALRM})
    // A sanitizer's own handler says more and calls the callback.
    if (number == SIGALRM || number == SIGABRT ||
        !__sanitizer_set_death_callback)
      std::signal(number, onSignal);
  return true;
}

static bool keepCurrentInput(const Input &input) {
  const ssize_t size = static_cast<ssize_t>(input.size());
  return pwrite(currentFile, input.data(), input.size(), 0) == size &&
         ftruncate(currentFile, size) == 0;
}

//===----------------------------------------------------------------------===//
// Mutations
//===----------------------------------------------------------------------===//

namespace {

/// Makes inputs out of seed inputs.
class Mutator {
public:
  Mutator(const std::vector<Input> &corpus, uint64_t seed, size_t maxSize)
      : corpus(corpus), engine(seed), maxSize(maxSize) {}

  Input next() {
    Input input = corpus[below(corpus.size())];
    // Mostly few changes: a parser rejects early what is changed too much.
    for (size_t n = 1 + below(8) * below(2); n > 0; --n)
      // What knows the syntax gets further than what does not.
      if (!LLVMFuzzerCustomMutator || below(16) == 0)
        mutate(input);
      else
        mutateCustom(input);
    if (input.size() > maxSize)
      input.resize(maxSize);
    return input;
  }

private:
  size_t below(size_t bound) { return bound ? engine() % bound : 0; }

  void mutateCustom(Input &input) {
    const unsigned seed = static_cast<unsigned>(engine());
    Input result = input;
    result.resize(maxSize);
    size_t size = std::min(input.size(), maxSize);
    if (LLVMFuzzerCustomCrossOver && below(4) == 0) {
      const Input &other = corpus[below(corpus.size())];
      size =
          LLVMFuzzerCustomCrossOver(input.data(), size, other.data(),
                                    other.size(), result.data(), maxSize, seed);
    } else {
      size = LLVMFuzzerCustomMutator(result.data(), size, maxSize, seed);
    }
    result.resize(std::min(size, maxSize));
    input = std::move(result);
  }

  void mutate(Input &input) {
    if (input.empty()) {
      input.push_back(static_cast<uint8_t>(engine()));
      return;
    }
    const size_t at = below(input.size());
    const size_t length = 1 + below(std::min<size_t>(input.size() - at, 16));
    const auto begin = input.begin() + static_cast<ptrdiff_t>(at);
    const auto end = begin + static_cast<ptrdiff_t>(length);
    switch (below(9)) {
    case 0: // A bit.
      *begin ^= static_cast<uint8_t>(1u << below(8));
      break;
    case 1: // A byte.
      *begin = static_cast<uint8_t>(engine());
      break;
    case 2: { // A byte that means something to parsers.
      static const uint8_t special[] = "\x00\x7f\x80\xff\n\"'(){}[]<>,:-09%#!@";
      *begin = special[below(sizeof(special))];
      break;
    }
    case 3: // A chunk gone.
      input.erase(begin, end);
      break;
    case 4: { // A chunk twice.
      const Input chunk(begin, end);
      input.insert(begin, chunk.begin(), chunk.end());
      break;
    }
    case 5: // The end gone.
      input.resize(at);
      break;
    case 6: // A digit run replaced by another number.
      replaceNumber(input, at);
      break;
    case 7: { // A chunk of another input.
      const Input &other = corpus[below(corpus.size())];
      if (other.empty())
        break;
      const size_t from = below(other.size());
      const size_t count = 1 + below(std::min<size_t>(other.size() - from, 64));
      input.insert(begin, other.begin() + static_cast<ptrdiff_t>(from),
                   other.begin() + static_cast<ptrdiff_t>(from + count));
      break;
    }
    case 8: // A chunk rotated.
      std::rotate(begin, begin + static_cast<ptrdiff_t>(below(length)), end);
      break;
    }
  }

  void replaceNumber(Input &input, size_t at) {
    static const char *const numbers[] = {"0",
                                          "1",
                                          "-1",
                                          "7",
                                          "64",
                                          "128",
                                          "255",
                                          "65536",
                                          "2147483647",
                                          "2147483648",
                                          "4294967296",
                                          "4611686018427387904",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "99999999999999999999999",
                                          "1e400",
                                          "0x7ff"};
    auto isDigit = [](uint8_t c) { return c >= '0' && c <= '9'; };
    auto begin = std::find_if(input.begin() + static_cast<ptrdiff_t>(at),
                              input.end(), isDigit);
    auto end = std::find_if_not(begin, input.end(), isDigit);
    begin = input.erase(begin, end);
    const std::string number = numbers[below(std::size(numbers))];
    input.insert(begin, number.begin(), number.end());
  }

  const std::vector<Input> &corpus;
  std::mt19937_64 engine;
  const size_t maxSize;
};

} // namespace

//===----------------------------------------------------------------------===//
// Command line
//===----------------------------------------------------------------------===//

namespace {
struct Options {
  double seconds = 10;
  /// Mutated inputs to run; unlimited if negative.
  int64_t runs = -1;
  uint64_t seed = 1;
  size_t maxSize = 1 << 16;
  unsigned timeout = 60;
  std::string folder = std::filesystem::temp_directory_path();
  std::vector<std::string> inputs;
};
} // namespace

static void printUsage(const char *program) {
  std::fprintf(
      stderr,
      "usage: %s [options] FILE|FOLDER...\n"
      "Runs every seed input, then mutations of them.\n"
      "  --seconds=N    stop after N seconds (default 10)\n"
      "  --runs=N       stop after N mutations; 0 runs the seeds only\n"
      "  --seed=N       seed of the mutations (default 1)\n"
      "  --max-size=N   longest input in bytes (default 65536)\n"
      "  --timeout=N    seconds a single input may take (default 60)\n"
      "  --folder=DIR   where the current input is kept (default: temporary)\n",
      program);
}

/// A whole non-negative number; false on anything else.
template <typename Number>
static bool parseNumber(const char *text, Number &result) {
  char *end = nullptr;
  errno = 0;
  const unsigned long long value = std::strtoull(text, &end, 10);
  result = static_cast<Number>(value);
  return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static bool parseOptions(int argc, char **argv, Options &options) {
  static const option table[] = {{"seconds", required_argument, nullptr, 's'},
                                 {"runs", required_argument, nullptr, 'r'},
                                 {"seed", required_argument, nullptr, 'x'},
                                 {"max-size", required_argument, nullptr, 'm'},
                                 {"timeout", required_argument, nullptr, 't'},
                                 {"folder", required_argument, nullptr, 'f'},
                                 {nullptr, 0, nullptr, 0}};
  for (int key; (key = getopt_long(argc, argv, "", table, nullptr)) != -1;) {
    bool isValid = true;
    switch (key) {
    case 's':
      isValid = parseNumber(optarg, options.seconds);
      break;
    case 'r':
      isValid = parseNumber(optarg, options.runs);
      break;
    case 'x':
      isValid = parseNumber(optarg, options.seed);
      break;
    case 'm':
      isValid = parseNumber(optarg, options.maxSize);
      break;
    case 't':
      isValid = parseNumber(optarg, options.timeout);
      break;
    case 'f':
      options.folder = optarg;
      break;
    default:
      return false;
    }
    if (!isValid) {
      std::fprintf(stderr, "fuzz: '%s' is not a whole number\n", optarg);
      return false;
    }
  }
  options.inputs.assign(argv + optind, argv + argc);
  if (options.inputs.empty())
    std::fprintf(stderr, "fuzz: no seed input is given\n");
  return !options.inputs.empty();
}

/// Every file that is named or lies in a named folder, in order of their names
/// so that equal seeds mean equal runs.
static bool readCorpus(const Options &options, std::vector<Input> &corpus) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const std::string &input : options.inputs) {
    if (!std::filesystem::is_directory(input)) {
      paths.push_back(input);
      continue;
    }
    for (const auto &entry :
         std::filesystem::recursive_directory_iterator(input, error))
      if (entry.is_regular_file())
        paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string &path : paths) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) {
      std::fprintf(stderr, "fuzz: cannot read '%s'\n", path.c_str());
      return false;
    }
    corpus.emplace_back(std::istreambuf_iterator<char>(stream),
                        std::istreambuf_iterator<char>());
  }
  if (corpus.empty())
    std::fprintf(stderr, "fuzz: the folders given hold no files\n");
  return !corpus.empty();
}

static bool runOne(const Input &input, unsigned timeout) {
  if (!keepCurrentInput(input)) {
    std::fprintf(stderr, "fuzz: cannot write '%s'\n", currentPath.c_str());
    return false;
  }
  alarm(timeout);
  // An exact copy on the heap, so that sanitizers see every access beyond it.
  Input copy(input.begin(), input.end());
  copy.shrink_to_fit();
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
  alarm(0);
  return true;
}

int main(int argc, char **argv) {
  Options options;
  std::vector<Input> corpus;
  if (!parseOptions(argc, argv, options)) {
    printUsage(argv[0]);
    return 2;
  }
  if (!readCorpus(options, corpus))
    return 2;
  if (!openCurrentInput(options.folder)) {
    std::fprintf(stderr, "fuzz: cannot create a file in '%s'\n",
                 options.folder.c_str());
    return 2;
  }
  // Some sanitizers end the process without telling anyone.
  std::fprintf(stderr, "fuzz: every input is kept in %s while it runs\n",
               currentPath.c_str());
  for (const Input &input : corpus)
    if (!runOne(input, options.timeout))
      return 2;

  using Clock = std::chrono::steady_clock;
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(options.seconds));
  Mutator mutator(corpus, options.seed, options.maxSize);
  int64_t runs = 0;
  while (runs != options.runs && Clock::now() < end) {
    if (!runOne(mutator.next(), options.timeout))
      return 2;
    ++runs;
  }
  std::remove(currentPath.c_str());
  std::printf("fuzz: %zu seed inputs and %lld mutations, seed %llu\n",
              corpus.size(), static_cast<long long>(runs),
              static_cast<unsigned long long>(options.seed));
  return 0;
}
