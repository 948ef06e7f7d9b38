/* sim_stream.h — streams, events and graphs as the stand-in keeps them. */
#ifndef KZ_CUDA_ON_CPU_SIM_STREAM_H
#define KZ_CUDA_ON_CPU_SIM_STREAM_H

#include "sim_impl.h"
#include "sim_services.h"

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace kz_sim {

/* One recording of an event. */
struct record {
    cudaStream_t in;
    uint64_t number; /* of the operation that records it */
    bool done;
    double seconds;
};

struct operation {
    uint64_t number; /* grows over all streams, in the order of queueing */
    std::function<cudaError_t()> run;
    std::shared_ptr<record> after; /* waits for it, or NULL */
};

struct node {
    std::string what;
    std::function<cudaError_t()> run;
};
using nodes = std::vector<node>;

struct capture {
    bool active, spoiled;
    cudaStreamCaptureMode mode;
    std::thread::id by;
    nodes recorded;
};

/* The stream that a handle means, 0 being the legacy one; NULL, after saying so: there is none. */
cudaStream_t stream_of(cudaStream_t handle, const char *what);

/* Carries out what is queued up to operation number `until`, and first what that waits for. */
void carry_out(cudaStream_t stream, uint64_t until);

/* As enqueue, for an operation that waits for `after`; number: of the operation, where not NULL. */
cudaError_t enqueue_after(cudaStream_t stream, const char *what, std::function<cudaError_t()> run,
                          std::shared_ptr<record> after, uint64_t *number);

/* Spoils the capture of the stream: says that `what` cannot be captured. */
cudaError_t spoil(cudaStream_t stream, cudaError_t e, const char *what);

} // namespace kz_sim

struct CUstream_st {
    const kz_sim::services *services; /* first: sim_services.h */
    bool blocking;                    /* waits for the legacy stream, and that one for it */
    int serial;                       /* how many were created before it */
    std::deque<kz_sim::operation> queue;
    kz_sim::capture captures;
};

#endif
