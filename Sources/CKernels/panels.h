// Products position by position.

#include "tables.h"

// C of one position.
typedef void panel_product(
  const kernel_products *p, const unsigned short *a, const unsigned short *b, float *c);

static inline void multiply_positions(const kernel_products *p, panel_product *multiply) {
  for (long position = 0; position < p->positions; position++)
    multiply(
      p, p->a + position * p->a_position, p->b + position * p->terms * p->depth * p->width,
      p->c + position * p->c_position);
}
