// What records say of machine and build.
#include "record_support.h"

#include <unistd.h>

static std::string dump(json_t *j)
{
    kz_text t = {};
    EXPECT_NE(nullptr, j);
    EXPECT_EQ(KZ_OK, kz_json_dump(&t, j, false));
    std::string s = kz_text_str(&t);
    kz_text_free(&t);
    json_decref(j);
    return s;
}

TEST(Machine, DescribesThisOne)
{
    Json machine(dump(kz_machine_json()));
    EXPECT_EQ("cpu memory_bytes arch kernel os container", machine.keys({}));
    EXPECT_EQ(0u, machine.keys({"cpu"}).find("model logical usable isa"));
    EXPECT_EQ("l1d_bytes l2_bytes l3_bytes", machine.keys({"cpu", "caches"}));
    EXPECT_GE(machine.number({"cpu", "logical"}), 1);
    EXPECT_EQ(kz_cpu_count(), machine.number({"cpu", "usable"}));
    EXPECT_GT(machine.number({"memory_bytes"}), 1e6);
#if defined(__x86_64__)
    std::string isa = dump(json_incref(const_cast<json_t *>(machine.at({"cpu", "isa"}))));
    EXPECT_EQ(__builtin_cpu_supports("avx2") != 0, isa.find("\"avx2\"") != std::string::npos) << isa;
    EXPECT_EQ(__builtin_cpu_supports("fma") != 0, isa.find("\"fma\"") != std::string::npos) << isa;
    EXPECT_EQ("x86_64", machine.text({"arch"}));
#endif
}

TEST(Machine, DoesNotTellItsName)
{
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    if (strlen(name) < 6) GTEST_SKIP() << "the host name '" << name << "' is too short to look for";
    EXPECT_EQ(std::string::npos, dump(kz_machine_json()).find(std::string("\"") + name));
}

TEST(Build, SaysHowItWasBuilt)
{
    Json build(dump(kz_build_json()));
    EXPECT_EQ("version commit dirty compiler flags type arithmetic features libraries", build.keys({}));
    EXPECT_EQ("cuda mpi hwloc seccomp", build.keys({"features"}));
    EXPECT_EQ(KZ_VERSION, build.text({"version"}));
    EXPECT_EQ(1, build.number({"arithmetic"}));
    EXPECT_TRUE(json_is_boolean(build.at({"dirty"})));
    EXPECT_NE("(no string)", build.text({"libraries", "openssl"}));
}
