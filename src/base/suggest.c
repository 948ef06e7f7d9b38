/* "Did you mean": the nearest word by edit distance with swaps of neighbours (optimal string alignment). */
#include "kz/base.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 63 }; /* longer words get no suggestion */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int distance(const char *a, const char *b)
{
    int n = (int)strlen(a), m = (int)strlen(b);
    int row[3][LONGEST + 1]; /* rows i - 2, i - 1, i of the table */
    for (int j = 0; j <= m; j++) row[1][j] = j;
    for (int i = 1; i <= n; i++) {
        row[2][0] = i;
        for (int j = 1; j <= m; j++) {
            int same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            row[2][j] = least(row[1][j - 1] + !same, 1 + least(row[1][j], row[2][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[2][j] = least(row[2][j], row[0][j - 2] + 1);
        }
        memcpy(row[0], row[1], sizeof row[0]);
        memcpy(row[1], row[2], sizeof row[1]);
    }
    return row[1][m];
}

const char *kz_suggest(const char *word, const char *const *list)
{
    const char *best = NULL;
    int n = (int)strnlen(word, LONGEST + 1);
    if (n > LONGEST) return NULL;
    int best_distance = n < 2 ? 0 : n < 3 ? 1 : (n + 2) / 3;
    for (; *list; list++) {
        int m = (int)strnlen(*list, LONGEST + 1);
        if (m > LONGEST || n - m > best_distance || m - n > best_distance) continue; /* too far by length alone */
        int d = distance(word, *list);
        if (d > best_distance || (best && d == best_distance)) continue;
        best = *list;
        best_distance = d;
    }
    return best;
}
