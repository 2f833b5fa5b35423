//===- NpyTest.cpp - Reading and writing .npy files -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Npy.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sstream>
#include <unistd.h>

using namespace attn;

using Shape = std::vector<int64_t>;

/// An image with the given header text, as NumPy frames it.
static std::string image(const std::string &header, const std::string &data,
                         char version = 1) {
  std::string result("\x93NUMPY", 6);
  result += version;
  result += '\0';
  for (int n = 0; n < (version == 1 ? 2 : 4); ++n)
    result += static_cast<char>(header.size() >> (8 * n) & 0xff);
  return result + header + data;
}

static std::string header(const std::string &type, const std::string &shape,
                          const std::string &order = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n";
}

static std::optional<NpyArray> parse(const std::string &bytes,
                                     std::string &error) {
  // An exact copy on the heap: reading past its end is seen by sanitizers.
  std::vector<char> copy(bytes.begin(), bytes.end());
  return parseNpy(copy.data(), copy.size(), error);
}

static std::string parseError(const std::string &bytes) {
  std::string error;
  EXPECT_FALSE(parse(bytes, error)) << "accepted";
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error;
}

static Tensor readAs(const std::string &bytes, ElementType type) {
  std::string error;
  std::optional<NpyArray> array = parse(bytes, error);
  EXPECT_TRUE(array) << error;
  std::optional<Tensor> tensor = interpretNpy(std::move(*array), type, error);
  EXPECT_TRUE(tensor) << error;
  return std::move(*tensor);
}

// numpy.save(f, numpy.arange(6, dtype='<f4').reshape(2, 3)), byte for byte.
TEST(Npy, ReadsWhatNumPyWrites) {
  const char bytes[] =
      "\x93NUMPY\x01\x00\x76\x00"
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }         "
      "                                                 \n"
      "\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40";
  const Tensor tensor =
      readAs(std::string(bytes, sizeof(bytes) - 1), ElementType::F32);
  EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(toDoubles(tensor.view()), (std::vector<double>{0, 1, 2, 3, 4, 5}));
}

TEST(Npy, HeaderForms) {
  const std::string two("\x01\0\x02\0", 4);
  std::string error;
  for (const std::string &text :
       {header("<i2", "(2,)"), header("=i2", "(2,)"),
        std::string("{\"shape\":(2,),\"fortran_order\":False,"
                    "\"descr\":\"<i2\"}"),
        std::string("  { 'descr' : '<i2' , 'shape' : ( 2 , ) , "
                    "'fortran_order' : True }  \n")})
    for (char version : {1, 2, 3})
      EXPECT_TRUE(parse(image(text, two, version), error)) << text << error;
  const std::optional<NpyArray> scalar =
      parse(image(header("<i2", "()"), two.substr(2)), error);
  ASSERT_TRUE(scalar) << error;
  EXPECT_EQ(scalar->shape, Shape{});
  const std::optional<NpyArray> empty =
      parse(image(header("<f8", "(3, 0, 2)"), ""), error);
  ASSERT_TRUE(empty) << error;
  EXPECT_EQ(empty->shape, (Shape{3, 0, 2}));
}

TEST(Npy, FortranOrderBecomesStrides) {
  const Tensor tensor = readAs(
      image(header("|i1", "(2, 3)", "True"), "\1\4\2\5\3\6"), ElementType::I8);
  EXPECT_EQ(tensor.view().strides(), (Shape{1, 2}));
  EXPECT_EQ(toDoubles(tensor.view()), (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, SixteenBitTypesWithoutANumPyType) {
  const std::string one("\x80\x3f", 2);
  for (const char *type : {"|V2", "<V2", "<u2"}) {
    EXPECT_EQ(readAs(image(header(type, "()"), one), ElementType::BF16)
                  .view()
                  .loadAsDouble({}),
              1.0);
    // 0x3f80 as f16: 2^0 (1 + 0x380/0x400)
    EXPECT_EQ(readAs(image(header(type, "()"), one), ElementType::F16)
                  .view()
                  .loadAsDouble({}),
              1.875);
  }
  for (const char *type : {"|V1", "|u1"})
    EXPECT_EQ(readAs(image(header(type, "()"), "\x38"), ElementType::F8E4M3FN)
                  .view()
                  .loadAsDouble({}),
              1.0);
}

TEST(Npy, IntegersConvertExactly) {
  EXPECT_EQ(readAs(image(header("|i1", "()"), "\xff"), ElementType::I64)
                .view()
                .loadAsInt({}),
            -1);
  EXPECT_EQ(readAs(image(header("|u1", "()"), "\xff"), ElementType::I32)
                .view()
                .loadAsInt({}),
            255);
  EXPECT_EQ(readAs(image(header("<u2", "()"), "\xff\xff"), ElementType::I32)
                .view()
                .loadAsInt({}),
            65535);
  const std::string minusTwo("\xfe\xff\xff\xff\xff\xff\xff\xff", 8);
  EXPECT_EQ(readAs(image(header("<i8", "()"), minusTwo), ElementType::I32)
                .view()
                .loadAsInt({}),
            -2);
  std::string error;
  const std::string large("\0\0\0\x80\0\0\0\0", 8);
  EXPECT_FALSE(interpretNpy(*parse(image(header("<i8", "()"), large), error),
                            ElementType::I32, error));
  EXPECT_EQ(error, "int64 value 2147483648 does not fit i32");
}

TEST(Npy, RefusesToReinterpret) {
  struct Case {
    const char *stored;
    std::string data;
    ElementType wanted;
    const char *error;
  };
  const std::string zeros(8, '\0');
  const Case cases[] = {
      {"<f4", zeros.substr(4), ElementType::F16,
       "holds float32, f16 needs float16, void16 or uint16"},
      {"<f2", zeros.substr(6), ElementType::BF16,
       "holds float16, bf16 needs void16 or uint16"},
      {"<f8", zeros, ElementType::F32, "holds float64, f32 needs float32"},
      {"<i4", zeros.substr(4), ElementType::F32,
       "holds int32, f32 needs float32"},
      {"<f4", zeros.substr(4), ElementType::I32,
       "holds float32, i32 needs int8, int16, int32, int64, uint8 or uint16"},
      {"|u1", zeros.substr(7), ElementType::I1, "holds uint8, i1 needs bool"},
      {"|b1", "\2", ElementType::I1, "bool value 2 is neither 0 nor 1"},
      {"|b1", zeros.substr(7), ElementType::F8E5M2,
       "holds bool, f8E5M2 needs void8 or uint8"},
  };
  for (const Case &c : cases) {
    std::string error;
    std::optional<NpyArray> array =
        parse(image(header(c.stored, "()"), c.data), error);
    ASSERT_TRUE(array) << error;
    EXPECT_FALSE(interpretNpy(std::move(*array), c.wanted, error));
    EXPECT_EQ(error, c.error);
  }
}

TEST(Npy, RefusesBadFiles) {
  auto with = [](const char *type, const char *shape) {
    return image(header(type, shape), "");
  };
  const std::pair<std::string, const char *> cases[] = {
      {"", "not an .npy file"},
      {"PK\x03\x04 a zip archive", "not an .npy file"},
      {"\x93NUMPY", "ends within the version"},
      {std::string("\x93NUMPY\x01\0", 8), "ends within the header's length"},
      {std::string("\x93NUMPY\x02\0\x01\0", 10), "ends within the header's"},
      {image("", "", 4), ".npy version 4.0 is not supported"},
      {std::string("\x93NUMPY\x01\x01\0\0", 10), "version 1.1"},
      {std::string("\x93NUMPY\x01\0\x05\0{", 11), "ends within the header"},
      {std::string("\x93NUMPY\x02\0\xff\xff\xff\xff", 12), "is too long"},
      {image(std::string(20000, ' '), "", 2), "is too long"},
      {image("", ""), "malformed header at byte 0: expected '{'"},
      {image("{}", ""), "no 'descr' entry"},
      {image("{'descr': '<f4', 'shape': ()}", ""), "no 'fortran_order' entry"},
      {image("{'descr': '<f4', 'fortran_order': False}", ""), "no 'shape'"},
      {image("{'descr': '<f4', 'descr': '<f4'}", ""), "two 'descr' entries"},
      {image("{'descr': '<f4', 'colour': 3}", ""), "unknown entry"},
      {image("{'descr': '<f4'", ""), "expected ',' or '}'"},
      {image("{'descr' '<f4'}", ""), "expected ':'"},
      {image("{'descr': '<f4}", ""), "expected the end of a string"},
      {image("{'descr': '<\x01"
             "4'}",
             ""),
       "expected a printable character"},
      {image("{descr: '<f4'}", ""), "expected a quoted string"},
      {image(header("<f4", "()") + "junk", "1234"), "nothing but spaces"},
      {image(header("<f4", "()", "Maybe"), "1234"), "expected True or False"},
      {image(header("<f4", "()", "1"), "1234"), "expected True or False"},
      {with("<f4", "3"), "expected '('"},
      {with("<f4", "(3)"), "expected ',' or ')'"},
      {with("<f4", "(3 4)"), "expected ',' or ')'"},
      {with("<f4", "(,)"), "expected a dim"},
      {with("<f4", "(3, x)"), "expected a dim"},
      {with("<f4", "(2.5,)"), "expected ',' or ')'"},
      {with("<f4", "(-1, 4)"), "negative dim"},
      {with("<f4", "(99999999999999999999,)"), "does not fit 64 bits"},
      {with("<f4", "(4294967296, 4294967296)"), "more than 2^63 elements"},
      {with("<f4", "(0, 4294967296, 4294967296)"), "more than 2^63 elements"},
      {with("<f4", "(4294967296, 4294967296, 0)"), "more than 2^63 elements"},
      {with("<f8", "(4611686018427387904,)"), "more than 2^63 bytes"},
      {with("<f4", "(1125899906842624,)"), "truncated: 0 bytes follow"},
      {with(">f4", "(0,)"), "big-endian"},
      {with(">i8", "(0,)"), "big-endian"},
      {with("|O", "(0,)"), "not a NumPy type"},
      {with("|O8", "(0,)"), "Python objects"},
      {image("{'descr': [('x', '<f4')], ", ""), "structured types"},
      {with("<c8", "(0,)"), "is not supported; allowed are"},
      {with("<f16", "(0,)"), "is not supported; allowed are"},
      {with("<U4", "(0,)"), "is not supported; allowed are"},
      {with("|V3", "(0,)"), "is not supported; allowed are"},
      {with("<u8", "(0,)"), "is not supported; allowed are"},
      {with("<b2", "(0,)"), "is not supported; allowed are"},
      {with("<M8[ns]", "(0,)"), "is not supported; allowed are"},
      {with("f4", "(0,)"), "is not a NumPy type"},
      {with("xf4", "(0,)"), "is not a NumPy type"},
      {with("|f4", "(0,)"), "has no byte order"},
      {with("<f4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "(0,)"),
       "name is too long"},
      {image(header("<f4", "(2,)"), "1234567"),
       "truncated: 7 bytes follow the header, the array has 8"},
      {image(header("<f4", "(2,)"), "123456789"),
       "trailing data: 9 bytes follow the header, the array has 8"},
  };
  for (const auto &[bytes, wanted] : cases) {
    const std::string error = parseError(bytes);
    EXPECT_NE(error.find(wanted), std::string::npos)
        << "wanted: " << wanted << "\ngot: " << error;
  }
  std::string dims = "(";
  for (int n = 0; n < 65; ++n)
    dims += "1, ";
  EXPECT_NE(parseError(image(header("|i1", dims + ")"), "x")).find("64 dims"),
            std::string::npos);
}

TEST(Npy, EveryTruncationIsRefused) {
  const std::string whole = image(header("<f4", "(2,)"), "12345678");
  for (size_t size = 0; size < whole.size(); ++size)
    parseError(whole.substr(0, size));
}

TEST(Npy, NoByteCrashes) {
  const std::string whole = image(header("<f4", "(2, 1)"), "12345678");
  for (size_t n = 0; n < whole.size(); ++n)
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[n] = static_cast<char>(byte);
      std::string error;
      const bool accepted = parse(changed, error).has_value();
      ASSERT_EQ(accepted, error.empty()) << error;
    }
}

namespace {
class NpyFile : public testing::Test {
protected:
  std::string path(const char *name) {
    paths.push_back(testing::TempDir() + "attn-npy-test-" +
                    std::to_string(getpid()) + name);
    return paths.back();
  }
  void TearDown() override {
    for (const std::string &path : paths)
      std::remove(path.c_str());
  }
  std::string error;

private:
  std::vector<std::string> paths;
};
} // namespace

TEST_F(NpyFile, RoundTripOfEveryType) {
  for (ElementType type : allElementTypes) {
    const std::string file = path("type.npy");
    Tensor tensor = *Tensor::create(type, {3, 2, 5}, error);
    fillRandom(tensor.view(), Distribution::SmallIntegers, 3);
    // A view with gaps, too.
    for (const TensorView &view :
         {tensor.view(), tensor.view().permute({2, 0, 1}),
          tensor.view().slice(2, 1, 3), tensor.view().slice(1, 0, 0)}) {
      ASSERT_TRUE(writeNpy(file, view, error)) << error;
      std::optional<NpyArray> array = readNpy(file, error);
      ASSERT_TRUE(array) << error;
      EXPECT_EQ(array->type, npyType(type));
      std::optional<Tensor> back = interpretNpy(std::move(*array), type, error);
      ASSERT_TRUE(back) << error;
      EXPECT_EQ(back->shape(), view.shape());
      EXPECT_EQ(toDoubles(back->view()), toDoubles(view)) << name(type);
    }
  }
}

TEST_F(NpyFile, DataLongerThanTheFirstRead) {
  const std::string file = path("long.npy");
  Tensor tensor = *Tensor::create(ElementType::F32, {50, 1000}, error);
  fillRandom(tensor.view(), Distribution::Normal, 3);
  ASSERT_TRUE(writeNpy(file, tensor.view(), error)) << error;
  std::optional<NpyArray> array = readNpy(file, error);
  ASSERT_TRUE(array) << error;
  EXPECT_EQ(std::memcmp(array->bytes.data(), tensor.data(), 200000), 0);
}

TEST_F(NpyFile, HeaderIsNumPysOwn) {
  const std::string file = path("header.npy");
  const std::pair<Shape, const char *> cases[] = {
      {{}, "()"}, {{3}, "(3,)"}, {{3, 4}, "(3, 4)"}, {{0, 1, 2}, "(0, 1, 2)"}};
  for (const auto &[shape, text] : cases) {
    Tensor tensor = *Tensor::create(ElementType::BF16, shape, error);
    ASSERT_TRUE(writeNpy(file, tensor.view(), error)) << error;
    std::ifstream stream(file, std::ios::binary);
    std::stringstream contents;
    contents << stream.rdbuf();
    const std::string bytes = contents.str();
    const std::string expected =
        std::string("{'descr': '|V2', 'fortran_order': False, 'shape': ") +
        text + ", }";
    EXPECT_EQ(bytes.substr(10, expected.size()), expected);
    const size_t data = bytes.find('\n') + 1;
    EXPECT_EQ(data % 64, 0u);
    EXPECT_EQ(bytes.size(),
              data + static_cast<size_t>(tensor.view().numElements() * 2));
  }
}

TEST_F(NpyFile, ErrorsNameTheFile) {
  const std::string missing = path("missing.npy");
  EXPECT_FALSE(readNpy(missing, error));
  EXPECT_EQ(error,
            "'" + missing + "': cannot be opened: No such file or directory");
  EXPECT_FALSE(readNpy(testing::TempDir(), error));
  EXPECT_NE(error.find("not a regular file"), std::string::npos) << error;
  const std::string foreign = path("foreign.npy");
  std::ofstream(foreign) << "hello";
  EXPECT_FALSE(readNpy(foreign, error));
  EXPECT_EQ(error,
            "'" + foreign + "': not an .npy file (no \\x93NUMPY at its start)");
  Tensor tensor = *Tensor::create(ElementType::F32, {1}, error);
  EXPECT_FALSE(writeNpy(testing::TempDir() + "no/such/folder/x.npy",
                        tensor.view(), error));
  EXPECT_NE(error.find("cannot be opened for writing"), std::string::npos);
  EXPECT_FALSE(writeNpy("/dev/full", tensor.view(), error));
  EXPECT_NE(error.find("cannot be written"), std::string::npos) << error;
}
