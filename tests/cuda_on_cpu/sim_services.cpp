/* What the runtime does for libraries that queue work on its streams. */
#include "sim_services.h"
#include "sim_impl.h"

namespace kz_sim {

static cudaError_t queue_for_library(cudaStream_t stream, const char *what, std::function<cudaError_t()> run)
{
    guard lock(device_lock);
    return enqueue(stream, what, std::move(run));
}

static bool is_in_device_memory(const void *p, size_t bytes)
{
    guard lock(device_lock);
    bool whole;
    return place_of(p, bytes, &whole) == place::device && whole;
}

const services services_of_device = {queue_for_library, is_in_device_memory};

} // namespace kz_sim
