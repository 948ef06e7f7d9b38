/* A block of threads: fibres that run until they wait, one at a time, in the order that was asked for.
 *
 * A thread that has ended leaves its fibre to the next one that has not begun, so that threads that never wait all run
 * on one fibre, without a switch. */
#include "fibre.h"
#include "sim_impl.h"

#include <numeric>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vector>

namespace kz_sim {

uint3 thread_at, block_at;
dim3 block_size, grid_size;
unsigned char *shared_memory;

namespace {

enum class state : unsigned char { fresh, ready, at_barrier, at_warp, done };

struct copy {
    void *to;
    const void *from; /* NULL: zeros */
    size_t bytes;
};

struct site {
    const char *operation, *file;
    int line;
    bool differs(const site &other) const
    {
        return line != other.line || (file != other.file && strcmp(file, other.file) != 0) ||
               (operation != other.operation && strcmp(operation, other.operation) != 0);
    }
};

struct thread {
    fibre *on;
    state now;
    bool turn;                  /* which of the two sets of values of its warp is the next one */
    site waits;                 /* where, while it does */
    size_t pending;             /* copies issued, and not yet waited for */
    std::vector<copy> copies;   /* these, where they are carried out late */
    std::vector<size_t> groups; /* how many were pending when each group ended */
};

struct warp {
    int arrived;
    site where;
    uint64_t value[2][KZ_WARP]; /* two, as a lane may be at the next operation before others have read this one */
};

/* The block that runs. */
struct machine {
    launch what;
    const std::function<void()> *body;
    dim3 shape; /* that index and base are made for */
    int count;  /* of threads */
    int running;
    int waiting, ended;
    site barrier;
    cudaError_t failed;
    uint64_t seed;
    std::vector<uint3> index;
    std::vector<int> base; /* an order of the threads; others are made of it */
    unsigned base_order;
    std::vector<thread> threads;
    std::vector<warp> warps;
    std::vector<int> ready; /* a ring */
    size_t first, readies;
    std::vector<unsigned char> kept_shared; /* where AddressSanitizer does not watch over a fresh allocation */
    fibre host;
    std::vector<fibre *> fibres, idle;
    ~machine()
    {
        for (fibre *f : fibres) fibre_destroy(f);
    }
} m;

enum { FENCE = 256, FENCE_BYTE = 0xa5 };

void put_ready(int i)
{
    size_t at = m.first + m.readies++;
    m.ready[at < m.ready.size() ? at : at - m.ready.size()] = i;
    m.threads[static_cast<size_t>(i)].now = state::ready;
}

int take_ready(void)
{
    if (!m.readies) return -1;
    int i = m.ready[m.first];
    m.first = m.first + 1 == m.ready.size() ? 0 : m.first + 1;
    m.readies--;
    return i;
}

uint64_t next_seed(void)
{
    m.seed = m.seed * 6364136223846793005u + 1442695040888963407u;
    return m.seed >> 16;
}

/* Text without an allocation, as who fails never returns to free it. */
struct words {
    char text[256];
};

words text_of(const uint3 &at)
{
    words w;
    snprintf(w.text, sizeof w.text, "(%u,%u,%u)", at.x, at.y, at.z);
    return w;
}

words text_of(const site &at)
{
    words w;
    snprintf(w.text, sizeof w.text, "%.40s at %.180s:%d", at.operation, at.file, at.line);
    return w;
}

/* Ends the block: nobody comes back to its fibres. */
[[noreturn]] void fail(cudaError_t e, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say("kernel %s, block %s, thread %s: %s", m.what.name[0] ? m.what.name : "(name not known)", text_of(block_at).text,
        text_of(thread_at).text, text);
    m.failed = e;
    fibre_switch(m.threads[static_cast<size_t>(m.running)].on, &m.host);
    abort();
}

words standing_of(const thread &t)
{
    words w;
    if (t.now == state::done) snprintf(w.text, sizeof w.text, "has returned");
    else snprintf(w.text, sizeof w.text, "waits in %.240s", text_of(t.waits).text);
    return w;
}

/* All that have not ended wait, and not all for the same. */
[[noreturn]] void fail_stuck(void)
{
    for (const warp &w : m.warps) {
        if (!w.arrived) continue;
        size_t begin = static_cast<size_t>(&w - m.warps.data()) * KZ_WARP;
        for (size_t i = begin; i < begin + KZ_WARP; i++) {
            if (i >= m.threads.size() || static_cast<int>(i) >= m.count)
                fail(cudaErrorLaunchFailure, "%s: only %d of 32 lanes of the warp came; the block ends within the warp",
                     text_of(w.where).text, w.arrived);
            if (m.threads[i].now != state::at_warp)
                fail(cudaErrorLaunchFailure, "%s: only %d of 32 lanes of the warp came; thread %s %s",
                     text_of(w.where).text, w.arrived, text_of(m.index[i]).text, standing_of(m.threads[i]).text);
        }
    }
    for (int i = 0; i < m.count; i++)
        if (m.threads[static_cast<size_t>(i)].now != state::at_barrier)
            fail(cudaErrorLaunchFailure, "%s: only %d of %d threads came; thread %s %s", text_of(m.barrier).text,
                 m.waiting, m.count, text_of(m.index[static_cast<size_t>(i)]).text,
                 standing_of(m.threads[static_cast<size_t>(i)]).text);
    fail(cudaErrorLaunchFailure, "nobody can go on");
}

void fibre_main(void);

void run_here(int i)
{
    m.running = i;
    thread_at = m.index[static_cast<size_t>(i)];
}

/* Leaves `from`, whose thread waits or has ended, for thread i. */
void go_on_with(int i, fibre *from)
{
    thread &t = m.threads[static_cast<size_t>(i)];
    if (!t.on) {
        if (m.idle.empty()) {
            fibre *f = fibre_create(fibre_main);
            if (!f) fail(cudaErrorLaunchFailure, "no memory for another fibre");
            m.fibres.push_back(f);
            m.idle.push_back(f);
        }
        t.on = m.idle.back();
        m.idle.pop_back();
    }
    run_here(i);
    fibre_switch(from, t.on);
}

/* The thread that runs is not ready; returns when it is its turn again. */
void wait_here(void)
{
    int me = m.running, next = take_ready();
    if (next < 0) fail_stuck();
    if (next != me) go_on_with(next, m.threads[static_cast<size_t>(me)].on);
}

void end_thread(void)
{
    thread &t = m.threads[static_cast<size_t>(m.running)];
    if (t.pending)
        fail(cudaErrorLaunchFailure, "it returned and has not waited for %zu asynchronous copies", t.pending);
    t.groups.clear();
    t.now = state::done;
    m.ended++;
    int next = take_ready();
    fibre *me = t.on;
    if (next < 0 && m.ended < m.count) fail_stuck();
    if (next >= 0 && !m.threads[static_cast<size_t>(next)].on) {
        m.threads[static_cast<size_t>(next)].on = me;
        run_here(next);
        return;
    }
    m.idle.push_back(me);
    if (next >= 0) go_on_with(next, me);
    else fibre_switch(me, &m.host);
}

void fibre_main(void)
{
    fibre_begun();
    for (;;) {
        (*m.body)();
        end_thread();
    }
}

/* Calls put(i) for the threads 0 .. count - 1 in an order: another one each time. */
template <class F> void in_some_order(int count, const F &put)
{
    permutation order(count, current().order > 1 ? next_seed() : 0);
    for (int i = 0; i < count; i++) put(static_cast<int>(order.next()));
}

void make_base(void)
{
    m.base.resize(static_cast<size_t>(m.count));
    std::iota(m.base.begin(), m.base.end(), 0);
    if (current().order > 1)
        for (size_t i = m.base.size() - 1; i > 0; i--) std::swap(m.base[i], m.base[word_of_order(i) % (i + 1)]);
    m.base_order = current().order;
    m.index.resize(m.base.size());
    for (unsigned i = 0; i < m.base.size(); i++)
        m.index[i] = {i % m.shape.x, i / m.shape.x % m.shape.y, i / m.shape.x / m.shape.y};
}

bool take_shared(void)
{
    shared_memory = nullptr;
    size_t bytes = m.what.shared;
    if (!bytes) return true;
    if (KZ_FIBRE_ASAN) {
        void *p;
        if (posix_memalign(&p, 16, bytes) != 0) return false;
        shared_memory = static_cast<unsigned char *>(p);
    } else {
        m.kept_shared.resize(bytes + 2 * FENCE + 16);
        uintptr_t at = (reinterpret_cast<uintptr_t>(m.kept_shared.data()) + FENCE + 15) / 16 * 16;
        shared_memory = reinterpret_cast<unsigned char *>(at);
        memset(shared_memory - FENCE, FENCE_BYTE, FENCE);
        memset(shared_memory + bytes, FENCE_BYTE, FENCE);
    }
    fill_with_nan(shared_memory, bytes);
    return true;
}

void give_back_shared(void)
{
    if (!shared_memory) return;
    if (KZ_FIBRE_ASAN) {
        free(shared_memory);
    } else {
        for (int i = 0; i < FENCE && m.failed == cudaSuccess; i++)
            if (shared_memory[-1 - i] != FENCE_BYTE ||
                shared_memory[m.what.shared + static_cast<size_t>(i)] != FENCE_BYTE) {
                say("kernel %s, block %s: wrote outside its %zu bytes of shared memory", m.what.name,
                    text_of(block_at).text, m.what.shared);
                m.failed = cudaErrorIllegalAddress;
            }
    }
    shared_memory = nullptr;
}

} // namespace

cudaError_t begin_blocks(const launch &what, const std::function<void()> *body)
{
    m.what = what;
    m.body = body;
    m.failed = cudaSuccess;
    block_size = what.block;
    grid_size = what.grid;
    int count = static_cast<int>(what.block.x * what.block.y * what.block.z);
    if (count != m.count || m.base_order != current().order || m.shape.x != what.block.x || m.shape.y != what.block.y) {
        m.count = count;
        m.shape = what.block;
        make_base();
    }
    size_t n = static_cast<size_t>(count);
    if (m.threads.size() < n) m.threads.resize(n);
    m.warps.resize((n + KZ_WARP - 1) / KZ_WARP);
    m.ready.resize(n);
    m.seed = random_word(n);
    if (m.fibres.empty()) {
        fibre *f = fibre_create(fibre_main);
        if (!f) return cudaErrorMemoryAllocation;
        m.fibres.push_back(f);
        m.idle.push_back(f);
    }
    return cudaSuccess;
}

cudaError_t run_block(uint3 at)
{
    block_at = at;
    if (!take_shared()) return cudaErrorMemoryAllocation;
    m.first = m.readies = 0;
    m.waiting = m.ended = 0;
    for (warp &w : m.warps) w.arrived = 0;
    in_some_order(m.count, [](int i) {
        int at_base = m.base[static_cast<size_t>(i)];
        m.threads[static_cast<size_t>(at_base)].on = nullptr;
        m.threads[static_cast<size_t>(at_base)].turn = false;
        put_ready(at_base);
    });
    go_on_with(take_ready(), &m.host);
    give_back_shared();
    m.running = -1;
    if (m.failed != cudaSuccess) {
        for (fibre *f : m.fibres) fibre_rewind(f, fibre_main);
        m.idle = m.fibres;
        for (thread &t : m.threads) {
            t.pending = 0;
            t.copies.clear();
            t.groups.clear();
        }
    }
    return m.failed;
}

void block_barrier(const char *file, int line)
{
    thread &t = m.threads[static_cast<size_t>(m.running)];
    t.waits = {"__syncthreads", file, line};
    if (!m.waiting) m.barrier = t.waits;
    else if (t.waits.differs(m.barrier))
        fail(cudaErrorLaunchFailure, "it waits in %s while other threads wait in %s", text_of(t.waits).text,
             text_of(m.barrier).text);
    t.now = state::at_barrier;
    if (++m.waiting == m.count) {
        m.waiting = 0;
        in_some_order(m.count, [](int i) { put_ready(m.base[static_cast<size_t>(i)]); });
    }
    wait_here();
}

const uint64_t *warp_exchange(uint64_t value, const char *operation, const char *file, int line)
{
    int me = m.running;
    thread &t = m.threads[static_cast<size_t>(me)];
    warp &w = m.warps[static_cast<size_t>(me / KZ_WARP)];
    t.waits = {operation, file, line};
    if (!w.arrived) w.where = t.waits;
    else if (t.waits.differs(w.where))
        fail(cudaErrorLaunchFailure, "it takes part in %s while other lanes of its warp are in %s",
             text_of(t.waits).text, text_of(w.where).text);
    uint64_t *values = w.value[t.turn];
    t.turn = !t.turn;
    values[me % KZ_WARP] = value;
    t.now = state::at_warp;
    if (++w.arrived == KZ_WARP) {
        w.arrived = 0;
        in_some_order(KZ_WARP, [me](int i) { put_ready(me / KZ_WARP * KZ_WARP + i); });
    }
    wait_here();
    return values;
}

int lane_of_warp(void)
{
    return m.running % KZ_WARP;
}

void refuse_lane(const char *operation, int value, const char *file, int line)
{
    fail(cudaErrorLaunchFailure, "%s at %s:%d: %d is not within 0 .. 31", operation, file, line, value);
}

static void carry_out(const copy &c)
{
    if (c.bytes == 16) {
        if (c.from) memcpy(c.to, c.from, 16);
        else memset(c.to, 0, 16);
    } else {
        if (c.from) memcpy(c.to, c.from, 4);
        else memset(c.to, 0, 4);
    }
}

void copy_async(void *shared, const void *global, size_t bytes, bool valid)
{
    uintptr_t to = reinterpret_cast<uintptr_t>(shared), base = reinterpret_cast<uintptr_t>(shared_memory);
    if (to % bytes)
        fail(cudaErrorMisalignedAddress, "asynchronous copy of %zu bytes to %p: not aligned", bytes, shared);
    if (reinterpret_cast<uintptr_t>(global) & (bytes - 1))
        fail(cudaErrorMisalignedAddress, "asynchronous copy of %zu bytes from %p: not aligned", bytes, global);
    if (!base || to < base || to - base > m.what.shared || bytes > m.what.shared - (to - base))
        fail(cudaErrorIllegalAddress, "asynchronous copy to byte %lld of %zu bytes of shared memory",
             static_cast<long long>(to - base), m.what.shared);
    bool whole;
    if (valid && (place_of(global, bytes, &whole) == place::host || !whole))
        fail(cudaErrorIllegalAddress, "asynchronous copy from %p, which is not within device memory", global);
    copy c = {shared, valid ? global : nullptr, bytes};
    thread &t = m.threads[static_cast<size_t>(m.running)];
    t.pending++;
    if (!current().late_copies) {
        carry_out(c);
        return;
    }
    t.copies.push_back(c);
    fill_with_nan(shared, bytes);
}

void copy_commit(void)
{
    thread &t = m.threads[static_cast<size_t>(m.running)];
    t.groups.push_back(t.pending);
}

void copy_wait(int pending)
{
    thread &t = m.threads[static_cast<size_t>(m.running)];
    if (t.groups.size() <= static_cast<size_t>(pending)) return;
    size_t over = t.groups.size() - static_cast<size_t>(pending), done = t.groups[over - 1];
    if (!t.copies.empty()) {
        for (size_t i = 0; i < done; i++) carry_out(t.copies[i]);
        t.copies.erase(t.copies.begin(), t.copies.begin() + static_cast<ptrdiff_t>(done));
    }
    t.groups.erase(t.groups.begin(), t.groups.begin() + static_cast<ptrdiff_t>(over));
    for (size_t &end : t.groups) end -= done;
    t.pending -= done;
}

} // namespace kz_sim
