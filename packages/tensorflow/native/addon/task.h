// Work on a thread that is not JavaScript's, whose end settles a promise.
#pragma once

#include <node_api.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace crosscheck {

struct Task {
  // On another thread. @returns what went wrong, or nothing
  std::function<std::string()> run;
  // On JavaScript's thread, when nothing went wrong.
  std::function<napi_value(napi_env)> result;
  napi_deferred deferred = nullptr;
  std::string problem;
};

// Brings finished tasks back to JavaScript's thread, and keeps the event loop alive as long as there are others.
class Mailbox {
 public:
  // The promise of a task that `start` hands to a thread.
  napi_value Begin(napi_env env, Task* task, const std::function<void(Task*)>& start) {
    if (send_ == nullptr) Open(env);
    if (pending_++ == 0) napi_ref_threadsafe_function(env, send_);
    napi_value promise;
    napi_create_promise(env, &task->deferred, &promise);
    start(task);
    return promise;
  }

  void Return(Task* task) { napi_call_threadsafe_function(send_, task, napi_tsfn_blocking); }

 private:
  void Open(napi_env env) {
    napi_value name;
    napi_create_string_utf8(env, "crosscheck", NAPI_AUTO_LENGTH, &name);
    napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, Settle, &send_);
  }

  static void Settle(napi_env env, napi_value, void* mailbox, void* data) {
    Task* task = static_cast<Task*>(data);
    if (env != nullptr) {
      auto* self = static_cast<Mailbox*>(mailbox);
      if (task->problem.empty()) {
        napi_resolve_deferred(env, task->deferred, task->result(env));
      } else {
        napi_value message, error;
        napi_create_string_utf8(env, task->problem.data(), task->problem.size(), &message);
        napi_create_error(env, nullptr, message, &error);
        napi_reject_deferred(env, task->deferred, error);
      }
      if (--self->pending_ == 0) napi_unref_threadsafe_function(env, self->send_);
    }
    delete task;
  }

  napi_threadsafe_function send_ = nullptr;
  int pending_ = 0;
};

// One thread that runs tasks in their order.
class Line {
 public:
  explicit Line(Mailbox& mailbox) : mailbox_(mailbox) {}

  void Add(Task* task) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!isRunning_) std::thread([this] { Run(); }).detach();
    isRunning_ = true;
    waiting_.push_back(task);
    changed_.notify_all();
  }

  bool IsBusy() {
    std::lock_guard<std::mutex> lock(mutex_);
    return isBusy_ || !waiting_.empty();
  }

  // Drops what waits and looks for the end of what runs, but not for ever.
  void Drain(std::chrono::milliseconds limit) {
    std::unique_lock<std::mutex> lock(mutex_);
    waiting_.clear();
    changed_.wait_for(lock, limit, [this] { return !isBusy_; });
  }

 private:
  void Run() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      isBusy_ = false;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !waiting_.empty(); });
      Task* task = waiting_.front();
      waiting_.pop_front();
      isBusy_ = true;
      lock.unlock();
      task->problem = task->run();
      mailbox_.Return(task);
    }
  }

  Mailbox& mailbox_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task*> waiting_;
  bool isRunning_ = false, isBusy_ = false;
};

}  // namespace crosscheck
