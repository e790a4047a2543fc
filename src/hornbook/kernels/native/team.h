// Parallel work in parts, on XLA's thread pool.
//
// A cache line that two threads write moves between their cores, which takes 50 ns if they share a
// cache and 250 ns if not. So a line has a single writer wherever possible, and a core starts with
// the parts that it had last time, whose data may still be in its cache.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "handler.h"
#include "tile.h"

namespace hornbook {

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// The share that belongs to the core this runs on.
inline int64_t ShareOfCore(int64_t shares) {
#if defined(__linux__)
  const int core = sched_getcpu();
  return core > 0 ? core % shares : 0;
#else
  return 0;
#endif
}

// Successive rounds of work. Jobs are never destroyed, so that helpers may look at a finished one
// and wait for the next round.
class Job {
 public:
  static constexpr int64_t kParts = (1 << 12) - 1, kShares = (1 << 6) - 1;  // at most

  // An unused job, or null.
  static Job* Free() {
    for (Job& job : All())
      if (!job.taken_.exchange(true, std::memory_order_acquire)) return &job;
    return nullptr;
  }

  void Begin(xla::ffi::ThreadPool pool, int64_t helpers) {
    open_.store(true);
    for (int64_t i = 0; i < helpers; ++i) {
      if (Present(i).load() || Present(i).exchange(true)) continue;
      try {
        pool.Schedule([i] { Help(i); });
      } catch (const std::bad_alloc&) {  // the caller does the helper's work
        Present(i).store(false);
      }
    }
  }

  void End() {
    open_.store(false, std::memory_order_relaxed);
    taken_.store(false, std::memory_order_release);
  }

  // Calls f(part) for every part, and returns when all are done. It does not wait for helpers that
  // have not started: the caller does the remaining parts, so a busy pool is slower but never
  // blocks. An exception of a part, on any thread, is rethrown here when all parts have ended.
  template <class F>
  void Run(int64_t parts, int64_t shares, const F& f) {
    call_ = [](const void* f, int64_t part) { (*static_cast<const F*>(f))(part); };
    function_ = &f;
    done_.store(0, std::memory_order_relaxed);
    const uint64_t last = round_.load(std::memory_order_relaxed) >> kBits;
    const uint64_t round = (last + 1) << kBits | parts << 6 | shares;
    round_.store(round, std::memory_order_release);
    Take(round);
    for (int64_t i = 0; done_.load(std::memory_order_acquire) < parts; ++i)
      i < kSpins ? Pause() : std::this_thread::yield();
    if (failed_.exchange(false)) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  static constexpr int64_t kJobs = 8;  // at a time
  static constexpr int kBits = 18;     // bits for a round's number of parts and of shares
  static constexpr int64_t kSpins = 4000;
  static constexpr std::chrono::microseconds kStay{20};
  using Clock = std::chrono::steady_clock;

  static std::vector<Job>& All() {
    static std::vector<Job>& all = *new std::vector<Job>(kJobs);
    return all;
  }

  // Whether this helper is running or scheduled.
  static std::atomic<bool>& Present(int64_t helper) {
    alignas(64) static std::atomic<bool> present[kShares];
    return present[helper];
  }

  // A helper's loop: takes parts of all jobs that have work for this many helpers, and spins for a
  // moment after the last one, because waking a thread takes longer than most jobs.
  static void Help(int64_t number) {
    uint64_t last[kJobs] = {};
    auto until = Clock::now() + kStay;
    for (int64_t idle = 1;; ++idle) {
      bool open = false;
      for (int64_t i = 0; i < kJobs; ++i) {
        Job& job = All()[i];
        open = open || job.open_.load();
        const uint64_t round = job.round_.load(std::memory_order_acquire);
        if (round == last[i]) continue;
        last[i] = round;
        if (number + 1 >= static_cast<int64_t>(round & kShares)) continue;
        job.Take(round);
        idle = 0;
      }
      Pause();
      if (idle % 64) continue;
      if (open || idle == 0) {
        until = Clock::now() + kStay;
      } else if (Clock::now() >= until) {
        // A job that begins from now on schedules another helper, but one that began just before
        // may not have, so look again.
        Present(number).store(false);
        if (!AnyOpen() || Present(number).exchange(true)) return;
      }
      if (!open || idle > kSpins) std::this_thread::yield();
    }
  }

  static bool AnyOpen() {
    return std::any_of(All().begin(), All().end(), [](Job& job) { return job.open_.load(); });
  }

  // Runs the parts of a round that nobody has started, this core's share first. The function is
  // only read after a part of this round has been claimed, so the round cannot have ended.
  void Take(uint64_t round) {
    const int64_t shares = round & kShares, parts = round >> 6 & kParts;
    if (shares == 0) return;
    const uint64_t none = round >> kBits << kBits;
    int64_t did = 0;
    for (int64_t i = 0, first = ShareOfCore(shares); i < shares; ++i) {
      const int64_t share = (first + i) % shares, from = share * parts / shares;
      const int64_t size = (share + 1) * parts / shares - from;
      std::atomic<uint64_t>& begun = begun_[share].parts;
      uint64_t seen = begun.load(std::memory_order_relaxed);
      while (true) {
        // Negative if the counter is of an earlier round, beyond all parts if of a later one.
        const int64_t next = std::max<int64_t>(seen - none, 0);
        if (next >= size) break;
        if (!begun.compare_exchange_weak(seen, none + next + 1, std::memory_order_acq_rel))
          continue;
        seen = none + next + 1;
        try {
          call_(function_, from + next);
        } catch (...) {
          if (!failed_.exchange(true)) error_ = std::current_exception();
        }
        ++did;
      }
    }
    if (did) done_.fetch_add(did, std::memory_order_release);
  }

  struct alignas(kLine * sizeof(float)) Begun {
    std::atomic<uint64_t> parts{0};  // the last round's number and its count of started parts
  };

  alignas(64) std::atomic<bool> taken_{false};
  alignas(64) std::atomic<uint64_t> round_{0};  // number of the round, of its parts and its shares
  std::atomic<bool> open_{false};               // whether more rounds may come soon
  void (*call_)(const void*, int64_t) = nullptr;
  const void* function_ = nullptr;
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;  // from the first part that failed
  alignas(64) std::atomic<int64_t> done_{0};
  Begun begun_[kShares];
};

// The threads of a job, for several rounds with the same number of parts.
class Team {
 public:
  Team(xla::ffi::ThreadPool pool, int64_t parts) : parts_(parts) {
    // Scheduling a helper takes time, so each gets at least two parts where possible.
    const int64_t wanted = std::max<int64_t>(std::min<int64_t>(parts, 2), parts / 2);
    shares_ = std::min({pool.num_threads(), wanted, Job::kShares});
    job_ = shares_ > 1 && parts <= Job::kParts ? Job::Free() : nullptr;
    if (job_) job_->Begin(pool, shares_ - 1);
  }
  Team(const Team&) = delete;
  ~Team() {
    if (job_) job_->End();
  }

  template <class F>
  void Run(const F& f) {
    if (job_) return job_->Run(parts_, shares_, f);
    for (int64_t part = 0; part < parts_; ++part) f(part);
  }

 private:
  int64_t parts_, shares_;
  Job* job_;
};

// Calls f(part) for every part on the threads of the pool; the caller alone runs a single part.
template <class F>
void InParts(xla::ffi::ThreadPool pool, int64_t parts, const F& f) {
  if (parts == 1) return f(0);
  Team(pool, parts).Run(f);
}

// Calls f(first, end) for shares of [0, size) that begin at multiples of `unit`.
template <class F>
void Share(xla::ffi::ThreadPool pool, int64_t size, int64_t unit, int64_t parts, const F& f) {
  parts = std::min(parts, Up(size, unit) / unit);
  InParts(pool, parts, [&](int64_t part) {
    const int64_t from = Up(part * size / parts, unit);
    const int64_t to = std::min(Up((part + 1) * size / parts, unit), size);
    if (from < to) f(from, to);
  });
}

}  // namespace hornbook
