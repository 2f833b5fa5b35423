//===- MaskRangesShapeTest.cpp - The form of tile ranges ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskTestUtils.h"

using namespace attn;
using namespace attn::test;
