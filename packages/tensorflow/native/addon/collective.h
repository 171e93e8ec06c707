// Sums over the processes of a cluster, by TensorFlow's own collectives.
#pragma once

#include <node_api.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

namespace crosscheck {

// Opens TensorFlow's context. Where CROSSCHECK_SERVER_DEF holds a tensorflow.ServerDef in hexadecimal, it is that worker of that cluster
// before anybody asks for its devices: they bear other names then, and tensors made before would belong to none of them.
TFE_Context* NewContext(const TFE_ContextOptions* options, TF_Status* status);

// Adds allReduce, checkPeer, abortCollectives and clusterProblem to what the addon exports.
void ExportCollectives(napi_env env, napi_value exports);

}  // namespace crosscheck
