#include "collective.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>

#include "binding/tfjs_backend.h"
#include "task.h"
#include "tensorflow/c/c_api_experimental.h"

namespace crosscheck {
namespace {

using tfnodejs::TFJSBackend;

// Lets a function below name private members of tfjs-node's class, as only an explicit instantiation of a template may.
template <auto handles, auto describe>
struct Inside {
  friend TFE_TensorHandle* HandleOf(TFJSBackend& backend, int32_t id) {
    return (backend.*handles).count(id) == 0 ? nullptr : (backend.*handles).at(id);
  }
  friend napi_value Describe(TFJSBackend& backend, napi_env env, TFE_TensorHandle* handle) {
    return (backend.*describe)(env, handle);
  }
};
TFE_TensorHandle* HandleOf(TFJSBackend& backend, int32_t id);
napi_value Describe(TFJSBackend& backend, napi_env env, TFE_TensorHandle* handle);
template struct Inside<&TFJSBackend::tfe_handle_map_, &TFJSBackend::GenerateOutputTensorInfo>;

TFE_Context* context = nullptr;
std::string clusterProblem;

// Never destroyed: their threads wait until the process ends.
Mailbox& mailbox = *new Mailbox;
Line& line = *new Line(mailbox);

struct Status {
  TF_Status* tf = TF_NewStatus();
  ~Status() { TF_DeleteStatus(tf); }
  bool ok() const { return TF_GetCode(tf) == TF_OK; }
  std::string Text() const { return ok() ? "" : "TF " + std::to_string(TF_GetCode(tf)) + ": " + TF_Message(tf); }
};

std::string FromHexadecimal(const char* text) {
  std::string bytes;
  for (; text[0] != 0 && text[1] != 0; text += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(text, 2), nullptr, 16)));
  }
  return bytes;
}

// What JavaScript calls with.
struct Arguments {
  napi_env env;
  napi_value values[4];

  Arguments(napi_env env, napi_callback_info info) : env(env) {
    size_t count = 4;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  int32_t Int(int i) const {
    int32_t value = 0;
    napi_get_value_int32(env, values[i], &value);
    return value;
  }
  std::string Text(int i) const {
    size_t length = 0;
    napi_get_value_string_utf8(env, values[i], nullptr, 0, &length);
    std::string text(length, 0);
    napi_get_value_string_utf8(env, values[i], text.data(), length + 1, &length);
    return text;
  }
};

struct Reduction {
  TFE_TensorHandle *input = nullptr, *output = nullptr;
  int32_t workers = 0, key = 0;
  std::string hint;
};

TFE_TensorHandle* Scalar(int32_t value, TF_Status* status) {
  TF_Tensor* tensor = TF_AllocateTensor(TF_INT32, nullptr, 0, sizeof value);
  std::memcpy(TF_TensorData(tensor), &value, sizeof value);
  TFE_TensorHandle* handle = TFE_NewTensorHandle(tensor, status);
  TF_DeleteTensor(tensor);
  return handle;
}

// All workers are one group. The operation's own time limit is not used: it leaves sleeping threads behind.
std::string Reduce(Reduction& reduction) {
  const Status status;
  constexpr int32_t group = 1;
  TFE_TensorHandle* inputs[] = {TFE_TensorHandleCopySharingTensor(reduction.input, status.tf),
                                Scalar(reduction.workers, status.tf), Scalar(group, status.tf),
                                Scalar(reduction.key, status.tf)};
  TFE_Op* op = TFE_NewOp(context, "CollectiveReduceV2", status.tf);
  for (TFE_TensorHandle* input : inputs) TFE_OpAddInput(op, input, status.tf);
  TFE_OpSetAttrString(op, "merge_op", "Add", 3);
  TFE_OpSetAttrString(op, "final_op", "Id", 2);
  TFE_OpSetAttrString(op, "communication_hint", reduction.hint.data(), reduction.hint.size());
  TFE_OpSetAttrInt(op, "Nordering_token", 0);
  int outputs = 1;
  if (status.ok()) TFE_Execute(op, &reduction.output, &outputs, status.tf);
  TFE_DeleteOp(op);
  for (TFE_TensorHandle* input : inputs) TFE_DeleteTensorHandle(input);
  TFE_DeleteTensorHandle(reduction.input);
  return status.Text();
}

TFJSBackend& BackendOf(napi_env env) {
  TFJSBackend* backend = nullptr;
  napi_get_instance_data(env, reinterpret_cast<void**>(&backend));
  return *backend;
}

// allReduce(tensor's id, workers, key, hint) → Promise of what describes the sum: every worker gives a tensor of one shape and type under one key.
napi_value AllReduce(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  TFE_TensorHandle* given = HandleOf(BackendOf(env), arguments.Int(0));
  if (given == nullptr) {
    napi_throw_error(env, nullptr, "allReduce: there is no such tensor");
    return nullptr;
  }
  const Status status;
  auto* reduction = new Reduction;
  // JavaScript may dispose of its own handle meanwhile.
  reduction->input = TFE_TensorHandleCopySharingTensor(given, status.tf);
  reduction->workers = arguments.Int(1);
  reduction->key = arguments.Int(2);
  reduction->hint = arguments.Text(3);
  auto* task = new Task;
  std::shared_ptr<Reduction> shared(reduction);
  task->run = [shared] { return Reduce(*shared); };
  task->result = [shared](napi_env env) { return Describe(BackendOf(env), env, shared->output); };
  return mailbox.Begin(env, task, [](Task* task) { line.Add(task); });
}

// checkPeer(task's name, milliseconds) → Promise, rejected where that worker does not answer in time. Its TensorFlow answers by itself, however
// busy its JavaScript is.
napi_value CheckPeer(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  auto* task = new Task;
  task->run = [name = arguments.Text(0), limit = arguments.Int(1)] {
    const Status status;
    TFE_CollectiveOpsCheckPeerHealth(context, name.c_str(), limit, status.tf);
    return status.Text();
  };
  task->result = [](napi_env env) {
    napi_value nothing;
    napi_get_undefined(env, &nothing);
    return nothing;
  };
  return mailbox.Begin(env, task, [](Task* task) {
    std::thread([task] {
      task->problem = task->run();
      mailbox.Return(task);
    }).detach();
  });
}

void Abort(const char* why) {
  const Status status;
  TF_SetStatus(status.tf, TF_UNAVAILABLE, why);
  TFE_AbortCollectiveOps(context, status.tf);
}

// abortCollectives(why): all that run and all later ones of this process fail with it.
napi_value AbortCollectives(napi_env env, napi_callback_info info) {
  Abort(Arguments(env, info).Text(0).c_str());
  return nullptr;
}

// What TensorFlow's server tells of its start and end goes to stderr whatever TF_CPP_MIN_LOG_LEVEL says, so that is led elsewhere meanwhile.
class Silence {
 public:
  Silence() {
    const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
    const int nowhere = level == nullptr || std::atoi(level) < 2 ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere == -1) return;
    stderr_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
  }
  ~Silence() {
    if (stderr_ == -1) return;
    dup2(stderr_, STDERR_FILENO);
    close(stderr_);
  }

 private:
  int stderr_ = -1;
};

// The context goes with the process: what still uses it is ended first. Nothing of JavaScript is left that could write.
void EndCollectives(void*) {
  if (line.IsBusy()) Abort("the process ends");
  line.Drain(std::chrono::seconds(2));
  static Silence forGood;
}

}  // namespace

TFE_Context* NewContext(const TFE_ContextOptions* options, TF_Status* status) {
  context = TFE_NewContext(options, status);
  const char* definition = std::getenv("CROSSCHECK_SERVER_DEF");
  if (context == nullptr || definition == nullptr) return context;
  const Silence whileItStarts;
  const std::string bytes = FromHexadecimal(definition);
  const Status joined;
  TFE_EnableCollectiveOps(context, bytes.data(), bytes.size(), joined.tf);
  clusterProblem = joined.Text();
  return context;
}

void ExportCollectives(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"allReduce", nullptr, AllReduce, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"checkPeer", nullptr, CheckPeer, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"abortCollectives", nullptr, AbortCollectives, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  napi_value problem;
  napi_create_string_utf8(env, clusterProblem.data(), clusterProblem.size(), &problem);
  napi_set_named_property(env, exports, "clusterProblem", problem);
  if (std::getenv("CROSSCHECK_SERVER_DEF") != nullptr) napi_add_env_cleanup_hook(env, EndCollectives, nullptr);
}

}  // namespace crosscheck
