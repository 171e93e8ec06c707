// What a kernel needs of TensorFlow's C interface.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

// Leaves out a header that TensorFlow's wheels do not carry.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

// Compiled for several generations of x86; the loader takes the best one that the processor has.
#if defined(__x86_64__) && defined(__linux__)
#define CROSSCHECK_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CROSSCHECK_VECTORISED
#endif

#define CROSSCHECK_INLINE inline __attribute__((always_inline))

namespace crosscheck {

using Shape = std::vector<int64_t>;

// A tensor, of float32 unless said otherwise; frees TensorFlow's handle, not its memory.
class Tensor {
 public:
  explicit Tensor(TF_Tensor* handle) : handle_(handle) {}
  Tensor(Tensor&& other) : handle_(other.handle_) { other.handle_ = nullptr; }
  Tensor(const Tensor&) = delete;
  ~Tensor() { TF_DeleteTensor(handle_); }

  float* data() const { return static_cast<float*>(TF_TensorData(handle_)); }
  // Of a tensor of int32.
  const int32_t* ints() const { return static_cast<const int32_t*>(TF_TensorData(handle_)); }
  // Data, or null of a tensor without elements: the way to leave out an input.
  float* optional() const { return size() == 0 ? nullptr : data(); }
  int64_t size() const { return TF_TensorElementCount(handle_); }
  int64_t dim(int i) const { return TF_Dim(handle_, i); }
  Shape shape() const {
    Shape dims;
    for (int i = 0; i < TF_NumDims(handle_); ++i) dims.push_back(dim(i));
    return dims;
  }

 private:
  TF_Tensor* handle_;
};

// One call of a kernel.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    if (TF_GetCode(status_) != TF_OK) TF_OpKernelContext_Failure(context_, status_);
    TF_DeleteStatus(status_);
  }

  Tensor Input(int i) {
    TF_Tensor* handle = nullptr;
    TF_GetInput(context_, i, &handle, status_);
    return Tensor(handle);
  }

  // A list of tensors.
  std::vector<Tensor> Inputs(int64_t first, int64_t count) {
    std::vector<Tensor> tensors;
    tensors.reserve(count);
    for (int64_t i = first; i < first + count; ++i) tensors.push_back(Input(static_cast<int>(i)));
    return tensors;
  }

  Tensor Output(int i, const Shape& shape) {
    int64_t elements = 1;
    for (int64_t dim : shape) elements *= dim;
    return Tensor(TF_AllocateOutput(context_, i, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                    elements * sizeof(float), status_));
  }

  // The operation's caller gets an error with this message.
  void Refuse(const std::string& message) { TF_SetStatus(status_, TF_INVALID_ARGUMENT, message.c_str()); }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
};

// What is fixed when a kernel is made, by name.
struct Attributes {
  float epsilon = 0;
  bool is_training = false;
  int64_t stride = 1;
  int64_t kernel = 1;
  int64_t heads = 1;
  int64_t length = 1;
  float rate = 0;
  std::string activation;
  std::string padding;
  // Length of the operation's lists of tensors.
  int64_t count = 1;
};

// Empty where the operation has no such attribute; longer ones than an operation allows never come this far.
inline std::string ReadWord(TF_OpKernelConstruction* construction, const char* name, TF_Status* status) {
  char word[32] = {};
  TF_OpKernelConstruction_GetAttrString(construction, name, word, sizeof word - 1, status);
  return word;
}

// Name and type of a kernel's input or output.
struct Argument {
  const char *name, *type;

  Argument(const char* name, const char* type = "float") : name(name), type(type) {}
  std::string Definition() const { return std::string(name) + ": " + type; }
};

using Compute = void (*)(Call& call, const Attributes& attributes);

// Registers an operation and its kernel for the CPU. `attributes` are some of those above.
template <Compute compute>
void Register(const char* name, std::initializer_list<Argument> inputs, std::initializer_list<Argument> outputs,
              std::initializer_list<const char*> attributes) {
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const Argument& input : inputs) TF_OpDefinitionBuilderAddInput(op, input.Definition().c_str());
  for (const Argument& output : outputs) TF_OpDefinitionBuilderAddOutput(op, output.Definition().c_str());
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(op, attribute);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(op, status);
  TF_KernelBuilder* kernel = TF_NewKernelBuilder(
      name, "CPU",
      [](TF_OpKernelConstruction* construction) -> void* {
        auto* read = new Attributes();
        TF_Status* ignored = TF_NewStatus();
        unsigned char flag = 0;
        TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &read->epsilon, ignored);
        TF_OpKernelConstruction_GetAttrBool(construction, "is_training", &flag, ignored);
        TF_OpKernelConstruction_GetAttrInt64(construction, "stride", &read->stride, ignored);
        TF_OpKernelConstruction_GetAttrInt64(construction, "kernel", &read->kernel, ignored);
        TF_OpKernelConstruction_GetAttrInt64(construction, "heads", &read->heads, ignored);
        TF_OpKernelConstruction_GetAttrInt64(construction, "length", &read->length, ignored);
        TF_OpKernelConstruction_GetAttrFloat(construction, "rate", &read->rate, ignored);
        TF_OpKernelConstruction_GetAttrInt64(construction, "N", &read->count, ignored);
        read->activation = ReadWord(construction, "activation", ignored);
        read->padding = ReadWord(construction, "padding", ignored);
        read->is_training = flag != 0;
        TF_DeleteStatus(ignored);
        return read;
      },
      [](void* attributes, TF_OpKernelContext* context) {
        Call call(context);
        compute(call, *static_cast<Attributes*>(attributes));
      },
      [](void* attributes) { delete static_cast<Attributes*>(attributes); });
  TF_RegisterKernelBuilder(name, kernel, status);
  TF_DeleteStatus(status);
}

}  // namespace crosscheck
