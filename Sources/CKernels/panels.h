// Products position by position.

#include "tables.h"

// C of rows x width.
typedef void panel_product(
  long rows, long depth, const unsigned short *a, const unsigned short *b, long width, float *c);

static inline void multiply_positions(const kernel_products *p, panel_product *multiply) {
  for (long position = 0; position < p->positions; position++)
    multiply(
      p->rows, p->depth, p->a + position * p->a_position, p->b + position * p->depth * p->width,
      p->width, p->c + position * p->c_position);
}
