// Work in parts, on the threads that XLA has for it.
//
// What two threads write goes from core to core, and waits for it: 50 ns where the cores share a
// cache, 250 where they do not. So a line of memory has one writer here as far as that can be, and
// a core begins with the parts that it had last time, whose numbers may still be in its cache.
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

// Which of some equal shares is that of the core this runs on.
inline int64_t ShareOfCore(int64_t shares) {
#if defined(__linux__)
  const int core = sched_getcpu();
  return core > 0 ? core % shares : 0;
#else
  return 0;
#endif
}

// Rounds of work, one after the other. Jobs are never destroyed, so that helpers may look at one
// whose work is done, and stay for the next.
class Job {
 public:
  static constexpr int64_t kParts = (1 << 12) - 1, kShares = (1 << 6) - 1;  // at most

  // One that nobody has, or none.
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
      } catch (const std::bad_alloc&) {  // the caller does its work
        Present(i).store(false);
      }
    }
  }

  void End() {
    open_.store(false, std::memory_order_relaxed);
    taken_.store(false, std::memory_order_release);
  }

  // Calls f(part) for every part, and returns when all are done. Nobody waits for a helper that has
  // not come: the caller does what is left, so that a busy pool slows down and never blocks. What a
  // part throws, on whichever thread, is thrown here once all have ended.
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
  static constexpr int kBits = 18;     // of a round's number of parts and of shares
  static constexpr int64_t kSpins = 4000;
  static constexpr std::chrono::microseconds kStay{20};
  using Clock = std::chrono::steady_clock;

  static std::vector<Job>& All() {
    static std::vector<Job>& all = *new std::vector<Job>(kJobs);
    return all;
  }

  // Whether the helper of this number is there, or called.
  static std::atomic<bool>& Present(int64_t helper) {
    alignas(64) static std::atomic<bool> present[kShares];
    return present[helper];
  }

  // Takes part in the rounds of all jobs that have work for so many, and stays for a moment after
  // them: to wake a thread takes longer than most jobs.
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
        // Who begins a job now calls another, unless that was a moment ago.
        Present(number).store(false);
        if (!AnyOpen() || Present(number).exchange(true)) return;
      }
      if (!open || idle > kSpins) std::this_thread::yield();
    }
  }

  static bool AnyOpen() {
    return std::any_of(All().begin(), All().end(), [](Job& job) { return job.open_.load(); });
  }

  // Does the parts of a round that nobody has begun, those of this core's share first. The function
  // is read only after a part of this very round has been taken, and so before the round can end.
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
        // Less than nothing in an earlier round, more than all parts in a later one.
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
    std::atomic<uint64_t> parts{0};  // the last round's number, and how many parts of it
  };

  alignas(64) std::atomic<bool> taken_{false};
  alignas(64) std::atomic<uint64_t> round_{0};  // and its number of parts and of shares
  std::atomic<bool> open_{false};               // whether more rounds may come soon
  void (*call_)(const void*, int64_t) = nullptr;
  const void* function_ = nullptr;
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;  // of the first part that failed
  alignas(64) std::atomic<int64_t> done_{0};
  Begun begun_[kShares];
};

// A job's threads, for some rounds of the same number of parts.
class Team {
 public:
  Team(xla::ffi::ThreadPool pool, int64_t parts) : parts_(parts) {
    // To call each helper takes time: two parts for each, if there are so many.
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

// Calls f(part) for every part, on the threads of the pool; a single part by the caller alone.
template <class F>
void InParts(xla::ffi::ThreadPool pool, int64_t parts, const F& f) {
  if (parts == 1) return f(0);
  Team(pool, parts).Run(f);
}

// Calls f(first, last) for shares of [0, size), which begin at multiples of `unit`.
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
