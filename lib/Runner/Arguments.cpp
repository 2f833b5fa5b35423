//===- Arguments.cpp - Arrays for the function to run ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runner/Arguments.h"
#include "attn/Runner/RandomInputs.h"

#include "attn/Compiler/Diagnostics.h"
#include "attn/Support/Npy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cstring>
#include <unistd.h>

using namespace llvm;
using namespace attn;
using namespace attn::runner;

using Shape = std::vector<int64_t>;
using Shapes = std::vector<std::optional<Shape>>;

/// The attribute of a function with the sizes it is usually run with: an array
/// of one i64 array per argument, empty for scalars.
static constexpr StringLiteral exampleShapesName = "attn.example_shapes";

static bool isDynamic(int64_t dim) { return mlir::ShapedType::isDynamic(dim); }

static std::string formatShape(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "no dims";
  return join(map_range(shape,
                        [](int64_t dim) {
                          return isDynamic(dim) ? "?" : std::to_string(dim);
                        }),
              "x");
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

std::optional<ProblemSizes>
runner::getProblemSizes(AttentionOp op, ArrayRef<std::optional<Shape>> shapes) {
  // The shape of an operand: its static type, or its argument's shape.
  bool known = true;
  auto getShape = [&](mlir::Value value) -> Shape {
    auto type = cast<mlir::ShapedType>(value.getType());
    if (type.hasStaticShape())
      return Shape(type.getShape());
    if (auto argument = getFunctionArgument(value))
      if (auto &shape = shapes[*argument])
        return *shape;
    known = false;
    return Shape(type.getRank(), 0);
  };
  Shape q = getShape(op.getQ()), k = getShape(op.getK());
  LayoutDims qDims = getLayoutDims(op.getQLayout());
  LayoutDims kDims = getLayoutDims(op.getKLayout());
  ProblemSizes sizes;
  sizes.headDim = op.getHeadDim();
  sizes.valueDim = op.getValueHeadDim();
  sizes.headsQ = q[qDims.head];
  sizes.headsKv = k[kDims.head];
  sizes.rows = q[qDims.sequence];
  sizes.keys = k[kDims.sequence];
  sizes.batch =
      op.isPackedQ() ? getShape(op.getCuSeqlensQ())[0] - 1 : q[qDims.batch];
  if (op.isPaged()) {
    sizes.pages = k[kDims.batch];
    sizes.keys *= getShape(op.getBlockTable())[1];
  }
  if (!known)
    return std::nullopt;
  return sizes;
}

/// The shape that an output of `op` must have.
static Shape getOutputShape(AttentionOp op, Role role,
                            const ProblemSizes &sizes) {
  if (role == Role::Lse)
    return op.isPackedQ() ? Shape{sizes.headsQ, sizes.rows}
                          : Shape{sizes.batch, sizes.headsQ, sizes.rows};
  LayoutDims dims = getLayoutDims(op.getOutLayout());
  Shape shape(getLayoutRank(op.getOutLayout()));
  if (dims.batch >= 0)
    shape[dims.batch] = sizes.batch;
  shape[dims.sequence] = sizes.rows;
  shape[dims.head] = sizes.headsQ;
  shape[dims.dim] = sizes.valueDim;
  return shape;
}

/// Refuses a shape that the argument's type excludes. `what` says where the
/// shape comes from.
static Error checkShape(const ArgumentInfo &info, ArrayRef<int64_t> shape,
                        const Twine &what) {
  bool fits = shape.size() == info.shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = isDynamic(info.shape[i]) || info.shape[i] == shape[i];
  if (fits)
    return Error::success();
  return createError(info.name + ": " + what + " has shape " +
                     formatShape(shape) + ", the function takes " +
                     formatShape(info.shape) + " (" + info.type + ")");
}

/// The number of the argument that an option names.
static Expected<size_t> findArgument(const Entry &entry, StringRef name,
                                     StringRef option) {
  for (auto [index, info] : enumerate(entry.arguments))
    if (name == info.number || name == info.roleName)
      return index;
  return createError(
      "--" + option + ": no argument '" + name + "'; there are " +
      join(map_range(entry.arguments,
                     [](const ArgumentInfo &info) {
                       return info.roleName.empty()
                                  ? info.number
                                  : info.number + " or " + info.roleName;
                     }),
           ", "));
}

/// The entry of a --shape or --strides list that names each argument.
static Expected<std::vector<const ArgumentDims *>>
matchDims(const Entry &entry, ArrayRef<ArgumentDims> list, StringRef option) {
  std::vector<const ArgumentDims *> result(entry.arguments.size());
  for (const ArgumentDims &dims : list) {
    auto index = findArgument(entry, dims.argument, option);
    if (!index)
      return index.takeError();
    result[*index] = &dims;
  }
  return result;
}

/// The shape of `argument` in the function's example shapes, if it has them.
static Expected<std::optional<Shape>> getExampleShape(const Entry &entry,
                                                      size_t argument) {
  mlir::func::FuncOp function = entry.function;
  mlir::Attribute attribute = function->getAttr(exampleShapesName);
  if (!attribute)
    return std::nullopt;
  auto array = dyn_cast<mlir::ArrayAttr>(attribute);
  if (!array || array.size() != entry.arguments.size() ||
      !all_of(array, [](mlir::Attribute shape) {
        return isa<mlir::DenseI64ArrayAttr>(shape);
      }))
    return createError("function attribute " + exampleShapesName +
                       " must be an array of one array<i64: ...> for each of "
                       "the " +
                       Twine(entry.arguments.size()) + " arguments");
  ArrayRef<int64_t> shape =
      cast<mlir::DenseI64ArrayAttr>(array[argument]).asArrayRef();
  if (any_of(shape, [](int64_t dim) { return dim < 0; }))
    return createError("function attribute " + exampleShapesName +
                       " has a negative size");
  if (Error error = checkShape(entry.arguments[argument], shape,
                               "function attribute " + exampleShapesName))
    return std::move(error);
  return Shape(shape);
}

/// The shape of an argument that no file gives: from --shape, its type, or the
/// example shapes. Empty if none says.
static Expected<std::optional<Shape>>
chooseShape(const Entry &entry, size_t argument, const ArgumentDims *given) {
  const ArgumentInfo &info = entry.arguments[argument];
  if (given) {
    if (Error error = checkShape(info, given->dims, "--shape"))
      return std::move(error);
    return given->dims;
  }
  if (none_of(info.shape, isDynamic))
    return info.shape;
  return getExampleShape(entry, argument);
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

static Error asError(const std::string &context, const std::string &error) {
  return createError(context + ": " + error);
}

/// The strides an argument's array needs: given, static, or row-major.
static Expected<Shape> chooseStrides(const ArgumentInfo &info,
                                     const Shape &shape,
                                     const ArgumentDims *given) {
  Shape rowMajor = rowMajorStrides(shape);
  if (!given && (info.strides.empty() || info.isTensor))
    return rowMajor;
  Shape strides = rowMajor;
  for (size_t i = 0; i < info.strides.size(); ++i)
    if (!isDynamic(info.strides[i]))
      strides[i] = info.strides[i];
  if (!given)
    return strides;
  bool fits = !info.isTensor && given->dims.size() == shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = isDynamic(info.strides[i]) || info.strides[i] == given->dims[i];
  if (!fits)
    return createError(info.name + ": --strides are " +
                       formatShape(given->dims) + ", the function takes " +
                       info.type);
  return given->dims;
}

/// An array of the argument's type, all elements (and gaps) NaN.
static Expected<Tensor> createArray(const ArgumentInfo &info,
                                    const Shape &shape,
                                    const ArgumentDims *stridesGiven) {
  auto strides = chooseStrides(info, shape, stridesGiven);
  if (!strides)
    return strides.takeError();
  std::string error;
  auto tensor = Tensor::create(info.element, shape, *strides, error);
  if (!tensor)
    return asError(info.name, error);
  tensor->poison();
  return std::move(*tensor);
}

/// Refuses arrays that this machine's memory cannot hold: it would let us
/// allocate them and end the process later.
static Error checkMemory(const Entry &entry, const Shapes &shapes) {
  double bytes = 0;
  for (auto [info, shape] : zip(entry.arguments, shapes)) {
    double size = static_cast<double>(byteSize(info.element));
    for (int64_t dim : *shape)
      size *= static_cast<double>(dim);
    bytes += size;
  }
  double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                  static_cast<double>(sysconf(_SC_PAGESIZE));
  if (bytes <= memory)
    return Error::success();
  return createError("the arguments need " +
                     Twine(static_cast<uint64_t>(bytes * 1e-9)) +
                     " GB, this machine has " +
                     Twine(static_cast<uint64_t>(memory * 1e-9)) + " GB");
}

/// Copies by elements, whatever the strides.
static void copyElements(const TensorView &from, const TensorView &to) {
  if (from.numElements() == 0)
    return;
  int64_t bytes = byteSize(from.type());
  Shape index(from.rank(), 0);
  for (;;) {
    std::memcpy(to.address(index), from.address(index), bytes);
    int64_t dim = from.rank() - 1;
    while (dim >= 0 && ++index[dim] == from.dim(dim))
      index[dim--] = 0;
    if (dim < 0)
      return;
  }
}

Error runner::storeValues(const Twine &name, const TensorView &view,
                          ArrayRef<std::string> texts) {
  std::vector<double> values;
  for (StringRef text : texts) {
    double value;
    if (text.getAsDouble(value))
      return createError(name + ": '" + text + "' is no number");
    values.push_back(value);
  }
  if (values.empty())
    return createError(name + ": no values");
  size_t next = 0;
  std::vector<int64_t> index(view.rank(), 0);
  for (int64_t left = view.numElements(); left > 0; --left, ++next) {
    double value = values[next % values.size()];
    view.storeFromDouble(index, value);
    if (!isFloat(view.type()) && view.loadAsDouble(index) != value)
      return createError(name + ": '" + texts[next % values.size()] +
                         "' does not fit " +
                         StringRef(attn::name(view.type())));
    for (int64_t dim = view.rank() - 1; dim >= 0; --dim) {
      if (++index[dim] < view.dim(dim))
        break;
      index[dim] = 0;
    }
  }
  return Error::success();
}

/// A scalar written on the command line.
static Expected<Tensor> parseScalar(const ArgumentInfo &info, StringRef text) {
  std::string message;
  auto tensor = Tensor::create(info.element, {}, message);
  if (!tensor)
    return asError(info.name, message);
  double number;
  int64_t integer;
  if (isFloat(info.element) && !text.getAsDouble(number))
    tensor->view().storeFromDouble({}, number);
  else if (info.element == ElementType::I64 && !text.getAsInteger(10, integer))
    std::memcpy(tensor->data(), &integer, sizeof(integer));
  else if (!isFloat(info.element) && !text.getAsInteger(10, integer) &&
           integer >= INT32_MIN && integer <= INT32_MAX) {
    tensor->view().storeFromDouble({}, static_cast<double>(integer));
    if (tensor->view().loadAsInt({}) != integer)
      return createError(info.name + ": " + text + " does not fit " +
                         info.type);
  } else
    return createError(info.name + ": '" + text + "' is no " + info.type);
  return std::move(*tensor);
}

/// Reads one input from its file, or from a number if it is a scalar.
static Expected<Tensor> readInput(const ArgumentInfo &info, StringRef text) {
  if (info.isScalar && !text.ends_with(".npy"))
    return parseScalar(info, text);
  std::string error;
  auto array = readNpy(text.str(), error);
  if (!array)
    return asError(info.name, error);
  if (Error mismatch = checkShape(info, array->shape, text))
    return std::move(mismatch);
  auto tensor = interpretNpy(std::move(*array), info.element, error);
  if (!tensor)
    return asError(info.name + ": " + text.str(), error);
  return std::move(*tensor);
}

//===----------------------------------------------------------------------===//
// All arguments
//===----------------------------------------------------------------------===//

namespace {
/// Collects the arrays of one run.
class ArgumentBuilder {
public:
  ArgumentBuilder(const Entry &entry, const RunnerOptions &options)
      : entry(entry), options(options), count(entry.arguments.size()),
        files(count), shapes(count), tensors(count) {}

  Expected<std::vector<Tensor>> build() {
    if (Error error = assignFiles())
      return std::move(error);
    if (Error error = readFiles())
      return std::move(error);
    if (Error error = chooseShapes())
      return std::move(error);
    if (Error error = checkMemory(entry, shapes))
      return std::move(error);
    if (Error error = createRest())
      return std::move(error);
    if (Error error = setValues())
      return std::move(error);
    return std::move(tensors);
  }

private:
  Error assignFiles();
  Error readFiles();
  Error chooseShapes();
  Error createRest();
  Error setValues();

  const Entry &entry;
  const RunnerOptions &options;
  const size_t count;
  /// Per argument: the item of --inputs, or empty.
  std::vector<std::string> files;
  std::vector<const ArgumentDims *> givenShapes, givenStrides;
  Shapes shapes;
  std::vector<Tensor> tensors;
};
} // namespace

Error ArgumentBuilder::assignFiles() {
  std::vector<size_t> inputs;
  for (size_t i = 0; i < count; ++i)
    if (!entry.arguments[i].isOutput())
      inputs.push_back(i);
  if (options.inputs.size() > inputs.size())
    return createError(
        "--inputs names " + Twine(options.inputs.size()) +
        " inputs, function @" + entry.name + " takes " + Twine(inputs.size()) +
        ": " +
        join(map_range(inputs,
                       [&](size_t i) { return entry.arguments[i].name; }),
             ", "));
  for (auto [item, argument] : zip(options.inputs, inputs))
    files[argument] = item;
  // Without any input all are random; a forgotten one is an error.
  bool random = options.random || options.inputs.empty();
  for (size_t i : inputs)
    if (files[i].empty() && !random)
      return createError(entry.arguments[i].name + ", " +
                         entry.arguments[i].type +
                         ": no input; name a file with --inputs or use "
                         "--random");
  auto shapes = matchDims(entry, options.shapes, "shape");
  if (!shapes)
    return shapes.takeError();
  givenShapes = std::move(*shapes);
  auto strides = matchDims(entry, options.strides, "strides");
  if (!strides)
    return strides.takeError();
  givenStrides = std::move(*strides);
  return Error::success();
}

Error ArgumentBuilder::readFiles() {
  for (size_t i = 0; i < count; ++i) {
    if (files[i].empty())
      continue;
    const ArgumentInfo &info = entry.arguments[i];
    auto read = readInput(info, files[i]);
    if (!read)
      return read.takeError();
    if (givenShapes[i] && givenShapes[i]->dims != read->shape())
      return createError(info.name + ": " + files[i] + " has shape " +
                         formatShape(read->shape()) + ", --shape says " +
                         formatShape(givenShapes[i]->dims));
    shapes[i] = read->shape();
    if (info.isScalar) {
      tensors[i] = std::move(*read);
      continue;
    }
    auto array = createArray(info, read->shape(), givenStrides[i]);
    if (!array)
      return array.takeError();
    copyElements(read->view(), array->view());
    tensors[i] = std::move(*array);
  }
  return Error::success();
}

Error ArgumentBuilder::chooseShapes() {
  for (size_t i = 0; i < count; ++i) {
    if (shapes[i])
      continue;
    auto shape = chooseShape(entry, i, givenShapes[i]);
    if (!shape)
      return shape.takeError();
    shapes[i] = std::move(*shape);
  }
  // What an output must have follows from the inputs, and goes before the
  // example shapes, which need not be those of the files.
  for (size_t i = 0; i < count; ++i) {
    const ArgumentInfo &info = entry.arguments[i];
    if (info.isOutput()) {
      auto [role, op] = info.roles.front();
      if (auto sizes = getProblemSizes(op, shapes)) {
        Shape needed = getOutputShape(op, role, *sizes);
        bool isChosen = givenShapes[i] || none_of(info.shape, isDynamic);
        if (isChosen && *shapes[i] != needed)
          return createError(info.name + ": has shape " +
                             formatShape(*shapes[i]) + ", the inputs give " +
                             formatShape(needed));
        if (Error error = checkShape(info, needed, "the result"))
          return error;
        shapes[i] = needed;
      }
    }
    if (!shapes[i])
      return createError(info.name + ", " + info.type +
                         ": dynamic dims; give its size with --shape=" +
                         (info.roleName.empty() ? info.number : info.roleName) +
                         ":...");
  }
  return Error::success();
}

Error ArgumentBuilder::createRest() {
  for (size_t i = 0; i < count; ++i) {
    const ArgumentInfo &info = entry.arguments[i];
    if (!files[i].empty())
      continue;
    auto array = createArray(info, *shapes[i], givenStrides[i]);
    if (!array)
      return array.takeError();
    tensors[i] = std::move(*array);
    if (info.isOutput())
      continue;
    SmallVector<std::optional<ProblemSizes>> sizes;
    for (auto [role, op] : info.roles)
      sizes.push_back(getProblemSizes(op, shapes));
    // Arguments differ in their numbers, seeds in all others.
    if (Error error =
            fillArgument(info, sizes, tensors[i].view(), options.distribution,
                         options.seed * 1000003 + i))
      return error;
  }
  return Error::success();
}

Error ArgumentBuilder::setValues() {
  for (const ArgumentValues &values : options.values) {
    auto index = findArgument(entry, values.argument, "set");
    if (!index)
      return index.takeError();
    const ArgumentInfo &info = entry.arguments[*index];
    if (info.isOutput())
      return createError("--set: " + info.name +
                         " only receives results and has no values");
    if (Error error = storeValues("--set: " + info.name, tensors[*index].view(),
                                  values.values))
      return error;
  }
  return Error::success();
}

Expected<std::vector<Tensor>>
runner::createArguments(const Entry &entry, const RunnerOptions &options) {
  return ArgumentBuilder(entry, options).build();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

Error runner::saveInputs(const Entry &entry, ArrayRef<Tensor> arguments,
                         StringRef directory) {
  if (auto code = sys::fs::create_directories(directory))
    return createError("--save-inputs: cannot create " + directory + ": " +
                       code.message());
  std::vector<OutputFile> files;
  for (auto [info, tensor] : zip(entry.arguments, arguments)) {
    if (info.isOutput())
      continue;
    SmallString<128> path(directory);
    sys::path::append(
        path, (info.roleName.empty() ? info.number : info.roleName) + ".npy");
    files.push_back({path.str().str(), tensor.view()});
  }
  return writeFiles(files);
}

Error runner::writeFiles(ArrayRef<OutputFile> files) {
  // Renaming over a device or directory would replace or lose it.
  for (const OutputFile &file : files)
    if (sys::fs::exists(file.path) && !sys::fs::is_regular_file(file.path))
      return createError("cannot write " + file.path +
                         ": it exists and is not a regular file");
  std::vector<sys::fs::TempFile> written;
  auto discard = [&] {
    for (sys::fs::TempFile &file : written)
      consumeError(file.discard());
  };
  for (const OutputFile &file : files) {
    auto temporary = sys::fs::TempFile::create(
        file.path + ".%%%%%%.tmp", sys::fs::all_read | sys::fs::all_write);
    std::string error;
    if (!temporary) {
      discard();
      return createError("cannot write " + file.path + ": " +
                         toString(temporary.takeError()));
    }
    written.push_back(std::move(*temporary));
    if (!writeNpy(written.back().TmpName, file.view, error)) {
      discard();
      return createError("cannot write " + file.path + ": " + error);
    }
  }
  for (auto [file, temporary] : zip(files, written))
    if (Error error = temporary.keep(file.path))
      return createError("cannot write " + file.path + ": " +
                         toString(std::move(error)));
  return Error::success();
}
