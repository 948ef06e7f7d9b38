/* tests/proofs/mutant_seeds.h — small files to mutate: of a file without /train each group with x and y becomes /train of
 * two files, in the oldest format and in that of HDF5 1.10, with the attributes that are read. */
#ifndef KZ_PROOFS_MUTANT_SEEDS_H
#define KZ_PROOFS_MUTANT_SEEDS_H

#include <hdf5.h>
#include <stdio.h>
#include <unistd.h>

static inline void put_texts(hid_t file, const char *name, hid_t space, const char *const *texts)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t a = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, type, texts);
    H5Aclose(a);
    H5Tclose(type);
}

static inline void make_seed(hid_t from, const char *group, const char *path, H5F_libver_t low)
{
    static const char *const names[] = {"no", "yes", "perhaps"}, *const task[] = {"classification"};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, low, H5F_LIBVER_V110);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Ocopy(from, group, file, "train", H5P_DEFAULT, H5P_DEFAULT);
    hsize_t three = 3;
    hid_t many = H5Screate_simple(1, &three, NULL), one = H5Screate(H5S_SCALAR);
    put_texts(file, "class_names", many, names);
    put_texts(file, "task", one, task);
    hid_t a = H5Acreate2(file, "classes", H5T_NATIVE_INT, one, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, H5T_NATIVE_INT, &(int){3});
    H5Aclose(a);
    H5Sclose(one);
    H5Sclose(many);
    H5Fclose(file);
    H5Pclose(access);
}

/* Ends the process: 0; 1: no HDF5 file; 3: the file has /train. */
static inline void make_seeds(const char *folder, int i, const char *path)
{
    char out[160], member[160];
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    H5G_info_t info = {0};
    if (file < 0 || H5Gget_info(file, &info) < 0) _exit(1);
    if (H5Lexists(file, "train", H5P_DEFAULT) > 0) _exit(3);
    for (hsize_t k = 0; k < info.nlinks; k++) {
        char name[64] = "";
        H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, k, name, sizeof name, H5P_DEFAULT);
        snprintf(member, sizeof member, "%s/x", name);
        if (H5Lexists(file, member, H5P_DEFAULT) <= 0) continue;
        snprintf(out, sizeof out, "%s/seed.%03d.%s.old", folder, i, name);
        make_seed(file, name, out, H5F_LIBVER_EARLIEST);
        snprintf(out, sizeof out, "%s/seed.%03d.%s.new", folder, i, name);
        make_seed(file, name, out, H5F_LIBVER_V110);
    }
    H5Fclose(file);
    _exit(0);
}

#endif
