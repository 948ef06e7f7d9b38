/* Cores, NUMA nodes and caches from hwloc. */
#include "record_impl.h"

#ifdef KZ_HAVE_HWLOC
#include <hwloc.h>

static json_t *count_json(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    int n = hwloc_get_nbobjs_by_type(topology, type);
    return n > 0 ? json_integer(n) : json_null();
}

/* Bytes of one cache; 0: unknown. */
static json_int_t cache_bytes(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    hwloc_obj_t cache = hwloc_get_obj_by_type(topology, type, 0);
    return cache ? (json_int_t)cache->attr->cache.size : 0;
}

static json_t *caches_json(hwloc_topology_t topology)
{
    return json_pack("{s:I, s:I, s:I}", "l1d_bytes", cache_bytes(topology, HWLOC_OBJ_L1CACHE), "l2_bytes",
                     cache_bytes(topology, HWLOC_OBJ_L2CACHE), "l3_bytes", cache_bytes(topology, HWLOC_OBJ_L3CACHE));
}

static int add_all(json_t *cpu, hwloc_topology_t topology)
{
    int bad = json_object_set_new(cpu, "cores", count_json(topology, HWLOC_OBJ_CORE));
    bad |= json_object_set_new(cpu, "packages", count_json(topology, HWLOC_OBJ_PACKAGE));
    bad |= json_object_set_new(cpu, "numa_nodes", count_json(topology, HWLOC_OBJ_NUMANODE));
    return bad | json_object_set_new(cpu, "caches", caches_json(topology));
}

int kz_topology_add(json_t *cpu)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) != 0) return 0; /* a machine that hwloc cannot describe is no reason to fail */
    int bad = hwloc_topology_load(topology) == 0 ? add_all(cpu, topology) : 0;
    hwloc_topology_destroy(topology);
    return bad;
}
#endif
