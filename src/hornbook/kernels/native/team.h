// Work in parts, on the threads that XLA has for it.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tile.h"
#include "xla/ffi/api/ffi.h"

namespace hornbook {

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Rounds of work, one after the other, each of the same number of parts.
class Job {
 public:
  explicit Job(int64_t parts) : taken_(parts) {}

  // Calls f(part) for every part, and returns when all are done. Nobody waits for a helper that has
  // not come: the caller does what is left, so that a busy pool slows down and never blocks.
  template <class F>
  void Run(const F& f) {
    call_ = [](const void* f, int64_t part) { (*static_cast<const F*>(f))(part); };
    function_ = &f;
    done_.store(0, std::memory_order_relaxed);
    Take(round_.fetch_add(1, std::memory_order_release) + 1, 0);
    const int64_t parts = taken_.size();
    for (int64_t i = 0; done_.load(std::memory_order_acquire) < parts; ++i)
      i < 4000 ? Pause() : std::this_thread::yield();
  }

  void End() { over_.store(true, std::memory_order_release); }

  // Takes part in every round until the end, beginning each with the same part, so that what it
  // needs stays in the cache of one core.
  void Help(int64_t first) {
    int64_t last = 0, idle = 0;
    while (!over_.load(std::memory_order_acquire)) {
      const int64_t now = round_.load(std::memory_order_acquire);
      if (now == last) {
        ++idle < 4000 ? Pause() : std::this_thread::yield();
        continue;
      }
      Take(now, first);
      last = now;
      idle = 0;
    }
  }

 private:
  // Does the parts of a round that nobody has taken. The function is read only after a part of this
  // very round has been taken, and so before the round can end.
  void Take(int64_t round, int64_t first) {
    const int64_t parts = taken_.size();
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t part = (first + i) % parts;
      int64_t last = taken_[part].load(std::memory_order_relaxed);
      if (last >= round ||
          !taken_[part].compare_exchange_strong(last, round, std::memory_order_acq_rel))
        continue;
      call_(function_, part);
      done_.fetch_add(1, std::memory_order_release);
    }
  }

  std::vector<std::atomic<int64_t>> taken_;  // the last round in which a part was taken
  std::atomic<int64_t> round_{0}, done_{0};
  std::atomic<bool> over_{false};
  void (*call_)(const void*, int64_t) = nullptr;
  const void* function_ = nullptr;
};

// A job, with threads of XLA's that help. A helper stays for a moment after a job is over: to wake
// a thread takes longer than most jobs.
class Team {
 public:
  Team(xla::ffi::ThreadPool pool, int64_t parts) : job_(std::make_shared<Job>(parts)) {
    // To call each helper takes time: two parts for each, if there are so many.
    const int64_t wanted = std::max<int64_t>(std::min<int64_t>(parts, 2), parts / 2);
    const int64_t helpers = std::min<int64_t>(pool.num_threads(), wanted) - 1;
    Board& board = Board::The();
    const int64_t waiting = board.Post(job_);
    for (int64_t i = waiting; i < helpers; ++i)
      pool.Schedule([job = job_, first = (i + 1) * parts / (helpers + 1)]() mutable {
        job->Help(first);
        job.reset();
        Board::The().Stay();
      });
  }
  ~Team() { job_->End(); }

  template <class F>
  void Run(const F& f) {
    job_->Run(f);
  }

 private:
  static constexpr std::chrono::microseconds kStay{20};

  // Where helpers that have nothing to do look for the newest job.
  class Board {
   public:
    static Board& The() {
      static Board& board = *new Board;  // never destroyed: a helper may outlive main()
      return board;
    }

    // Returns how many helpers are looking.
    int64_t Post(std::shared_ptr<Job> job) {
      const std::lock_guard<std::mutex> lock(mutex_);
      newest_ = job;
      posted_.fetch_add(1, std::memory_order_release);
      return looking_.load(std::memory_order_relaxed);
    }

    void Stay() {
      looking_.fetch_add(1, std::memory_order_relaxed);
      int64_t turns = 0;
      int64_t seen = posted_.load(std::memory_order_acquire);
      auto until = std::chrono::steady_clock::now() + kStay;
      while (std::chrono::steady_clock::now() < until) {
        if (posted_.load(std::memory_order_acquire) == seen) {
          Pause();
          if (++turns % 64 == 0) std::this_thread::yield();
          continue;
        }
        std::shared_ptr<Job> job;
        {
          const std::lock_guard<std::mutex> lock(mutex_);
          seen = posted_.load(std::memory_order_relaxed);
          job = newest_.lock();
        }
        if (job) {
          looking_.fetch_sub(1, std::memory_order_relaxed);
          job->Help(1);
          looking_.fetch_add(1, std::memory_order_relaxed);
        }
        until = std::chrono::steady_clock::now() + kStay;
      }
      looking_.fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    std::mutex mutex_;
    std::weak_ptr<Job> newest_;
    std::atomic<int64_t> posted_{0}, looking_{0};
  };

  std::shared_ptr<Job> job_;
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
