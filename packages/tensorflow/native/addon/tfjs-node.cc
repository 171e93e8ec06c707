// tfjs-node's two C++ files as they are; what they call TFE_NewContext and NAPI_MODULE is ours.
#include "collective.h"

#define TFE_NewContext crosscheck::NewContext
#include "binding/tfjs_backend.cc"
#undef TFE_NewContext

#undef NAPI_MODULE
#define NAPI_MODULE(name, init) \
  napi_value Initialise(napi_env env, napi_value exports) { return init(env, exports); }
#include "binding/tfjs_binding.cc"

NAPI_MODULE_INIT() {
  const napi_value all = tfnodejs::Initialise(env, exports);
  if (all != nullptr) crosscheck::ExportCollectives(env, all);
  return all;
}
