// Tiles in plain C, summed in another order than AMX does: for machines without it, to test how they are
// taken.
#include <string.h>

#include "tables.h"

typedef struct {
  unsigned char bytes[16][64];
} twin_tile;

static _Thread_local twin_tile tiles[8];

static void twin_load(int n, const void *base, long row) {
  for (int r = 0; r < 16; r++) memcpy(tiles[n].bytes[r], (const char *)base + r * row, 64);
}

static void twin_store(int n, void *base, long row) {
  for (int r = 0; r < 16; r++) memcpy((char *)base + r * row, tiles[n].bytes[r], 64);
}

static float widened(unsigned short half) {
  unsigned bits = (unsigned)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void twin_multiply(int c, int a, int b) {
  for (int r = 0; r < 16; r++) {
    float sums[16];
    unsigned short row[32];
    memcpy(sums, tiles[c].bytes[r], 64);
    memcpy(row, tiles[a].bytes[r], 64);
    for (int k = 0; k < 16; k++) {
      unsigned short pairs[32];
      memcpy(pairs, tiles[b].bytes[k], 64);
      for (int v = 0; v < 16; v++) {
        sums[v] += widened(row[2 * k]) * widened(pairs[2 * v]);
        sums[v] += widened(row[2 * k + 1]) * widened(pairs[2 * v + 1]);
      }
    }
    memcpy(tiles[c].bytes[r], sums, 64);
  }
}

#define tile_configure() memset(tiles, 0, sizeof tiles)
#define tile_zero(n) memset(&tiles[n], 0, sizeof tiles[n])
#define tile_load(n, base, row) twin_load(n, base, row)
#define tile_fetch(line) (void)(line)
#define tile_prefetch(line) (void)(line)
#define tile_multiply(c, a, b) twin_multiply(c, a, b)
#define tile_store(n, base, row) twin_store(n, base, row)
#define tile_finish() (void)0
#include "amx.h"

void kernels_amx_twin_products(const kernel_products *p) { tile_products(p); }
