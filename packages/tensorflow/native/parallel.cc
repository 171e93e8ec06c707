#include "parallel.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace crosscheck {
namespace {

int ChooseThreadCount() {
  const char* wanted = std::getenv("TF_NUM_INTRAOP_THREADS");
  const int count = wanted ? std::atoi(wanted) : 0;
  return count > 0 ? count : std::max(1u, std::thread::hardware_concurrency());
}

// Sleeps between loops. Only one loop runs at a time; the caller is the first of its threads.
class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) std::thread(&Pool::Work, this, i).detach();
  }

  void Run(const std::function<void(int thread)>& body, int threads) {
    std::lock_guard<std::mutex> one_at_a_time(running_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      body_ = &body;
      pending_ = threads - 1;
      ++round_;
    }
    start_.notify_all();
    body(0);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return pending_ == 0; });
  }

 private:
  void Work(int thread) {
    for (uint64_t seen = 0;;) {
      const std::function<void(int)>* body;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        start_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        body = body_;
      }
      (*body)(thread);
      std::lock_guard<std::mutex> lock(mutex_);
      if (--pending_ == 0) done_.notify_one();
    }
  }

  std::mutex running_, mutex_;
  std::condition_variable start_, done_;
  const std::function<void(int)>* body_ = nullptr;
  int pending_ = 0;
  uint64_t round_ = 0;
};

}  // namespace

int ThreadCount() {
  static const int count = ChooseThreadCount();
  return count;
}

void Parallel(int64_t count, const std::function<void(int64_t, int64_t, int)>& body) {
  const int threads = ThreadCount();
  if (threads == 1 || count < threads) return body(0, count, 0);
  // Its threads end with the process: nothing may be destroyed under them.
  static Pool* pool = new Pool(threads);
  pool->Run([&](int thread) { body(count * thread / threads, count * (thread + 1) / threads, thread); }, threads);
}

}  // namespace crosscheck
