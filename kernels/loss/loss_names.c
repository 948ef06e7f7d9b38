/* The list of losses by name. */
#include "kernels/loss/loss.h"

enum { VALUE, CLASS };

static const struct {
    const char *name;
    int targets;
} losses[] = {
#define KZ_LOSS(name, targets, text) {#name, targets},
#include "kernels/loss/loss_list.inc"
#undef KZ_LOSS
};

int kz_loss_named(const char *name)
{
    int which = 0;
    while (which < KZ_LOSSES && strcmp(losses[which].name, name) != 0) which++;
    return which;
}

const char *kz_loss_name(int which)
{
    return losses[which].name;
}

int kz_loss_is_of_classes(int which)
{
    return losses[which].targets == CLASS;
}
