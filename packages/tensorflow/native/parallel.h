// A few threads that share loops. TensorFlow's own pool cannot be reached through its C interface.
#pragma once

#include <cstdint>
#include <functional>

namespace crosscheck {

// Threads that take part in a loop: TF_NUM_INTRAOP_THREADS, else all that the process may run on.
int ThreadCount();

// Splits 0..count into one range for each thread and returns when all are done.
void Parallel(int64_t count, const std::function<void(int64_t begin, int64_t end, int thread)>& body);

}  // namespace crosscheck
