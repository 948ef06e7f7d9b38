/* sim_services.h — what a library that queues work on a stream, as cuBLASLt does, asks of the stand-in.
 *
 * It gets the stream alone, and is no part of the module that the runtime is in: so a stream begins with a pointer to these. */
#ifndef KZ_CUDA_ON_CPU_SIM_SERVICES_H
#define KZ_CUDA_ON_CPU_SIM_SERVICES_H

#include "cuda_runtime.h"

#include <functional>

namespace kz_sim {

struct services {
    /* Queues `run` as a kernel is: in the stream's order, or into the graph that it captures. */
    cudaError_t (*queue)(cudaStream_t stream, const char *what, std::function<cudaError_t()> run);
    /* Whether all of it is device memory of one allocation. */
    bool (*in_device_memory)(const void *p, size_t bytes);
};

extern const services services_of_device; /* the runtime's */

static inline const services &services_of(cudaStream_t stream)
{
    return **reinterpret_cast<const services *const *>(stream);
}

} // namespace kz_sim
#endif
